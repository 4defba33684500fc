"""Hostile numbers: the limits of each dtype, NaN, no light, no frames, odd positions.

Compared with the formula in float64, within what rounding to float32 can do to it:
no more than 5e-7 where neither numerator nor denominator cancels.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emd_flatfield import Axis, FlatField, Signal
from napari_emd_flatfield.flatfield import Reduction, Scaling

WHOLE = ("u1", "u2", ">u2", "i1", "i2", "u4", "i4", "i8")
FLOATS = ("f2", "f4", "f8")
LARGEST = float(np.finfo(np.float32).max)
ROUNDING = 2.0**-24


def images(draw, shape):
    """Values of some dtype: all over its range, at its ends, or near each other."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = np.dtype(draw(st.sampled_from(WHOLE + FLOATS)))
    kind = draw(st.sampled_from(["counts", "range", "ends", "nasty"]))
    if dtype.kind == "f":
        values = random.uniform(0, 60000, shape)
        nasty = random.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, -1e4], shape)
        hit = random.random(shape) < (0.3 if kind == "nasty" else 0)
        return np.where(hit, nasty, values).astype(dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if kind == "counts":
        return random.integers(0, 100, shape).astype(dtype)
    if kind == "range":
        return random.integers(low, high, shape, endpoint=True).astype(dtype)
    return random.choice([low, low + 1, 0, 1, high - 1, high], shape).astype(dtype)


@st.composite
def scans(draw):
    """Frames, flats anywhere, several at a place or in any order, a dark."""
    frame = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    frames, flats = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    anywhere = st.floats(-1e3, 1e3).map(lambda place: round(place, 3))
    place = st.sampled_from([-7.0, 0.0, 1.0, 1.5, 40.0, 1e6]) | anywhere
    positions = draw(st.lists(place, min_size=flats, max_size=flats))
    at = draw(st.lists(place, min_size=frames, max_size=frames))
    dark = draw(st.sampled_from(["none", "one", "flat"]))
    flat = images(draw, (flats, *frame))
    return (
        images(draw, (frames, *frame)),
        flat,
        {"none": None, "flat": flat[0]}.get(dark, images(draw, frame)),
        positions,
        at,
    )


def around(at, positions):
    """Numbers and shares of the flats that make up that of a place."""
    places = np.unique(positions)
    at = np.clip(at, places[0], places[-1])
    after = int(np.searchsorted(places, at))
    share = 0.0
    if places[after] > at:
        share = (places[after] - at) / (places[after] - places[after - 1])
    for place, weight in ((places[after], 1 - share), (places[after - 1], share)):
        members = np.flatnonzero(positions == place)
        for number in members if weight else ():
            yield number, weight / len(members)


def formula(raw, flats, dark, positions, at):
    """The result in float64, how far rounding may carry it, and which are sure."""
    dark = np.zeros(raw.shape) if dark is None else dark.astype(float)
    raw, flats, positions = raw.astype(float), flats.astype(float), np.array(positions)
    gain, lit, size = np.zeros((3, *raw.shape))
    with np.errstate(all="ignore"):
        for number, weight in around(at, positions):
            gain += weight * (flats[number] - dark)
            lit += weight * np.abs(flats[number] - dark)
            size += weight * (np.abs(flats[number]) + np.abs(dark))
        result = (raw - dark) / gain
        bound = (np.abs(raw) + np.abs(dark)) / np.abs(gain)
        bound += np.abs(result) * (size / np.abs(gain) + 2)
        good = (gain > 0) & np.isfinite(gain) & (np.abs(result) <= LARGEST)
        # Where rounding decides whether there is light, either answer is right.
        sure = (lit == 0) | ~(np.abs(gain) <= 8 * ROUNDING * size)
    return np.where(good, result, np.nan), 2 * ROUNDING * bound, sure


@given(scans())
@settings(deadline=None, max_examples=1500)
def test_results_are_those_of_the_formula_or_dead(scan):
    raw, flats, dark, positions, at = scan
    ff = FlatField(flats, dark, positions=positions)
    result = ff(raw, at=at)
    assert result.dtype == np.float32
    for frame, place, found in zip(raw, at, result, strict=True):
        expected, bound, sure = formula(frame, flats, dark, positions, place)
        np.testing.assert_array_equal(np.isnan(found)[sure], np.isnan(expected)[sure])
        seen = sure & ~np.isnan(expected)
        off = np.abs(found[seen].astype(float) - expected[seen])
        assert (off <= bound[seen] + np.finfo(np.float32).tiny).all()


@given(scans(), st.sampled_from([0.0, 1.0]))
@settings(deadline=None)
def test_what_is_read_lazily_is_the_same_and_counted(scan, fill):
    raw, flats, dark, positions, at = scan
    ff = FlatField(flats, dark, positions=positions, fill=fill)
    axes = Axis("place", "nm", at), *map(Axis.index, raw.shape[1:])
    array = ff.correct(Signal("raw", raw, axes)).data
    result = array[...]
    np.testing.assert_array_equal(result, ff(raw, at=at))
    assert np.isfinite(result).all()
    dead = np.isnan(FlatField(flats, dark, positions=positions)(raw, at=at))
    assert array.counted()["dead_by_frame"] == dead.sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
@pytest.mark.parametrize("fill", [np.nan, 0.0, "median"])
@pytest.mark.parametrize("keep_counts", [False, True])
def test_no_light_anywhere_is_dead_everywhere(random, dtype, fill, keep_counts):
    flats = random.integers(0, 100, (2, 5, 6)).astype(dtype)
    raw = random.integers(0, 100, (3, 5, 6)).astype(dtype)
    scaling = Scaling(keep_counts=keep_counts)
    ff = FlatField(
        flats[[0, 0]], flats[0], positions=[0, 9], fill=fill, scaling=scaling
    )
    expected = 0.0 if fill == 0 else np.nan
    np.testing.assert_array_equal(ff(raw, at=[-1, 4, 10]), np.full((3, 5, 6), expected))


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("interpolation", ["linear", "mean", "median", "nearest"])
def test_what_is_not_finite_in_references_is_dead(random, method, interpolation):
    flats = random.uniform(50, 100, (6, 4, 5))
    darks = random.uniform(0, 9, (3, 4, 5))
    raw = random.uniform(10, 90, (4, 5))
    flats[1, 0, 0], flats[4, 0, 1], darks[2, 0, 2] = np.nan, np.inf, -np.inf
    flats[:, 0, 3] = darks[:, 0, 3] = np.inf
    ff = FlatField(
        flats,
        darks,
        positions=[0, 0, 0, 5, 5, 5],
        interpolation=interpolation,
        reduction=Reduction(method),
    )
    result = ff(raw, at=2.5)
    dead = np.isnan(result)
    # The nearest of two as far away is the first; a median outlives one infinity.
    lost = [(0, 0), (0, 3)]
    if method == "mean":
        lost += [(0, 2)]
    if interpolation == "mean" or (interpolation, method) == ("linear", "mean"):
        lost += [(0, 1)]
    assert {tuple(found) for found in np.argwhere(dead).tolist()} == set(lost)
    assert np.isfinite(result[~dead]).all()


@pytest.mark.parametrize("leading", [(0,), (0, 3), (2, 0), (1, 0, 2)])
@pytest.mark.parametrize("fill", [np.nan, "median"])
def test_a_stack_without_frames_stays_one(random, leading, fill):
    flats = random.integers(1, 100, (2, 5, 6))
    ff = FlatField(flats, positions=[0, 9], fill=fill)
    corrected = ff.correct(Signal("raw", np.empty((*leading, 5, 6), np.uint16)))
    assert corrected.data[...].shape == (*leading, 5, 6)
    assert corrected.data.counted()["counted_frames"] == 0
    assert ff.report(corrected).total.pixels == 0


@pytest.mark.parametrize("position", [3.0, [3.0, 3.0, 3.0]])
def test_one_place_of_flats_serves_all_frames(random, position):
    flats = random.integers(50, 100, (np.size(position), 5, 6))
    raw = random.integers(0, 100, (1, 5, 6)).astype(np.uint16)
    ff = FlatField(flats, positions=np.atleast_1d(position))
    expected = raw / flats.mean(axis=0)
    for at in (None, -1e9, 3.0, 1e9):
        np.testing.assert_allclose(ff(raw, at=at), expected, rtol=1e-6)
