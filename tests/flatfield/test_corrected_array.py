"""A corrected stack indexes like the array it stands for, and reads no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.lazy.indexing import selected_shape

SHAPE = 4, 7, 9
POSITIONS = np.array([0.0, 130, 250.5, 700])


class Watched(LazyArray):
    """An array in memory that notes what is read from it."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__(values.shape, values.dtype)
        self._values = values
        self.read: list[tuple[int, ...]] = []

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        self.read.append(selected_shape(slices))
        return self._values[slices].copy()


@pytest.fixture(scope="session")
def scan():
    random = np.random.default_rng(3)
    raw = random.integers(20, 250, SHAPE).astype(np.uint16)
    flats = random.integers(100, 250, (2, *SHAPE[1:])).astype(np.uint16)
    return raw, flats, random.integers(0, 9, SHAPE[1:]).astype(np.uint16)


@pytest.fixture(scope="session")
def whole(scan, truth):
    raw, flats, dark = scan
    return np.stack(
        [
            truth(frame, flats, dark, [0, 500], at)
            for frame, at in zip(raw, POSITIONS, strict=True)
        ]
    )


def corrected(raw, flats, dark, **options):
    axes = Axis("position", "nm", POSITIONS), *map(Axis.index, SHAPE[1:])
    ff = FlatField(flats, dark, positions=[0, 500], **options)
    return ff.correct(Signal("raw", raw, axes)).data


def keys(size: int):
    numbers = st.none() | st.integers(-size - 2, size + 2)
    steps = st.none() | st.integers(-3, 3).filter(bool)
    return st.integers(-size, size - 1) | st.builds(slice, numbers, numbers, steps)


@given(st.tuples(*(keys(n) for n in SHAPE)))
@settings(deadline=None)
def test_any_region_and_step_equals_the_same_part_of_the_whole(scan, whole, key):
    part = corrected(*scan)[key]
    assert part.shape == whole[key].shape
    np.testing.assert_allclose(part, whole[key], rtol=1e-6)


@given(st.tuples(*(keys(n) for n in SHAPE)))
@settings(deadline=None)
def test_a_region_is_bitwise_the_same_however_it_is_read(scan, key):
    array = corrected(*scan)
    np.testing.assert_array_equal(array[key], array[...][key])


def test_numpy_takes_the_whole(scan, whole):
    array = corrected(*scan)
    assert (array.shape, array.dtype, array.ndim) == (SHAPE, np.float32, 3)
    np.testing.assert_allclose(np.asarray(array), whole, rtol=1e-6)


def test_nothing_is_read_before_it_is_asked_for(scan):
    raw, flats, dark = scan
    watched = Watched(raw)
    array = corrected(watched, flats, dark)
    assert watched.read == []
    array[2]
    assert watched.read == [(1, *SHAPE[1:])]


def test_a_pixel_reads_a_pixel(scan):
    raw, flats, dark = scan
    watched = Watched(raw)
    corrected(watched, flats, dark)[2, 3, 4]
    assert watched.read == [(1, 1, 1)]


def test_a_stack_is_corrected_by_its_leading_axis(scan):
    raw, flats, _ = scan
    four = raw.reshape(2, 2, *SHAPE[1:])
    axes = Axis("z", "nm", [0, 500]), Axis("t", "s", [0, 1])
    signal = Signal("raw", four, (*axes, *map(Axis.index, SHAPE[1:])))
    result = FlatField(flats, positions=[0, 500]).correct(signal).data
    np.testing.assert_allclose(result[...], four / flats[:, np.newaxis], rtol=1e-6)
    np.testing.assert_array_equal(result[1, 0, ::2], result[...][1, 0, ::2])


def test_a_single_frame_is_corrected_with_a_single_flat(scan):
    raw, flats, dark = scan
    result = FlatField(flats[0], dark).correct(Signal("raw", raw[1])).data
    expected = (raw[1] - dark.astype(float)) / (flats[0] - dark.astype(float))
    np.testing.assert_allclose(result[...], expected, rtol=1e-6)


def test_a_single_frame_between_flats_is_refused(scan):
    raw, flats, dark = scan
    with pytest.raises(FlatFieldError, match="no position"):
        FlatField(flats, dark, positions=[0, 500]).correct(Signal("raw", raw[1]))


@pytest.mark.parametrize("shape", [(5,), (2, 9, 7), (9, 7)])
def test_frames_of_another_shape_are_refused(scan, shape):
    _, flats, dark = scan
    with pytest.raises(FlatFieldError, match=r"detector area|pixels"):
        FlatField(flats[0], dark).correct(Signal("raw", np.ones(shape)))


def test_complex_frames_are_refused(scan):
    _, flats, dark = scan
    with pytest.raises(FlatFieldError, match="complex"):
        FlatField(flats[0], dark).correct(Signal("raw", np.ones(SHAPE, complex)))
