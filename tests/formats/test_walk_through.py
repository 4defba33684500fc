"""The file of the Python walk-through on emdatasets.com, as it is written there."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import walk_through
from napari_emd_flatfield.lazy import CACHE

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emd_flatfield import Signal


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk_through(tmp_path_factory.mktemp("walk") / "walk_through.emd")


@pytest.fixture
def signal(path: Path) -> Signal:
    (signal,) = nef.read(path)
    return signal


def test_it_is_one_signal_of_frames(signal: Signal) -> None:
    assert signal.name == "mydataset"
    assert signal.role == "raw"
    assert signal.shape == (100, 512, 512)
    assert signal.dtype == np.uint8
    assert signal.dataset == "/data/mydataset/data"


def test_its_axes_are_angle_y_x(signal: Signal) -> None:
    angle, y, x = signal.axes
    assert (angle.name, y.name, x.name) == ("angle", "y", "x")
    assert (angle.scale, y.scale, x.scale) == (pytest.approx(3.14 / 99), 1, 1)
    assert [str(axis.unit) for axis in signal.axes] == ["radian", "pixel", "pixel"]
    np.testing.assert_array_equal(angle.values, np.linspace(0, 3.14, 100))


@pytest.mark.parametrize("k", [0, 37, -1])
def test_a_frame_is_the_transpose_of_what_is_stored(
    path: Path, signal: Signal, k: int
) -> None:
    with h5py.File(path) as file:
        stored = file["data/mydataset/data"][:, :, k]
    np.testing.assert_array_equal(signal.data[k], stored.T)


def test_a_frame_is_read_with_as_many_others_as_may_be_kept(
    signal: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = signal.data.nbytes  # type: ignore[attr-defined]
    monkeypatch.setattr(CACHE, "limit", 2**21)
    tracemalloc.start()
    signal.data[50]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23 < whole / 2


def test_opening_it_reads_no_data(path: Path) -> None:
    nef.read(path)
    tracemalloc.start()
    nef.read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 512 * 512


def test_what_it_says_of_the_microscope_is_kept(signal: Signal) -> None:
    assert signal.metadata["microscope"] == {"name": "TEAM I"}
    assert signal.metadata["comments"] == {}
