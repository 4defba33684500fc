"""Files are shared, closed when nobody needs them, and block nobody."""

from __future__ import annotations

import errno
import gc
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import h5py
import numpy as np
import psutil
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import FieldArray, H5Array, StackedArray, files, hdf5
from napari_emd_flatfield.lazy.opening import open_hdf5

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = np.random.default_rng(0).integers(0, 60_000, (40, 16, 24)).astype("u2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "x.h5", COUNTS)


def written(path: Path, data: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["contiguous"] = data
        file.create_dataset("chunked", data=data, chunks=True, compression="gzip")
        for i, frame in enumerate(data):
            file[f"series/{i}"] = frame
    return path


# HDF5's, and one to read with what HDF5 would read one by one.
HANDLES = 2


def times_open(path: Path) -> int:
    gc.collect()
    return [file.path for file in psutil.Process().open_files()].count(str(path))


def test_one_handle_serves_all_arrays_on_a_file(path: Path) -> None:
    first = H5Array(path, "/contiguous")
    second = H5Array(str(path), "/chunked").transpose()
    third = StackedArray([first, H5Array(path.parent / "." / "x.h5", "/chunked")])
    for lazy in (first, second, third):
        lazy[0]
    assert times_open(path) == HANDLES
    del first, second, lazy
    assert times_open(path) == HANDLES
    np.testing.assert_array_equal(third[1], COUNTS)
    del third
    assert times_open(path) == 0


def test_signals_hold_the_file_only_as_long_as_they_live(path: Path) -> None:
    signals = nef.read(path)
    assert times_open(path) == HANDLES
    frame = signals[0].data[3]
    del signals
    assert times_open(path) == 0
    assert frame.shape == COUNTS.shape[1:]


def test_a_read_that_fails_leaves_nothing_open(path: Path) -> None:
    with pytest.raises(nef.NoSignalError):
        nef.read(path, "/nothing")
    assert times_open(path) == 0


def test_closed_arrays_open_the_file_again(path: Path) -> None:
    lazy = StackedArray([H5Array(path, "/contiguous")] * 2).transpose(0, 1, 3, 2)
    lazy[0, 0]
    lazy.close()
    lazy.close()
    assert times_open(path) == 0
    np.testing.assert_array_equal(lazy[1, 5], COUNTS[5].T)
    assert times_open(path) == HANDLES


def test_leaving_the_context_closes_the_file(path: Path) -> None:
    with H5Array(path, "/chunked") as lazy:
        np.testing.assert_array_equal(lazy[7], COUNTS[7])
        assert times_open(path) == HANDLES
    assert times_open(path) == 0


def test_looking_never_blocks_a_writer(path: Path) -> None:
    lazy = H5Array(path, "/chunked")
    lazy[0]
    program = (
        "import h5py, sys\nwith h5py.File(sys.argv[1], 'r+') as file: file['new'] = 1"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
    np.testing.assert_array_equal(lazy[-1], COUNTS[-1])


@pytest.mark.parametrize("mode", ["r", "r+", "a"])
def test_a_script_may_open_the_file_its_signals_come_from(
    path: Path, mode: str
) -> None:
    lazy = H5Array(path, "/contiguous")
    lazy[0]
    with h5py.File(path, mode) as file:
        np.testing.assert_array_equal(file["contiguous"][1], lazy[1])
    np.testing.assert_array_equal(lazy[2], COUNTS[2])


def test_a_writer_may_be_watched(tmp_path: Path) -> None:
    path = tmp_path / "live.h5"
    program = (
        "import h5py, sys\n"
        "with h5py.File(sys.argv[1], 'w', libver='latest') as file:\n"
        "    data = file.create_dataset('a', (0, 4, 5), 'u2', maxshape=(None, 4, 5))\n"
        "    file.swmr_mode = True\n"
        "    for i in range(2):\n"
        "        data.resize(i + 1, 0); data[i] = i + 7; file.flush()\n"
        "        print(i, flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        (first,) = nef.read(path)
        np.testing.assert_array_equal(first.data, np.full((1, 4, 5), 7))
        first.data.close()
        writer.stdin.write("\n")
        writer.stdin.flush()
        writer.stdout.readline()
        (second,) = nef.read(path)
        np.testing.assert_array_equal(second.data[1], np.full((4, 5), 8))
        second.data.close()
        writer.communicate("\n")
    assert writer.returncode == 0


def test_a_file_left_open_by_its_writer_says_so(tmp_path: Path) -> None:
    path = tmp_path / "crashed.h5"
    program = (
        "import h5py, os, sys\n"
        "file = h5py.File(sys.argv[1], 'w', libver='latest')\n"
        "file['a'] = [[1, 2]]; file.flush(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
    with pytest.raises(nef.FileOpenError, match=r"crashed\.h5.*being written.*h5clear"):
        nef.read(path)


def test_threads_share_a_file(path: Path) -> None:
    arrays = [
        H5Array(path, "/contiguous"),
        H5Array(path, "/chunked").transpose(0, 2, 1).transpose(0, 2, 1),
        StackedArray([H5Array(path, f"/series/{i}") for i in range(len(COUNTS))]),
    ]
    jobs = [(lazy, k) for k in range(len(COUNTS)) for lazy in arrays] * 3
    with ThreadPoolExecutor(6) as pool:
        frames = list(pool.map(lambda job: job[0][job[1]], jobs))
    for (_, k), frame in zip(jobs, frames, strict=True):
        np.testing.assert_array_equal(frame, COUNTS[k])


def test_threads_open_a_file_together(path: Path) -> None:
    def one_frame(k: int) -> np.ndarray:
        (contiguous,) = nef.read(path, "/contiguous")
        frame: np.ndarray = contiguous.data[k]
        return frame

    with ThreadPoolExecutor(6) as pool:
        np.testing.assert_array_equal(list(pool.map(one_frame, range(20))), COUNTS[:20])


def test_closing_while_others_read_does_no_harm(path: Path) -> None:
    lazy = H5Array(path, "/chunked")
    with ThreadPoolExecutor(4) as pool:
        frames = pool.map(lambda k: (lazy[k], lazy.close())[0], range(len(COUNTS)))
        for frame, expected in zip(frames, COUNTS, strict=True):
            np.testing.assert_array_equal(frame, expected)


def test_to_read_while_the_file_is_held_is_an_error_and_no_deadlock(path: Path) -> None:
    array = H5Array(path, "chunked")
    with array._file.held(), pytest.raises(AssertionError, match="held: it would hang"):
        array[0]
    np.testing.assert_array_equal(array[0], COUNTS[0])


def test_a_file_replaced_while_it_is_opened_is_not_mixed_with_the_new_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(name: Path) -> h5py.File:
        handle = open_hdf5(name)
        written(path.with_name("new.h5"), COUNTS + 1).replace(path)
        return handle

    with H5Array(path, "/contiguous") as lazy:
        lazy.close()
        monkeypatch.setattr(files, "open_hdf5", opened)
        with pytest.raises(nef.ReadError, match="replaced by another file"):
            lazy[0]
    assert times_open(path) == 0


def test_a_file_that_could_not_be_opened_once_can_be_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(name: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(name))

    with H5Array(path, "/contiguous") as lazy:
        lazy.close()
        with monkeypatch.context() as patched:
            patched.setattr(files, "Descriptor", none_left)
            for _ in range(2):
                with pytest.raises(nef.ReadError, match="close other files"):
                    lazy[0]
        np.testing.assert_array_equal(lazy[0], COUNTS[0])


def test_one_damaged_dataset_of_a_series_spoils_no_other(tmp_path: Path) -> None:
    path, frames = tmp_path / "x.h5", np.arange(8 * 64 * 128, dtype="u2")
    with h5py.File(path, "w") as file:
        for i, frame in enumerate(frames.reshape(8, 64, 128)):
            options = {"chunks": (16, 128), "compression": "gzip"}
            file.create_dataset(str(i), data=frame, **options)
    content = path.read_bytes()
    # Version 1 B-trees of chunks begin so; each dataset has one.
    trees = [found.start() for found in re.finditer(b"TREE\x01", content)]
    assert len(trees) == len(frames.reshape(8, 64, 128))
    path.write_bytes(content[: trees[4]] + b"XXXX" + content[trees[4] + 4 :])
    stack = StackedArray([H5Array(path, f"/{i}") for i in range(8)])
    for i, frame in enumerate(frames.reshape(8, 64, 128)):  # read ahead of
        if i == 4:
            with pytest.raises(nef.ReadError, match=r"x\.h5:/4 cannot be read"):
                stack[i]
        else:
            np.testing.assert_array_equal(stack[i], frame)


def test_a_window_is_read_of_frames_that_do_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = np.arange(400 * 500, dtype="f4").reshape(400, 500)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["contiguous"] = frame
        file.create_dataset("chunked", data=frame, chunks=(400, 500))
    monkeypatch.setattr(hdf5, "physical_memory", lambda: frame.nbytes // 2)
    contiguous, chunked = (
        H5Array(tmp_path / "x.h5", name) for name in ("contiguous", "chunked")
    )
    np.testing.assert_array_equal(contiguous[10:20, 30:40], frame[10:20, 30:40])
    with pytest.raises(nef.ReadError, match=r"\(400, 500\) values of float32 do not"):
        contiguous[...]
    with pytest.raises(nef.ReadError, match=r"in chunks of \(400, 500\), do not fit"):
        chunked[10:20, 30:40]


def test_elements_of_megabytes_are_read(tmp_path: Path) -> None:
    dtype = np.dtype([("image", "f4", (1100, 1000))])
    images = np.zeros(3, dtype)
    images["image"] = np.arange(3)[:, np.newaxis, np.newaxis]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["d"] = images
    array = FieldArray(H5Array(tmp_path / "x.h5", "/d"), "image")
    np.testing.assert_array_equal(array[1, 5:7], images["image"][1, 5:7])


def test_a_shuffle_of_nothing_is_hdf5s_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=COUNTS[0], chunks=COUNTS[0].shape, shuffle=True)
        large = np.zeros((256, 256), "u2")
        file.create_dataset("e", data=large, chunks=large.shape, shuffle=True)
    content = bytearray(path.read_bytes())
    for found in re.finditer(b"shuffle\0\x02", bytes(content)):
        content[found.end() - 1] = 0
    path.write_bytes(content)
    with pytest.raises(nef.ReadError, match=r"x\.h5:/e cannot be read: HDF5 says"):
        H5Array(path, "/e")[0]
