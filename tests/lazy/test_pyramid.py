"""Levels of big arrays: right, lazy, and read only where napari looks."""

from __future__ import annotations

import gc
import math
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import CACHE, H5Array, LazyArray, adapt, pyramid
from napari_emd_flatfield.lazy.pyramid import BinnedArray, FullLevel, WindowArray

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_emd_flatfield.lazy.grid import Slices


class Counted(LazyArray):
    """Frames made up as they are read: pixel = row + column + 10 × frame."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, "u2")
        self.pixels = 0

    def _read(self, slices: Slices) -> np.ndarray:
        grids = np.meshgrid(
            *(np.arange(s.start, s.stop, s.step).astype("u2") for s in slices),
            indexing="ij",
            sparse=True,
        )
        *leading, rows, columns = grids
        block = rows + columns
        for index in leading:
            block = 10 * index + block
        self.pixels += block.size
        return block


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    gc.collect()
    assert CACHE.nbytes == 0


@pytest.mark.parametrize("shape", [(64, 64), (3, 64, 64), (5, 4000, 8191)])
def test_small_arrays_stay_as_they_are(shape: tuple[int, ...]) -> None:
    array = Counted(shape)
    assert pyramid(array) == [array]


def test_levels_of_large_frames() -> None:
    levels = pyramid(Counted((16384, 12000)))
    assert [level.shape for level in levels] == [
        (16384, 12000),
        (8192, 6000),
        (4096, 3000),
        (2048, 1500),
        (1024, 750),
    ]
    assert {level.dtype for level in levels} == {np.dtype("u2")}


def test_levels_of_a_long_stack() -> None:
    levels = pyramid(Counted((3000, 2048, 2048)))
    assert levels[0].shape == (3000, 2048, 2048)
    assert len(levels) == 2
    assert math.prod(levels[1].shape) < 2**25
    # It is as long, wide and high as the whole, only coarser.
    for full, coarse in zip(levels[0].shape, levels[1].shape, strict=True):
        step = math.ceil(full / coarse)
        assert step * coarse == pytest.approx(full, rel=0.02)


@pytest.mark.parametrize(
    "shape",
    [(4, 9000), (9000, 1), (40_000, 30, 2000), (300_000, 3, 4096), (2, 1, 9000)],
)
def test_no_level_of_a_strip_is_empty(shape: tuple[int, ...]) -> None:
    for in_3d in (True, False):
        for level in pyramid(Counted(shape), lambda shown=in_3d: shown):
            assert 0 not in level.shape


def test_in_2d_every_frame_of_a_long_stack_is_itself() -> None:
    source, in_3d = Counted((3000, 2048, 2048)), False
    coarsest: Any = pyramid(source, lambda: in_3d)[-1]
    assert coarsest.shape == (3000, 64, 64)
    # One row of each square alone is averaged.
    expected = [32 * i + 32 * j + 15.5 + 10 * 1234 for i in range(2) for j in range(3)]
    np.testing.assert_array_equal(
        np.ravel(coarsest[:, :2, :3][1234]), np.rint(expected).astype("u2")
    )
    in_3d = True
    assert coarsest.shape == (125, 256, 256) == np.asarray(coarsest[...]).shape
    assert coarsest.size == 125 * 256 * 256


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "i4", "f4", "f8", "?"])
@pytest.mark.parametrize("factor", [2, 3, 16])
def test_binned_is_the_mean(dtype: str, factor: int) -> None:
    data = np.random.default_rng(0).integers(-90, 90, (2, 3, 101, 2310)).astype(dtype)
    binned = BinnedArray(adapt(data), factor)
    height, width = 101 // factor, 2310 // factor
    trimmed = data[..., : height * factor, : width * factor].astype("f8")
    mean = trimmed.reshape(2, 3, height, factor, width, factor).mean(axis=(3, 5))
    if binned.dtype.kind in "iu":
        np.testing.assert_allclose(binned, mean, atol=0.5001)
    elif binned.dtype.kind == "f":
        np.testing.assert_allclose(binned, mean, rtol=1e-5, atol=1e-4)
    else:
        np.testing.assert_array_equal(binned, mean > 0)


def test_binned_leaves_out_what_is_no_number() -> None:
    data = np.random.default_rng(0).normal(5, 1, (2, 8, 12)).astype("f4")
    data[0, 1, 2] = data[1, :4, 4:8] = np.nan
    found = np.asarray(BinnedArray(adapt(data), 4))
    squares = data.reshape(2, 2, 4, 3, 4)
    counts = (~np.isnan(squares)).sum(axis=(2, 4))
    with np.errstate(invalid="ignore"):
        expected = np.nansum(squares, axis=(2, 4)) / counts
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(found).sum() == 1


def test_a_volume_samples_frames_and_rows() -> None:
    data = np.random.default_rng(0).integers(0, 99, (7, 9, 8)).astype("f8")
    found = np.asarray(BinnedArray(adapt(data), 4, every=3))
    rows = data[::3, 0:8:4]
    np.testing.assert_allclose(found, rows.reshape(3, 2, 2, 4).mean(axis=-1))


def test_slices_of_a_level_are_lazy() -> None:
    source = Counted((4, 300, 200))
    window = FullLevel(source)[:, np.int64(20) : np.int64(70), 10:60]
    assert isinstance(window, WindowArray)
    assert window.shape == (4, 50, 50)
    assert source.pixels == 0
    expected = source[...][:, 20:70, 10:60]
    source.pixels = 0
    np.testing.assert_array_equal(window[2:3], expected[2:3])
    np.testing.assert_array_equal(window[-1, ::-1, ::7], expected[-1, ::-1, ::7])
    assert source.pixels < 2 * 50 * 50 + 1
    np.testing.assert_array_equal(FullLevel(source)[1], source[1])
    np.testing.assert_array_equal(FullLevel(source)[0:0], source[0:0])
    np.testing.assert_array_equal(FullLevel(source)[..., ::-1], source[..., ::-1])


def test_a_level_is_computed_once() -> None:
    source = Counted((2, 2048, 2048))
    binned = BinnedArray(source, 2)
    first = binned[0, :500, :500]
    read = source.pixels
    assert read == 1024 * 1024  # four tiles, each once
    np.testing.assert_array_equal(binned[0, :500, :500], first)
    assert source.pixels == read


@pytest.mark.parametrize("dtype", ["u1", "i4", "u8", "i8"])
def test_the_largest_and_smallest_integers_stay_what_they_are(dtype: str) -> None:
    limits = np.iinfo(dtype)
    frame = np.full((4, 4), limits.max, dtype)
    frame[2:] = limits.min
    binned = BinnedArray(adapt(frame), 2)
    expected = [[limits.max] * 2, [limits.min] * 2]
    np.testing.assert_array_equal(binned[...], np.array(expected, dtype))


def test_napari_reads_tiles_and_a_coarse_volume() -> None:
    layers = pytest.importorskip("napari.layers")
    components = pytest.importorskip("napari.components")
    source = Counted((6, 8192, 8192))
    levels: list[Any] = pyramid(source)
    viewer = components.ViewerModel()
    layer = layers.Image(
        levels, multiscale=True, contrast_limits=(0, 9999), rgb=False, name="big"
    )
    viewer.add_layer(layer)
    frame = 8192**2
    source.pixels = 0
    # What the canvas does when zoomed in on a corner.
    layer._update_draw(
        scale_factor=1,
        corner_pixels_displayed=np.array([[1000, 1000], [1800, 1800]]),
        shape_threshold=(800, 800),
    )
    assert layer.data_level == 0
    viewer.dims.set_point(0, 3)
    source.pixels = 0
    viewer.dims.set_point(0, 4)
    assert source.pixels < frame / 10
    found = np.asarray(layer._slice.image.raw)
    (top, left), (bottom, right) = layer.corner_pixels[:, -2:]
    expected = source[4, top : bottom + 1, left : right + 1]
    np.testing.assert_array_equal(found, expected)
    source.pixels = 0
    viewer.dims.ndisplay = 3
    assert source.pixels < frame
    assert max(layer._slice.image.raw.shape) <= 512


class Failing(Counted):
    """As long as the disk is gone."""

    is_gone = True

    def _read(self, slices: Slices) -> np.ndarray:
        if self.is_gone:
            raise nef.ReadError("the disk is gone")
        return super()._read(slices)


def test_a_tile_that_failed_is_computed_once_it_can_be() -> None:
    source = Failing((512, 512))
    level = BinnedArray(source, 2)
    with pytest.raises(nef.ReadError, match="the disk is gone"):
        level[0]
    source.is_gone = False
    np.testing.assert_array_equal(level[0], BinnedArray(Counted((512, 512)), 2)[0])


def test_tiles_follow_a_file_that_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["d"] = np.zeros((512, 512), "f4")
    level = BinnedArray(H5Array(path, "/d"), 2)
    assert level[3, 4] == 0
    with h5py.File(path, "r+") as file:
        file["d"][...] = 5
    assert level[3, 4] == 5
    level.close()
