"""Files that an acquisition in another process appends to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Frame k is full of k + 1. The writer appends a frame for each line it is sent
# and answers once it is in the file.
ACQUISITION = """
import sys
import h5py
import numpy as np

path, swmr, size = sys.argv[1], sys.argv[2] == "swmr", int(sys.argv[3])
file = h5py.File(path, "w", libver="latest" if swmr else None)
group = file.create_group("data/scan")
group.attrs["emd_group_type"] = 1
data = group.create_dataset(
    "data", (0, size, 6), "u2", maxshape=(None, size, 6), chunks=(1, size, 6)
)
time = group.create_dataset("dim1", (0,), "f8", maxshape=(None,), chunks=(64,))
time.attrs.update(name="time", units="s")
for k, (name, n) in enumerate([("y", size), ("x", 6)]):
    dim = group.create_dataset(f"dim{k + 2}", data=0.5 * np.arange(n))
    dim.attrs.update(name=name, units="nm")
for k in range(2):
    data.resize(k + 1, axis=0)
    time.resize(k + 1, axis=0)
    data[k], time[k] = k + 1, 10 * k + k**2
if swmr:
    file.swmr_mode = True
file.flush()
print("ready", flush=True)
for _ in sys.stdin:
    k = len(data)
    data.resize(k + 1, axis=0)
    time.resize(k + 1, axis=0)
    data[k], time[k] = k + 1, 10 * k + k**2
    data.flush()
    time.flush()
    file.flush()
    print(k + 1, flush=True)
file.close()
"""


class Acquisition:
    """A program that records, one frame at a time."""

    def __init__(self, path: Path, mode: str) -> None:
        self.path = path
        self._process = subprocess.Popen(
            [sys.executable, "-c", ACQUISITION, str(path), mode, "4"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def append(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        assert self._answer().isdecimal()

    def finish(self) -> int:
        self._process.communicate()
        return self._process.returncode

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def acquisition(tmp_path: Path) -> Iterator[Callable[[str], Acquisition]]:
    started = []

    def start(mode: str) -> Acquisition:
        started.append(Acquisition(tmp_path / "scan.emd", mode))
        return started[-1]

    yield start
    for each in started:
        each.finish()


@pytest.mark.parametrize("mode", ["swmr", "append"])
def test_a_growing_scan_is_followed_while_it_is_recorded(
    acquisition: Callable[[str], Acquisition], mode: str
) -> None:
    running = acquisition(mode)
    (signal,) = first = nef.read(running.path)
    assert signal.shape == (2, 4, 6)
    assert signal.data[1].max() == 2
    for frames in (3, 4):
        running.append()
        signal = signal.refreshed()
        assert signal.shape == (frames, 4, 6)
        np.testing.assert_array_equal(
            signal.data[:, 0, 0], np.arange(1, frames + 1, dtype="u2")
        )
        k = np.arange(frames)
        np.testing.assert_array_equal(signal.axes[0].values, 10 * k + k**2)
        assert (signal.axes[0].name, signal.axes[0].units) == ("time", "s")
    assert first[0].shape == (2, 4, 6)
    np.testing.assert_array_equal(first[0].data[:, 0, 0], [1, 2])
    assert running.finish() == 0  # looking at the file did not disturb it
    signal.data.close()
    with h5py.File(running.path) as file:
        np.testing.assert_array_equal(file["data/scan/data"][:, 3, 5], [1, 2, 3, 4])
    assert signal.refreshed().shape == (4, 4, 6)


def grow(path: Path, name: str, frames: int) -> None:
    with h5py.File(path, "a") as file:
        dataset = file[name]
        before = len(dataset)
        dataset.resize(before + frames, axis=0)
        dataset[before:] = 9


def growing(path: Path, frames: int = 2, dtype: str = "f4") -> h5py.File:
    file = h5py.File(path, "w")
    file.create_dataset(
        "scan", data=np.zeros((frames, 3, 4), dtype), maxshape=(None, 3, 4)
    )
    return file


def test_a_coordinate_vector_that_lags_behind_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with growing(path) as file:
        file["angle"] = np.array([10.0, 12.5])
        file["angle"].attrs["units"] = "deg"
        file["angle"].make_scale("angle")
        file["scan"].dims[0].attach_scale(file["angle"])
    (before,) = nef.read(path, "/scan")
    grow(path, "scan", 2)
    after = before.refreshed()
    assert after.axes[0] == nef.Axis("angle", "deg", np.array([10, 12.5, 15, 17.5]))


def test_an_uncalibrated_axis_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    growing(path).close()
    (before,) = nef.read(path)
    grow(path, "scan", 3)
    after = before.refreshed()
    assert after.axes[0] == nef.Axis.index(5)
    assert after.data[4].min() == 9


def test_new_numbered_frames_join_their_series(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["data/0000"] = np.zeros((3, 4))
        file["data/0100"] = np.ones((3, 4))
    (before,) = nef.read(path)
    with h5py.File(path, "a") as file:
        file["data/0250"] = np.full((3, 4), 2.0)
    after = before.refreshed()
    np.testing.assert_array_equal(after.axes[0].values, [0, 100, 250])
    np.testing.assert_array_equal(after.data[:, 1, 1], [0, 1, 2])


def test_a_new_part_of_a_detector_master_is_found(tmp_path: Path) -> None:
    path = tmp_path / "scan_master.h5"
    with h5py.File(path, "w") as file:
        for k in (1, 2):
            file[f"entry/data/data_00000{k}"] = h5py.ExternalLink(
                f"scan_data_{k}.h5", "/entry/data/data"
            )

    def part(k: int) -> None:
        with h5py.File(tmp_path / f"scan_data_{k}.h5", "w") as file:
            file["entry/data/data"] = np.full((2, 3, 4), k, "u2")

    part(1)
    with pytest.warns(UserWarning, match=r"scan_data_2\.h5"):
        (before,) = nef.read(path)
    assert before.data[1].max() == 1
    part(2)
    after = before.refreshed()
    np.testing.assert_array_equal(after.data[:, 0, 0], [1, 1, 2, 2])


def test_it_keeps_its_name_role_and_part_of_complex_numbers(tmp_path: Path) -> None:
    path = tmp_path / "wave.h5"
    with growing(path, dtype="c8"):
        pass
    (signal,) = nef.read(path, component="imaginary")
    signal = replace(signal, name="mine", role="flat")
    with h5py.File(path, "a") as file:
        file["scan"].resize(3, axis=0)
        file["scan"][2] = 3 + 4j
    after = signal.refreshed()
    assert (after.name, after.role, after.metadata["component"]) == (
        "mine",
        "flat",
        "imaginary",
    )
    assert after.data[2].max() == 4


def test_a_name_with_wildcards_in_it_is_that_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file["image [1]*"] = np.ones((3, 4))
        file["image [1]*2"] = np.zeros((5, 6))
    signal = next(s for s in nef.read(path) if s.shape == (3, 4))
    assert signal.refreshed().dataset == "/image [1]*"


def test_what_is_gone_is_said(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with growing(path) as file:
        file["other"] = np.zeros((3, 4))
    signal = next(s for s in nef.read(path) if s.name == "scan")
    with h5py.File(path, "a") as file:
        del file["scan"]
    with pytest.raises(nef.NoSignalError, match=r"scan\.h5 holds no image at '/scan'"):
        signal.refreshed()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"scan\.h5 does not exist"):
        signal.refreshed()
    path.write_bytes(b"not HDF5")
    with pytest.raises(nef.FileOpenError, match=r"scan\.h5 is not an HDF5 file"):
        signal.refreshed()
    with pytest.raises(nef.ReadError, match="'mine' was not read from a file"):
        nef.Signal("mine", np.zeros((3, 4))).refreshed()
