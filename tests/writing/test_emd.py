from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, ReadError, Signal, SignalError, WriteError
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.writing import encoding
from napari_emd_flatfield.writing.emd import group_names

if TYPE_CHECKING:
    from pathlib import Path

METADATA = {
    "microscope": {"voltage [kV]": 300.0, "detectors": ["HAADF", "BF"], "cold": True},
    "sample": {"name": "Gold – Au", "layers": {"1": "C", "thickness": [1, 2, 3]}},
    "user": {"name": "Ana"},
    "exposure": 0.25,
    "nothing": None,
    "log": "x" * 100_000,
}


def a_signal(**changes: Any) -> Signal:
    data = np.random.default_rng(1).integers(0, 65535, (3, 5, 7)).astype("u2")
    axes = (
        Axis("position", "nm", np.array([0.0, 10, 35.5])),
        Axis("y", "nm", np.arange(5) * 0.1 + 3),
        Axis("x", "1/nm", -np.arange(7.0)),
    )
    return replace(Signal("image", data, axes, "raw", METADATA), **changes)


def same(a: Signal, b: Signal) -> None:
    assert (a.name, a.role, a.axes, a.dtype) == (b.name, b.role, b.axes, b.dtype)
    np.testing.assert_array_equal(np.asarray(a.data), np.asarray(b.data))
    ours = {k: v for k, v in a.metadata.items() if k != "comments"}
    theirs = {k: v for k, v in b.metadata.items() if k != "comments"}
    assert ours == theirs


COMPRESSIONS = ["gzip", None, "bitshuffle-lz4", "zstd", "blosc2"]


@pytest.mark.parametrize("names", ["xyz", "yxt", "xy", ["y", "x", "", ""], ["x", "x"]])
def test_axis_names_never_turn_what_was_saved(tmp_path: Path, names: Any) -> None:
    sizes = range(3, 3 + len(names))
    axes = tuple(Axis(n, "nm", np.arange(k)) for n, k in zip(names, sizes, strict=True))
    signal = Signal("a", np.random.default_rng(0).random(tuple(sizes)), axes)
    (back,) = nef.read(nef.write(tmp_path / "x.emd", signal))
    same(back, signal)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_signals_come_back_equal(tmp_path: Path, compression: Any) -> None:
    written = [
        a_signal(),
        a_signal(name="flats", role="flat", metadata={**METADATA, "user": {}}),
        Signal("reference 1", np.ones((4, 4), "f4"), role="dark"),
    ]
    path = nef.write(tmp_path / "x.emd", written, compression=compression)
    for back, signal in zip(nef.read(path), written, strict=True):
        same(back, signal)


@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i2", ">u2", "i4", "u8", "f2", "f4", ">f4", "f8", "c8"]
)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_dtype_is_kept(tmp_path: Path, dtype: str, compression: Any) -> None:
    data = np.random.default_rng(0).integers(0, 100, (2, 3, 4)).astype(dtype)
    path = nef.write(tmp_path / "x.emd", Signal("a", data), compression=compression)
    with h5py.File(path) as file:
        stored = file["data/a/data"]
        assert stored.dtype == data.dtype
        np.testing.assert_array_equal(stored[()], data)


@given(
    data=hnp.arrays(
        st.sampled_from(["u1", "u2", "f4"]),
        hnp.array_shapes(min_dims=0, max_dims=5, max_side=5),
    ),
    compression=st.sampled_from(COMPRESSIONS),
)
def test_any_shape_is_kept(
    tmp_path_factory: pytest.TempPathFactory, data: np.ndarray, compression: Any
) -> None:
    path = tmp_path_factory.mktemp("w") / "x.emd"
    nef.write(path, Signal("a", data), compression=compression)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data/a/data"][()], data)


def test_an_empty_signal_can_be_saved(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", Signal("a", np.zeros((0, 3, 4), "u2")))
    with h5py.File(path) as file:
        assert file["data/a/data"].shape == (0, 3, 4)


def test_layout_is_emd_0_2(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", a_signal())
    with h5py.File(path) as file:
        assert (file.attrs["version_major"], file.attrs["version_minor"]) == (0, 2)
        assert np.issubdtype(file.attrs["version_major"].dtype, np.integer)
        group = file["data/image"]
        assert group.attrs["emd_group_type"] == 1
        assert [len(group[f"dim{k}"]) for k in (1, 2, 3)] == [3, 5, 7]
        assert dict(group["dim2"].attrs) == {"name": "y", "units": "[n_m]"}
        assert group["dim3"].attrs["units"] == "[1_/_n_m]"
        assert group["data"].chunks == (1, 5, 7)
        assert file["microscope"].attrs["voltage [kV]"] == 300
        assert any(key.endswith("(UTC)") for key in file["comments"].attrs)


def test_dim_vectors_are_float32_where_that_loses_nothing(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", a_signal())
    with h5py.File(path) as file:
        assert file["data/image/dim1"].dtype == np.float32
        assert file["data/image/dim2"].dtype == np.float64


def test_large_frames_are_stored_in_bands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_emd_flatfield.writing.encoding._LARGEST_CHUNK", 100)
    signal = a_signal(data=np.arange(3 * 5 * 7, dtype="u2").reshape(3, 5, 7) * 7)
    for compression in ("gzip", None):
        path = nef.write(tmp_path / "x.emd", signal, compression=compression)
        same(nef.read(path)[0], signal)
    with h5py.File(path) as file:
        assert file["data/image/data"].chunks == (1, 5, 7)
    monkeypatch.setattr("napari_emd_flatfield.writing.encoding._LARGEST_CHUNK", 30)
    same(nef.read(nef.write(tmp_path / "y.emd", signal))[0], signal)
    with h5py.File(tmp_path / "y.emd") as file:
        assert file["data/image/data"].chunks == (1, 2, 7)


class Counting(LazyArray):
    """An array that says in what blocks it was read."""

    def __init__(self, array: np.ndarray, chunks: tuple[int, ...]) -> None:
        self.array = array
        self.blocks: list[tuple[tuple[int, int], ...]] = []
        super().__init__(array.shape, array.dtype, chunks)

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        self.blocks.append(tuple((s.start, s.stop) for s in slices))
        return self.array[slices].copy()


@pytest.mark.parametrize(
    ("chunks", "bands"),
    [
        ((1, 8, 7), [(0, 8)]),
        ((1, 3, 7), [(0, 4), (4, 8)]),
        ((3, 1, 1), [(0, 2), (2, 4), (4, 6), (6, 8)]),
    ],
)
def test_no_chunk_of_a_large_frame_is_read_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chunks: tuple[int, ...],
    bands: list[tuple[int, int]],
) -> None:
    monkeypatch.setattr("napari_emd_flatfield.writing.encoding._LARGEST_CHUNK", 30)
    monkeypatch.setattr("napari_emd_flatfield.writing.streaming._SMALLEST_BLOCK", 1)
    array = np.arange(3 * 8 * 7, dtype="u2").reshape(3, 8, 7)
    source = Counting(array, chunks)
    path = nef.write(tmp_path / "x.emd", Signal("a", source))
    expected = [((i, i + 1), band, (0, 7)) for i in range(3) for band in bands]
    assert sorted(source.blocks) == expected
    with h5py.File(path) as file:
        assert file["data/a/data"].chunks == (1, 2, 7)
        np.testing.assert_array_equal(file["data/a/data"][()], array)


def test_small_frames_are_read_many_at_a_time(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 99, (3, 50, 64, 64)).astype("u2")
    source = Counting(array, (1, 1, 64, 64))
    told: list[nef.Progress] = []
    path = nef.write(tmp_path / "x.emd", Signal("a", source), progress=told.append)
    assert len(source.blocks) == 3
    assert [now.frames for now in told] == list(range(151))
    with h5py.File(path) as file:
        assert file["data/a/data"].chunks == (1, 1, 64, 64)
        np.testing.assert_array_equal(file["data/a/data"][()], array)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_noise_that_nothing_compresses_is_saved(
    tmp_path: Path, compression: Any
) -> None:
    noise = np.random.default_rng(0).integers(0, 2**32, (2, 300, 400), "u4")
    turned = noise.transpose(0, 2, 1)
    nef.write(tmp_path / "x.emd", Signal("a", turned), compression=compression)
    with h5py.File(tmp_path / "x.emd") as file:
        np.testing.assert_array_equal(file["data/a/data"][()], turned)


@pytest.mark.parametrize("compression", ["bitshuffle-lz4", "zstd", "blosc2"])
def test_plugins_encode_as_hdf5_would(tmp_path: Path, compression: Any) -> None:
    frame = np.random.default_rng(0).poisson(50, (90, 110)).astype("f4")
    nef.write(tmp_path / "x.emd", Signal("a", frame), compression=compression)
    with h5py.File(tmp_path / "x.emd", "r+") as file:
        dataset = file["data/a/data"]
        mask, ours = dataset.id.read_direct_chunk((0, 0))
        assert mask == 0
        dataset[...] = frame
        assert dataset.id.read_direct_chunk((0, 0)) == (0, ours)


def test_history_grows_and_says_what_was_done(tmp_path: Path) -> None:
    raw = a_signal(metadata={"comments": {"2020-01-01 00:00:00 (UTC)": "recorded"}})
    flats = a_signal(
        name="flats", data=raw.data[[0, 2]] + 9.0, axes=(_ends(), *raw.axes[1:])
    )
    corrected = nef.correct(raw, flats, interpolation="linear")
    first = nef.write(tmp_path / "1.emd", corrected)
    second = nef.write(tmp_path / "2.emd", nef.read(first))
    (comments,) = (s.metadata["comments"] for s in nef.read(second))
    history = [comments[key] for key in sorted(comments)]
    assert history[0] == "recorded"
    assert "linear interpolation between flats at 0, 35.5 nm" in history[1]
    assert "napari-emd-flatfield 0." in history[1]
    assert [line.split()[0] for line in history[2:]] == ["saved", "saved"]


def _ends() -> Axis:
    return Axis("position", "nm", np.array([0, 35.5]))


def test_saving_over_the_file_being_read_is_safe(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", a_signal())
    (signal,) = nef.read(path)
    before = np.asarray(signal.data)
    nef.write(path, replace(signal, name="renamed"))
    np.testing.assert_array_equal(np.asarray(signal.data), before)
    (again,) = nef.read(path)
    assert again.name == "renamed"
    np.testing.assert_array_equal(np.asarray(again.data), before)


@pytest.mark.parametrize(
    "names",
    [
        ["image", "image_corrected"],
        ["a", "a", "a"],
        ["a/b", "a_b"],
        ["", ".", "/"],
        ["µm ⚡", "x" * 200],
        ["1_a", "a", "a"],
        ["data", "dim1"],
    ],
)
def test_names_survive_whatever_they_are(tmp_path: Path, names: list[str]) -> None:
    groups = group_names(names)
    for i, group in enumerate(groups):
        others = groups[:i] + groups[i + 1 :]
        assert group
        assert not any(other.startswith(group) for other in others)
    signals = [Signal(n, np.full((2, 2), i)) for i, n in enumerate(names)]
    back = nef.read(nef.write(tmp_path / "x.emd", signals))
    found = {int(signal.data[0, 0]): signal.name for signal in back}
    assert found == dict(enumerate(names))


def test_equal_and_numbered_names_are_kept_apart(tmp_path: Path) -> None:
    names = ["1_a", "a", "a", "2_a", "a"]
    signals = [Signal(n, np.full((2, 2), i)) for i, n in enumerate(names)]
    back = nef.read(nef.write(tmp_path / "x.emd", signals))
    found = {int(signal.data[0, 0]): signal.name for signal in back}
    assert found == dict(enumerate(names))


@pytest.mark.parametrize("comments", ["seen it", ["one", "two"], 7])
def test_comments_that_are_no_history_are_kept(tmp_path: Path, comments: Any) -> None:
    raw = Signal("a", np.ones((2, 2)), metadata={"comments": comments})
    corrected = nef.correct(raw, np.ones((2, 2)))
    for signal in (raw, corrected):
        (back,) = nef.read(nef.write(tmp_path / "x.emd", signal))
        assert back.metadata["comments"]["undated"] == comments


def test_comments_of_one_second_are_all_kept(tmp_path: Path) -> None:
    stamp = "2020-01-01 00:00:00 (UTC)"
    signals = [
        Signal(name, np.ones((2, 2)), metadata={"comments": {stamp: f"took {name}"}})
        for name in ("a", "b")
    ]
    back = nef.read(nef.write(tmp_path / "x.emd", signals))[0]
    assert {"took a", "took b"} <= set(back.metadata["comments"].values())


def test_metadata_may_be_anything(tmp_path: Path) -> None:
    metadata = {7: "number", "raw": b"bytes", "microscope": {"gain": np.arange(3)}}
    again = {**metadata, "microscope": {"gain": np.arange(3)}}
    signals = [
        Signal("a", np.ones((2, 2)), metadata=metadata),
        Signal("b", np.ones((2, 2)), metadata=again),
    ]
    for back in nef.read(nef.write(tmp_path / "x.emd", signals)):
        assert back.metadata["7"] == "number"
        assert back.metadata["raw"] == "bytes"
        assert back.metadata["microscope"] == {"gain": [0, 1, 2]}


def test_only_signals_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with pytest.raises(SignalError, match=r"signals, not ndarray; make one"):
        nef.write(path, [np.ones((2, 2))])  # type: ignore[list-item]
    assert not path.exists()


@pytest.mark.parametrize("compression", ["gzip", None])
def test_progress_counts_frames_and_what_is_stored(
    tmp_path: Path, compression: Any
) -> None:
    told: list[nef.Progress] = []
    began = time.perf_counter()
    path = nef.write(
        tmp_path / "x.emd",
        [a_signal(), a_signal()],
        compression=compression,
        progress=told.append,
    )
    taken = time.perf_counter() - began
    assert [(now.frames, now.total) for now in told] == [(n, 6) for n in range(7)]
    with h5py.File(path) as file:
        stored = [
            dataset.id.get_chunk_info(k).size
            for dataset in (group["data"] for group in file["data"].values())
            for k in range(dataset.id.get_num_chunks())
        ]
    assert [now.nbytes for now in told] == [sum(stored[:k]) for k in range(7)]
    seconds = [now.seconds for now in told]
    assert seconds == sorted(seconds)
    assert 0 == seconds[0] < seconds[-1] < taken


def test_progress_goes_on_within_a_large_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_LARGEST_CHUNK", 2 * 7)
    told: list[nef.Progress] = []
    signal = Signal("a", np.zeros((2, 5, 7), "u1"))
    nef.write(tmp_path / "x.emd", signal, compression=None, progress=told.append)
    assert [now.frames for now in told] == [0, 0, 0, 1, 1, 1, 2]
    parts = [0, 2 / 5, 4 / 5, 1, 7 / 5, 9 / 5, 2]
    assert [now.done for now in told] == pytest.approx(parts)
    assert all(now.rate > 0 and now.seconds_left is not None for now in told[1:])
    assert [now.nbytes for now in told] == [14 * k for k in range(7)]


def test_progress_knows_rates_and_the_time_left() -> None:
    now = nef.Progress(frames=10, total=40, nbytes=500, seconds=2.0)
    assert (now.rate, now.byte_rate, now.seconds_left) == (5, 250, 6)
    begun = nef.Progress(frames=0, total=40, nbytes=0, seconds=0.0)
    assert (begun.rate, begun.byte_rate, begun.seconds_left) == (0, 0, None)
    done = nef.Progress(frames=40, total=40, nbytes=2000, seconds=8.0)
    assert done.seconds_left == 0


def test_an_error_in_progress_stops(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", a_signal())

    def stop(now: nef.Progress) -> None:
        if now.frames == 2:
            raise KeyboardInterrupt

    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        nef.write(path, a_signal(), progress=stop)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.emd"]
    assert not [t for t in threading.enumerate() if t.name.startswith("saving")]


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_stops_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
import signal, threading, numpy as np, napari_emd_flatfield as nef
# A shell starts what runs in the background with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
endless = np.broadcast_to(np.ones((512, 512), "f4"), (10**6, 512, 512))
try:
    nef.write({str(tmp_path / "x.emd")!r}, nef.Signal("endless", endless),
              progress=lambda now: now.frames != 30 or print("started", flush=True))
except KeyboardInterrupt:
    print("stopped", threading.active_count())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(SIGINT)
        try:
            assert process.communicate(timeout=60)[0] == "stopped 1\n"
        finally:
            process.kill()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


class Failing(LazyArray):
    """An array whose second frame cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__((3, 4, 4), "u2")

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        if 1 in range(slices[0].start, slices[0].stop):
            raise self.error
        return np.zeros((slices[0].stop - slices[0].start, 4, 4), "u2")


@pytest.mark.parametrize("error", [ReadError("chunk 1 is bad"), RuntimeError("h5")])
def test_a_source_that_fails_leaves_nothing_behind(
    tmp_path: Path, error: Exception
) -> None:
    expected = ReadError if isinstance(error, ReadError) else WriteError
    with pytest.raises(expected, match=str(error)):
        nef.write(tmp_path / "x.emd", Signal("a", Failing(error)))
    assert list(tmp_path.iterdir()) == []


def test_bad_targets_and_arguments_are_explained(tmp_path: Path) -> None:
    signal = a_signal()
    with pytest.raises(WriteError, match=r"there is no folder .*nowhere; create it"):
        nef.write(tmp_path / "nowhere" / "x.emd", signal)
    with pytest.raises(WriteError, match="is a folder"):
        nef.write(tmp_path, signal)
    with pytest.raises(WriteError, match=r"'lzma' is not known; use None or one of"):
        nef.write(tmp_path / "x.emd", signal, compression="lzma")  # type: ignore[arg-type]
    with pytest.raises(SignalError, match="nothing to save"):
        nef.write(tmp_path / "x.emd", [])
    with pytest.raises(WriteError, match="was not written"):
        nef.write(tmp_path / ("x" * 300), signal)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("compression", ["gzip", None, "blosc2"])
def test_a_full_disk_loses_nothing_and_crashes_nothing(
    tmp_path: Path, compression: Any
) -> None:
    # A limit on file size fails writes as a full disk does, without needing one.
    target = nef.write(tmp_path / "x.emd", a_signal())
    before = target.read_bytes()
    code = f"""
import resource, signal, numpy as np, napari_emd_flatfield as nef
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
noise = np.random.default_rng(0).integers(0, 60000, (9, 512, 512)).astype("u2")
try:
    nef.write({str(target)!r}, nef.Signal("noise", noise), compression={compression!r})
except nef.WriteError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "x.emd was not written (File too large)" in done.stdout
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.emd"]


def test_permissions_and_links_of_the_target_are_kept(tmp_path: Path) -> None:
    target = nef.write(tmp_path / "x.emd", a_signal())
    target.chmod(0o640)
    link = tmp_path / "link.emd"
    link.symlink_to(target)
    nef.write(link, a_signal(name="new"))
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert nef.read(target)[0].name == "new"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("keepbits", [None, 8])
def test_memory_is_bounded_by_frames_not_by_the_stack(
    tmp_path: Path, keepbits: int | None
) -> None:
    code = f"""
import os, numpy as np, napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.writing import encoding
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:2])

class Noise(LazyArray):
    frame = np.random.default_rng(0).normal(1, 0.1, (1, 2048, 2048)).astype("f4")

    def _read(self, slices):
        return self.frame * np.float32(slices[0].start)

def in_frames(key):
    lines = open("/proc/self/status").read().splitlines()
    line = next(line for line in lines if line.startswith(key))
    return int(line.split()[1]) * 1024 / Noise.frame.nbytes

data = Noise((40, 2048, 2048), "f4")
nef.write({str(tmp_path / "y.emd")!r}, nef.Signal("one", data[:1]))
open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
before = in_frames("VmRSS")
nef.write({str(tmp_path / "x.emd")!r}, nef.Signal("n", data), keepbits={keepbits})
print(in_frames("VmHWM") - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 8
    (tmp_path / "x.emd").unlink()


RAMP = """
import numpy as np, napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.writing import encoding

class Ramp(LazyArray):
    def _read(self, slices):
        frame = np.arange(2048, dtype="f4") + slices[0].start
        return np.broadcast_to(frame, (1, 2048, 2048)).copy()

def megabytes(key):
    lines = open("/proc/self/status").read().splitlines()
    line = next(line for line in lines if line.startswith(key))
    return int(line.split()[1]) * 1024 / 1e6

raw = nef.Signal("ramp", Ramp((256, 2048, 2048), "f4"))
assert raw.data.nbytes >= 4e9
"""


def megabytes_of(code: str) -> float:
    """Megabytes that some code prints, run in a process of its own."""
    run = [sys.executable, "-c", RAMP + code]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_stack_of_4_gb_is_saved_in_well_under_300_mb(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    assert megabytes_of(f"nef.write({str(path)!r}, raw); print(megabytes('VmHWM'))") < (
        220
    )
    path.unlink()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_to_correct_a_stack_of_4_gb_meanwhile_takes_a_few_frames(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.emd"
    code = f"""
from napari_emd_flatfield.flatfield import kernels

corrected = nef.correct(raw, np.full((2048, 2048), 2, "u2"))
corrected.data[0]
# Numba and its compiler alone take some 125 MB.
for program in [*kernels._programs.values()]:
    program.result()
before = megabytes("VmRSS")
nef.write({str(path)!r}, corrected)
print(megabytes("VmHWM") - before)
"""
    frame = 2048 * 2048 * 4 / 1e6
    assert megabytes_of(code) < 8 * frame
    path.unlink()
