"""One frame at a time against the plain formula, over dtypes, shapes, positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emd_flatfield import FlatField, FlatFieldError
from napari_emd_flatfield.flatfield import Pixels, Reduction

SIDE = st.integers(1, 9)
COUNTS = ("u1", "u2", ">u2", "i2", "u4", "i4", "f2", "f4", "f8")


@st.composite
def experiments(draw):
    """A raw frame at a position, flats at others, a dark: all of some dtype."""
    shape = draw(SIDE), draw(SIDE)
    raw, flat, dark = (np.dtype(draw(st.sampled_from(COUNTS))) for _ in range(3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    positions = draw(
        st.lists(
            st.floats(-1e3, 1e3).map(lambda p: round(p, 3)),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    return (
        random.integers(60, 250, shape).astype(raw),
        random.integers(60, 250, (len(positions), *shape)).astype(flat),
        random.integers(0, 30, shape).astype(dark),
        sorted(positions),
        draw(st.floats(-2e3, 2e3)),
    )


@given(experiments())
@settings(deadline=None)
def test_any_dtype_shape_and_position_follows_the_formula(truth, experiment):
    raw, flats, dark, positions, at = experiment
    result = FlatField(flats, dark, positions=positions)(raw, at=at)
    assert result.dtype == np.float32
    np.testing.assert_allclose(
        result, truth(raw, flats, dark, positions, at), rtol=1e-6
    )


@given(experiments(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_flats_does_not_matter(truth, experiment, random):
    raw, flats, dark, positions, at = experiment
    order = list(range(len(positions)))
    random.shuffle(order)
    shuffled = FlatField(flats[order], dark, positions=[positions[i] for i in order])
    np.testing.assert_allclose(
        shuffled(raw, at=at), truth(raw, flats, dark, positions, at), rtol=1e-6
    )


def test_a_frame_between_two_flats_gets_their_mixture():
    flats = np.full((2, 3, 4), [[[100]], [[300]]], np.uint16)
    ff = FlatField(flats, positions=[0, 500])
    raw = np.full((3, 4), 75, np.uint16)
    np.testing.assert_array_equal(ff(raw, at=125), np.full((3, 4), 0.5))


@pytest.mark.parametrize(("at", "flat"), [(-50, 200), (0, 200), (500, 100), (600, 100)])
def test_outside_the_flats_the_nearest_one_holds(at, flat):
    flats = np.full((2, 3, 4), [[[200]], [[100]]], np.uint16)
    ff = FlatField(flats, positions=[0, 500])
    np.testing.assert_array_equal(ff(np.full((3, 4), flat), at=at), np.ones((3, 4)))


@pytest.mark.parametrize(
    ("at", "flat"), [(10, 100), (240, 100), (260, 200), (499, 200)]
)
def test_nearest_takes_one_flat(at, flat):
    flats = np.full((2, 2, 2), [[[100]], [[200]]], np.uint16)
    ff = FlatField(flats, positions=[0, 500], interpolation="nearest")
    np.testing.assert_array_equal(ff(np.full((2, 2), flat), at=at), np.ones((2, 2)))


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize(
    ("interpolation", "flat"), [("mean", 50.0), ("median", 40.0), ("first", 10.0)]
)
def test_one_flat_for_all_frames_needs_no_position(interpolation, flat, method):
    flats = np.full((3, 2, 2), [[[10]], [[100]], [[40]]], np.uint16)
    ff = FlatField(flats, interpolation=interpolation, reduction=Reduction(method))
    assert ff.flat_positions == ()
    np.testing.assert_allclose(ff(np.full((2, 2), 20)), 20 / flat, rtol=1e-6)


def test_flats_at_one_position_are_averaged():
    flats = np.full((3, 2, 2), [[[10]], [[100]], [[30]]], np.uint16)
    ff = FlatField(flats, positions=[5, 9, 5])
    assert ff.flat_positions == (5, 9)
    np.testing.assert_array_equal(ff(np.full((2, 2), 20), at=5), np.ones((2, 2)))


def test_several_darks_are_averaged():
    darks = np.stack([np.full((2, 2), 10), np.full((2, 2), 13)]).astype(np.uint16)
    ff = FlatField(np.full((2, 2), 111.5), darks)
    np.testing.assert_allclose(ff(np.full((2, 2), 61.5)), 0.5, rtol=1e-6)


def test_unsigned_integers_do_not_wrap():
    ff = FlatField(np.full((2, 2), 1100, np.uint16), np.full((2, 2), 100, np.uint16))
    np.testing.assert_allclose(ff(np.full((2, 2), 90, np.uint16)), -0.01, rtol=1e-6)


@pytest.mark.parametrize("fill", [np.nan, 0.0, 1.0])
def test_dead_pixels_get_the_fill(fill):
    raw = np.array([[5.0, 0, 0, 7, np.nan, np.inf]])
    flat = np.array([[0.0, 0, -4, 10, 10, 10]])
    expected = [[fill, fill, fill, 0.7, fill, fill]]
    np.testing.assert_allclose(FlatField(flat, fill=fill)(raw), expected, rtol=1e-6)


def test_flat_equal_to_dark_everywhere_is_dead_everywhere(random):
    dark = random.integers(0, 9, (5, 6))
    assert np.isnan(FlatField(dark, dark)(dark + 1)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_result_has_the_dtype_asked_for(dtype):
    ff = FlatField(np.full((2, 2), 3, np.uint16), dtype=dtype)
    result = ff(np.ones((2, 2), np.uint16))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, 1 / 3, rtol=np.finfo(dtype).eps)


def test_large_integers_keep_their_digits():
    raw = np.full((2, 2), 2**31 - 3, np.int32)
    flat = np.full((2, 2), 2**31 - 1, np.int32)
    result = FlatField(flat, flat - 4, dtype="float64")(raw)
    np.testing.assert_allclose(result, 0.5)


def test_a_frame_of_another_shape_is_refused():
    ff = FlatField(np.ones((4, 5)))
    with pytest.raises(FlatFieldError, match=r"4×6 pixels.*4×5"):
        ff(np.ones((4, 6)))


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(FlatFieldError, match="rows of one length"):
        FlatField(np.ones((2, 2)))([[1, 2], [3]])
    with pytest.raises(FlatFieldError, match="rows of one length"):
        Pixels(mask=[(1, 2), (3,)])


def test_a_frame_without_position_is_refused_between_flats():
    ff = FlatField(np.ones((2, 4, 5)), positions=[0, 1])
    with pytest.raises(FlatFieldError, match="at="):
        ff(np.ones((4, 5)))
