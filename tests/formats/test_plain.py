"""Plain HDF5: images, and numbered images as stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import BEAMLINE_FRAMES, BEAMLINE_SHAPE, beamline, plain
from napari_emd_flatfield import Axis

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beamline(tmp_path_factory.mktemp("scan") / "ID16B.h5")


def test_a_beamline_file_is_three_signals(scan: Path) -> None:
    signals = nef.read(scan)
    described = [(s.name, s.role, s.shape, s.dtype, s.dataset) for s in signals]
    assert described == [
        ("data", "raw", (6, *BEAMLINE_SHAPE), np.uint16, "/data"),
        ("flatfield", "flat", (2, *BEAMLINE_SHAPE), np.uint16, "/flatfield"),
        ("dark", "dark", BEAMLINE_SHAPE, np.uint16, "/dark"),
    ]


def test_the_numbers_are_coordinates(scan: Path) -> None:
    data, flats, dark = nef.read(scan)
    position = Axis("position", "", BEAMLINE_FRAMES["data"])
    assert data.axes == (position, Axis.index(540, "y"), Axis.index(640, "x"))
    np.testing.assert_array_equal(flats.axes[0].values, [0, 500])
    assert dark.axes == data.axes[1:]


def test_every_frame_is_the_dataset_of_its_number(scan: Path) -> None:
    with h5py.File(scan) as file:
        for signal in nef.read(scan):
            for name in file[signal.dataset]:
                stored = file[signal.dataset][name][()]
                if signal.data.ndim == 2:
                    np.testing.assert_array_equal(signal.data, stored)
                else:
                    k = signal.axes[0].values.tolist().index(int(name))
                    np.testing.assert_array_equal(signal.data[k], stored)


def test_the_variant_with_stacks(tmp_path: Path) -> None:
    stack = np.zeros((6, 3, 4), "u2")
    path = plain(
        tmp_path / "x.h5",
        scan1__instrument__data=stack,
        scan1__dark__data=IMAGE,
        scan1__flat_000__data=IMAGE,
        scan1__flat_500__data=IMAGE,
    )
    signals = nef.read(path)
    assert {signal.role for signal in signals} == {"raw", "flat", "dark"}
    assert signals[0].shape == stack.shape


@pytest.mark.parametrize(
    ("names", "order"),
    [
        pytest.param(["1", "2", "10"], [1, 2, 10], id="unpadded"),
        pytest.param(["-60", "0", "+60"], [-60, 0, 60], id="tilts"),
        pytest.param(["007", "7000000"], [7, 7_000_000], id="far apart"),
        pytest.param(["20240501120000123456", "3"], [3, 20240501120000123456.0]),
    ],
)
def test_frames_are_ordered_by_number(
    tmp_path: Path, names: list[str], order: list[float]
) -> None:
    frames = {f"tilt__{name}": IMAGE + int(name) % 100 for name in names}
    (signal,) = nef.read(plain(tmp_path / "x.h5", **frames))
    assert signal.name == "tilt"
    np.testing.assert_array_equal(signal.axes[0].values, order)
    for frame, number in zip(signal.data, sorted(map(int, names)), strict=True):
        np.testing.assert_array_equal(frame, IMAGE + number % 100)


def test_frames_in_the_root_are_named_after_the_file(tmp_path: Path) -> None:
    path = plain(tmp_path / "tomo.h5", **{"0": IMAGE, "1": IMAGE})
    (signal,) = nef.read(path)
    assert (signal.name, signal.dataset, signal.shape) == ("tomo", "/", (2, 3, 4))


def test_only_frames_of_one_kind_are_stacked(tmp_path: Path) -> None:
    path = plain(
        tmp_path / "x.h5",
        scan__0=IMAGE,
        scan__1=IMAGE,
        scan__2=IMAGE.astype("f4"),
        scan__3=IMAGE[:2],
        scan__4=np.stack([IMAGE, IMAGE]),
        scan__mean=IMAGE,
        scan__1a=IMAGE,
    )
    found = [(s.dataset, s.shape, s.dtype.kind) for s in nef.read(path)]
    assert sorted(found) == [
        ("/scan", (2, 3, 4), "u"),
        ("/scan", (2, 4), "u"),
        ("/scan", (3, 4), "f"),
        ("/scan/1a", (3, 4), "u"),
        ("/scan/4", (2, 3, 4), "u"),
        ("/scan/mean", (3, 4), "u"),
    ]


def test_a_lone_frame_is_an_image_named_after_its_group(tmp_path: Path) -> None:
    (signal,) = nef.read(plain(tmp_path / "x.h5", dark__0000=IMAGE))
    assert (signal.name, signal.shape, signal.role) == ("dark", (3, 4), "dark")
    assert signal.axes == (Axis.index(3, "y"), Axis.index(4, "x"))


def test_groups_named_alike_are_told_apart(tmp_path: Path) -> None:
    path = plain(
        tmp_path / "x.h5", a__scan__data=IMAGE, b__scan__data=IMAGE, b__data=IMAGE
    )
    names = {signal.dataset: signal.name for signal in nef.read(path)}
    assert names == {
        "/a/scan/data": "a/scan/data",
        "/b/data": "b/data",
        "/b/scan/data": "b/scan/data",
    }


def test_stacks_named_alike_are_told_apart(tmp_path: Path) -> None:
    frames = {f"{run}__data__{k}": IMAGE for run in ("a", "b") for k in (0, 1)}
    path = plain(tmp_path / "x.h5", **frames)
    assert [signal.name for signal in nef.read(path)] == ["a/data", "b/data"]


def test_axes_before_the_frame_have_no_name(tmp_path: Path) -> None:
    (signal,) = nef.read(plain(tmp_path / "x.h5", movie=np.zeros((5, 2, 3, 4))))
    assert [axis.name for axis in signal.axes] == ["", "", "y", "x"]
    assert all(axis.is_index for axis in signal.axes)


@pytest.mark.parametrize(
    "shape", [(), (7,), (1, 1), (5, 1, 1), (0, 4), (4, 0), (0, 3, 4)]
)
def test_what_has_no_frame_is_no_image(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = plain(tmp_path / "x.h5", other=np.zeros(shape), image=IMAGE)
    assert [signal.name for signal in nef.read(path)] == ["image"]


def test_attributes_become_metadata(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file["image"].attrs.update(exposure=0.1, note=np.bytes_("ok"))
    assert dict(nef.read(path)[0].metadata) == {"exposure": 0.1, "note": "ok"}


def test_raw_signals_come_first_then_flats_then_darks(tmp_path: Path) -> None:
    names = ("bias", "dark", "data", "flat", "gain", "sample")
    path = plain(tmp_path / "x.h5", **dict.fromkeys(names, IMAGE))
    found = [(signal.name, signal.role) for signal in nef.read(path)]
    assert found == [
        *[("data", "raw"), ("sample", "raw")],
        *[("flat", "flat"), ("gain", "flat")],
        *[("bias", "dark"), ("dark", "dark")],
    ]
