"""Files that a dataset shows parts of: changed, cut off or gone while it is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import others

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = np.random.default_rng(0).integers(1, 60_000, (8, 64, 50)).astype("u2")
STORED: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "gzip": {"chunks": (1, 64, 50), "compression": "gzip"},
    "small": {"chunks": (1, 8, 10), "compression": "gzip"},
}


def stored(path: Path, frames: np.ndarray, how: str) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, **STORED[how])


def linked(folder: Path, how: str) -> Path:
    stored(folder / "part1.h5", FRAMES, how)
    with h5py.File(folder / "scan.h5", "w") as file:
        file["d"] = h5py.ExternalLink("part1.h5", "/d")
    return folder / "scan.h5"


def mapped(folder: Path, how: str) -> Path:
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    for i in range(2):
        part = slice(4 * i, 4 * i + 4)
        stored(folder / f"part{i}.h5", FRAMES[part], how)
        source = h5py.VirtualSource(f"part{i}.h5", "d", FRAMES[part].shape)
        layout[part] = source
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_virtual_dataset("d", layout)
    return folder / "scan.h5"


def mapped_twice(folder: Path, how: str) -> Path:
    mapped(folder, how).rename(folder / "inner.h5")
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    layout[...] = h5py.VirtualSource("inner.h5", "d", FRAMES.shape)
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_virtual_dataset("d", layout)
    return folder / "scan.h5"


def mapped_twice_in_one_file(folder: Path, how: str) -> Path:
    path = mapped(folder, how)
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    layout[...] = h5py.VirtualSource(".", "inner", FRAMES.shape)
    with h5py.File(path, "r+") as file:
        file.move("d", "inner")
        file.create_virtual_dataset("d", layout)
    return path


def mapped_through_links(folder: Path, how: str) -> Path:
    for i in range(2):
        stored(folder / f"part{i}.h5", FRAMES[4 * i : 4 * i + 4], how)
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    with h5py.File(folder / "between.h5", "w") as between:
        between["there"] = h5py.ExternalLink("part1.h5", "/d")
    with h5py.File(folder / "scan.h5", "w") as file:
        file["parts/0"] = h5py.ExternalLink("part0.h5", "/d")
        file["parts/1"] = h5py.ExternalLink("between.h5", "/there")
        for i in range(2):
            source = h5py.VirtualSource(".", f"parts/{i}", (4, *FRAMES.shape[1:]))
            layout[4 * i : 4 * i + 4] = source
        file.create_virtual_dataset("d", layout)
    return folder / "scan.h5"


def mapped_by_number(folder: Path, how: str) -> Path:
    for i in range(2):
        stored(folder / f"part{i}.h5", FRAMES[4 * i : 4 * i + 4], how)
        inner = h5py.VirtualLayout((4, *FRAMES.shape[1:]), FRAMES.dtype)
        inner[...] = h5py.VirtualSource(f"part{i}.h5", "d", inner.shape)
        with h5py.File(folder / f"block[{i}].h5", "w") as file:
            file.create_virtual_dataset("d", inner)
    (folder / "block[old].h5").write_bytes(b"not one of them")
    frames = (h5py.h5s.UNLIMITED, *FRAMES.shape[1:])
    here = h5py.h5s.create_simple(FRAMES.shape, frames)
    here.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), (4, 1, 1), (4, 64, 50))
    there = h5py.h5s.create_simple((4, *FRAMES.shape[1:]))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_virtual(here, b"block[%b].h5", b"d", there)
    with h5py.File(folder / "scan.h5", "w") as file:
        dtype = h5py.h5t.py_create(FRAMES.dtype)
        h5py.h5d.create(file.id, b"d", dtype, here, dcpl=creation)
    return folder / "scan.h5"


def outcomes(signal: nef.Signal) -> Iterator[str]:
    for shown, truth in zip(range(8), FRAMES, strict=True):
        try:
            same = np.array_equal(signal.data[shown], truth)
        except nef.ReadError as error:
            yield str(error)
        else:
            assert same, shown
            yield "true"


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("how", STORED)
@pytest.mark.parametrize("make", [linked, mapped])
@pytest.mark.parametrize("loss", ["gone", "truncated"])
def test_what_is_lost_is_named_and_comes_back(
    tmp_path: Path, make: Any, how: str, loss: str, seen: bool
) -> None:
    path = make(tmp_path, how)
    (signal,) = nef.read(path)
    if seen:
        np.testing.assert_array_equal(signal.data, FRAMES)
    part = tmp_path / "part1.h5"
    if loss == "gone":
        part.rename(tmp_path / "away.h5")
    else:
        whole = part.read_bytes()
        os.truncate(part, len(whole) * 2 // 3)
    *first, _, _, _, _ = said = list(outcomes(signal))
    assert all("part1.h5" in text for text in said[4:])
    assert all(("gone" in t) or ("truncated" in t) for t in said[4:])
    if make is mapped and loss == "gone":
        assert first == ["true"] * 4
    if loss == "gone":
        (tmp_path / "away.h5").rename(part)
    else:
        part.write_bytes(whole)
    assert list(outcomes(signal)) == ["true"] * 8


@pytest.mark.parametrize("make", [linked, mapped])
@pytest.mark.parametrize("how", STORED)
def test_what_was_rewritten_in_another_file_is_read_anew(
    tmp_path: Path, make: Any, how: str
) -> None:
    path = make(tmp_path, how)
    (signal,), (other,) = nef.read(path), nef.read(path)
    np.testing.assert_array_equal(signal.data, FRAMES)
    np.testing.assert_array_equal(other.data, FRAMES)
    with h5py.File(tmp_path / "part1.h5") as file:
        turned = file["d"][()][:, ::-1]
    stored(tmp_path / "part1.h5", turned, how)
    for each in (signal, other):
        np.testing.assert_array_equal(each.data[-4:], turned[-4:])


def test_a_linked_file_that_is_being_written_is_shown_as_it_was(tmp_path: Path) -> None:
    path = linked(tmp_path, "gzip")
    with h5py.File(tmp_path / "part1.h5", "w", libver="latest") as file:
        file.create_dataset(
            "d", data=FRAMES, maxshape=(None, 64, 50), chunks=(1, 64, 50)
        )
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, FRAMES)
    program = """
import h5py, sys
with h5py.File(sys.argv[1], "r+", libver="latest", locking=False) as file:
    file["d"].resize(20, axis=0)
    file["d"][8:] = 7
    file.flush()
    print("grown", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "part1.h5"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "grown\n"
        np.testing.assert_array_equal(signal.data, FRAMES)
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert writer.wait() == 0
    assert len(signal.refreshed().data) == 20


def test_what_is_no_longer_in_its_file_is_named(tmp_path: Path) -> None:
    path = mapped(tmp_path, "gzip")
    (signal,) = nef.read(path)
    assert list(outcomes(signal)) == ["true"] * 8
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file["other"] = FRAMES
    said = list(outcomes(signal))
    assert said[:4] == ["true"] * 4
    assert all("part1.h5, which has no d any more" in text for text in said[4:])
    stored(tmp_path / "part1.h5", FRAMES[4:], "small")
    assert list(outcomes(signal)) == ["true"] * 8


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(
    "make",
    [mapped_twice, mapped_twice_in_one_file, mapped_through_links, mapped_by_number],
)
def test_a_source_of_a_source_that_is_lost_is_named(
    tmp_path: Path, make: Any, seen: bool
) -> None:
    (signal,) = nef.read(make(tmp_path, "gzip"), "/d")
    if seen:
        np.testing.assert_array_equal(signal.data, FRAMES)
    (tmp_path / "part1.h5").rename(tmp_path / "away.h5")
    with pytest.raises(nef.ReadError, match=r"part1\.h5, which is gone"):
        signal.data[7]
    (tmp_path / "away.h5").rename(tmp_path / "part1.h5")
    np.testing.assert_array_equal(signal.data, FRAMES)


def test_a_file_on_the_way_to_a_source_is_watched(tmp_path: Path) -> None:
    (signal,) = nef.read(mapped_through_links(tmp_path, "gzip"), "/d")
    np.testing.assert_array_equal(signal.data, FRAMES)
    (tmp_path / "between.h5").unlink()
    said = list(outcomes(signal))
    assert said[:4] == ["true"] * 4
    assert all("between.h5, which is gone" in text for text in said[4:])


def test_a_source_behind_one_part_is_not_missed_in_another(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    for i in range(2):
        inner = h5py.VirtualLayout((4, *FRAMES.shape[1:]), FRAMES.dtype)
        inner[...] = h5py.VirtualSource(f"part{i}.h5", "d", inner.shape)
        stored(tmp_path / f"part{i}.h5", FRAMES[4 * i : 4 * i + 4], "gzip")
        with h5py.File(tmp_path / f"inner{i}.h5", "w") as file:
            file.create_virtual_dataset("d", inner)
        source = h5py.VirtualSource(f"inner{i}.h5", "d", inner.shape)
        layout[4 * i : 4 * i + 4] = source
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file.create_virtual_dataset("d", layout)
    (signal,) = nef.read(tmp_path / "scan.h5")
    (tmp_path / "part0.h5").unlink()
    said = list(outcomes(signal))
    assert all("part0.h5, which is gone" in text for text in said[:4])
    assert said[4:] == ["true"] * 4


def test_what_a_file_maps_of_itself_is_watched(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    layout[...] = h5py.VirtualSource(".", "there", FRAMES.shape)
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["there"] = FRAMES
        file.create_virtual_dataset("d", layout)
    (signal,) = nef.read(path, "/d")
    np.testing.assert_array_equal(signal.data, FRAMES)
    with h5py.File(path, "r+") as file:
        file.move("there", "elsewhere")
    with pytest.raises(nef.ReadError, match=r"scan\.h5, which has no there any more"):
        signal.data[3]
    with h5py.File(path, "r+") as file:
        file.move("elsewhere", "there")
    np.testing.assert_array_equal(signal.data, FRAMES)
    path.unlink()  # as long as it is open, it is there
    assert list(outcomes(signal)) == ["true"] * 8


def test_raw_data_that_were_cut_off_are_no_zeros(tmp_path: Path) -> None:
    raw = tmp_path / "frames.raw"
    raw.write_bytes(bytes(100) + FRAMES[:5].tobytes())
    rest = tmp_path / "rest.raw"
    rest.write_bytes(FRAMES[5:].tobytes())
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        files = [(str(raw), 100, FRAMES[:5].nbytes), (str(rest), 0, h5py.h5s.UNLIMITED)]
        file.create_dataset("d", FRAMES.shape, FRAMES.dtype, external=files)
    (signal,) = nef.read(path)
    assert list(outcomes(signal)) == ["true"] * 8
    os.truncate(raw, raw.stat().st_size - 10)
    said = list(outcomes(signal))
    assert said[:4] == ["true"] * 4
    assert "frames.raw, which has 32090 bytes of 32100" in said[4]
    rest.unlink()
    said = list(outcomes(signal))
    assert all("rest.raw, which is gone" in text for text in said[5:])


def test_the_first_file_a_program_reads_is_not_kept_open(tmp_path: Path) -> None:
    path = mapped(tmp_path, "gzip")
    program = """
import gc, sys, psutil, napari_emd_flatfield as nef
(signal,) = nef.read(sys.argv[1])
signal.data[3]
signal.axes[0].unit
del signal
gc.collect()
print([file.path for file in psutil.Process().open_files() if ".h5" in file.path])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((3, 64, 50), np.s_[0:4]),
        ((4, 64, 49), np.s_[0:4]),
        ((4, 64), np.s_[0:4]),
        ((4, 64, 50, 1), np.s_[0:4]),
        ((), np.s_[0:4]),
        ((5, 64, 50), None),
    ],
)
def test_what_is_mapped_beyond_the_end_of_a_source_is_not_shown(
    tmp_path: Path, shape: tuple[int, ...], part: Any, depth: int
) -> None:
    inner = mapped(tmp_path, "contiguous")
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file["d"] = np.ones(shape, "u2")
    frames = (4, *FRAMES.shape[1:])
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    for i in range(2):
        source = h5py.VirtualSource(f"part{i}.h5", "d", frames)
        # Without a part HDF5 takes all there is, whatever its shape.
        layout[4 * i : 4 * i + 4] = source if part is None else source[part]
    with h5py.File(inner, "w") as file:
        file.create_virtual_dataset("d", layout)
    if depth == 2:
        inner.rename(tmp_path / "inner.h5")
        layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
        for i in range(2):
            source = h5py.VirtualSource("inner.h5", "d", FRAMES.shape)
            layout[4 * i : 4 * i + 4] = source[4 * i : 4 * i + 4]
        with h5py.File(inner, "w") as file:
            file.create_virtual_dataset("d", layout)
    (signal,) = nef.read(inner)
    said = list(outcomes(signal))
    if depth == 1:
        assert said[:4] == ["true"] * 4
    assert all("part1.h5:d, which has the shape" in text for text in said[4:])


def test_a_source_that_shrinks_is_not_read_beyond_its_end(tmp_path: Path) -> None:
    path = mapped(tmp_path, "gzip")
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    for i in range(2):
        source = h5py.VirtualSource(f"part{i}.h5", "d", (4, *FRAMES.shape[1:]))
        layout[4 * i : 4 * i + 4] = source[0:4]
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("d", layout)
    (signal,) = nef.read(path)
    (unseen,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, FRAMES)
    stored(tmp_path / "part1.h5", FRAMES[4:6], "gzip")
    for each in (signal, unseen):
        said = list(outcomes(each))
        assert said[:4] == ["true"] * 4
        assert all("which has the shape (2, 64, 50)" in text for text in said[4:])


def test_a_group_that_is_mapped_is_no_source(tmp_path: Path) -> None:
    path = mapped(tmp_path, "gzip")
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file.create_group("d")
    (signal,) = nef.read(path)
    said = list(outcomes(signal))
    assert said[:4] == ["true"] * 4
    assert all("part1.h5:d is mapped, which is no dataset" in text for text in said[4:])


def test_a_vector_that_maps_more_than_there_is_is_not_taken_for_true(
    tmp_path: Path,
) -> None:
    path = nef.write(tmp_path / "x.emd", nef.Signal("a", FRAMES))
    with h5py.File(path, "r+") as file:
        group = file["data/a"]
        attributes = dict(group["dim1"].attrs)
        del group["dim1"]
        file["short"] = np.arange(5.0)
        layout = h5py.VirtualLayout((8,), "f8")
        layout[0:8] = h5py.VirtualSource(".", "/short", (8,))[0:8]
        group.create_virtual_dataset("dim1", layout).attrs.update(attributes)
    with pytest.warns(UserWarning, match=r"/short, which has the shape \(5,\)"):
        (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, FRAMES)


def test_nothing_is_gone_because_another_thread_has_closed_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (signal,) = nef.read(mapped(tmp_path, "contiguous"))
    check = others.Others._check

    def meanwhile(*args: Any) -> None:
        others.forget()
        check(*args)

    monkeypatch.setattr(others.Others, "_check", meanwhile)
    for index in (0, 7, 0):
        np.testing.assert_array_equal(signal.data[index], FRAMES[index])
