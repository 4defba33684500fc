"""Dead, masked and saturated pixels, zingers: found, counted, filled, repaired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Output, Pixels, Scaling

SHAPE = 3, 12, 15


def median_of_good(values, good, row, column, farthest=3):
    """What a pixel becomes, spelled out."""
    for distance in range(1, farthest + 1):
        found = [
            values[y, x]
            for y in range(row - distance, row + distance + 1)
            for x in range(column - distance, column + distance + 1)
            if 0 <= y < values.shape[0]
            and 0 <= x < values.shape[1]
            and good[y, x]
            and (y, x) != (row, column)
        ]
        if found:
            return np.median(np.array(found, values.dtype))
    return np.nan


def zingers_of(values, good, threshold):
    return np.array(
        [
            [
                good[y, x]
                and values[y, x] - median_of_good(values, good, y, x, 1) > threshold
                for x in range(values.shape[1])
            ]
            for y in range(values.shape[0])
        ]
    )


@st.composite
def damaged(draw):
    """Raw frames and a flat with a few dead pixels and lines, a few zingers."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    raw = random.integers(80, 120, SHAPE).astype(np.uint16)
    raw[random.random(SHAPE) < draw(st.sampled_from([0, 0.02, 0.1]))] = 600
    flat = random.integers(100, 130, SHAPE[1:]).astype(np.uint16)
    flat[random.random(SHAPE[1:]) < draw(st.sampled_from([0, 0.05, 0.4]))] = 0
    lines = draw(st.sampled_from([0, 1, 7]))
    flat[:, 4 : 4 + lines] = 0
    return raw, flat


def scan(raw, flat, **options):
    axes = Axis("along", "nm", [0, 1, 2]), *map(Axis.index, SHAPE[1:])
    return FlatField(flat, **options).correct(Signal("raw", raw, axes)).data


def keys(size: int):
    numbers = st.none() | st.integers(-size - 2, size + 2)
    steps = st.none() | st.integers(-3, 3).filter(bool)
    return st.integers(-size, size - 1) | st.builds(slice, numbers, numbers, steps)


@given(damaged())
@settings(deadline=None, max_examples=40)
def test_dead_pixels_take_the_median_of_good_neighbours(images):
    raw, flat = images
    plain = scan(raw, flat)[...]
    result = scan(raw, flat, fill="median")[...]
    for before, after in zip(plain, result, strict=True):
        good = flat > 0
        expected = before.copy()
        for row, column in np.argwhere(~good):
            expected[row, column] = median_of_good(before, good, row, column)
        np.testing.assert_allclose(after, expected, rtol=1e-6)


@given(damaged(), st.sampled_from([np.nan, 0.0, "median"]))
@settings(deadline=None, max_examples=40)
def test_zingers_take_the_median_of_good_neighbours(images, fill):
    raw, flat = images
    plain = scan(raw, flat)[...]
    array = scan(raw, flat, fill=fill, pixels=Pixels(zinger=0.5))
    for index, (before, after) in enumerate(zip(plain, array[...], strict=True)):
        good = flat > 0
        hit = zingers_of(before, good, 0.5)
        expected = np.where(good, before, np.nan if fill == "median" else fill)
        repaired = hit | ~good if fill == "median" else hit
        for row, column in np.argwhere(repaired):
            expected[row, column] = median_of_good(before, good & ~hit, row, column)
        np.testing.assert_allclose(after, expected, rtol=1e-6)
        assert array.counts[index,].zingers == hit.sum()


@given(damaged(), st.tuples(*(keys(n) for n in SHAPE)), st.booleans())
@settings(deadline=None)
def test_a_repaired_region_is_the_same_however_it_is_read(images, key, zingers):
    pixels = Pixels(zinger=0.5 if zingers else None)
    array = scan(*images, fill="median", pixels=pixels)
    np.testing.assert_array_equal(array[key], array[...][key])


def test_without_a_good_neighbour_a_pixel_has_no_value():
    flat = np.zeros((20, 20))
    flat[0, 0] = 100
    result = FlatField(flat, fill="median")(np.full((20, 20), 50))
    assert (result[:4, :4] == 0.5).all()
    assert np.isnan(result[4:, :]).all()
    assert np.isnan(result[:, 4:]).all()


@pytest.mark.parametrize("fill", [np.nan, 0.0, 1.0, 0.25])
def test_masked_pixels_are_dead(random, fill):
    raw, flat = random.integers(80, 120, (2, 6, 8))
    dark = random.integers(-9, 9, (6, 8)).astype(float)
    bad = random.random((6, 8)) < 0.3
    expected = np.where(bad, fill, (raw - dark) / (flat - dark))
    as_image = FlatField(flat, dark, fill=fill, pixels=Pixels(mask=bad))
    as_bytes = Signal("mask", bad.astype(np.uint8))
    coordinates = np.argwhere(bad)
    for pixels in (Pixels(mask=as_bytes), Pixels(mask=coordinates)):
        ff = FlatField(flat, dark, fill=fill, pixels=pixels)
        np.testing.assert_array_equal(ff(raw), as_image(raw))
    np.testing.assert_allclose(as_image(raw), expected, rtol=1e-6)


def test_masked_pixels_are_dead_where_only_a_background_is_subtracted(random):
    dark = random.integers(0, 9, (6, 8)).astype(np.uint16)
    ff = FlatField(None, dark, mode="background", pixels=Pixels(mask=[(2, 3)]))
    result = ff(np.full((6, 8), 50, np.uint16))
    assert np.isnan(result[2, 3])
    assert np.isnan(result).sum() == 1


def test_a_mask_is_of_the_raw_frame_not_of_the_flats():
    flat = np.ones((6, 8))
    ff = FlatField(flat, orient="rot90", pixels=Pixels(mask=[(7, 0)]))
    assert np.argwhere(np.isnan(ff(np.ones((8, 6))))).tolist() == [[7, 0]]


@pytest.mark.parametrize("none", [[], np.empty((0, 2), int), np.zeros((6, 8))])
def test_a_mask_may_be_empty(none):
    result = FlatField(np.ones((6, 8)), pixels=Pixels(mask=none))(np.ones((6, 8)))
    np.testing.assert_array_equal(result, np.ones((6, 8)))


@pytest.mark.parametrize(
    "mask", [np.ones((8, 6), bool), [(6, 0)], [(-1, 0)], [(0.5, 1)], [1, 2]]
)
def test_a_mask_fits_the_frame(mask):
    with pytest.raises(FlatFieldError, match="mask must be an image of 6×8"):
        FlatField(np.ones((6, 8)), pixels=Pixels(mask=mask))


def test_a_threshold_makes_weak_pixels_dead():
    flat = np.array([[100, 105, 106, 300]], np.uint16)
    ff = FlatField(flat, np.full((1, 4), 100), pixels=Pixels(threshold=5))
    np.testing.assert_array_equal(
        np.isnan(ff(np.full((1, 4), 150))), [[True, True, False, False]]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": -1},
        {"threshold": np.nan},
        {"threshold": "low"},
        {"zinger": 0},
        {"saturation": -1},
    ],
)
def test_thresholds_make_sense(wrong):
    with pytest.raises(FlatFieldError, match=next(iter(wrong))):
        Pixels(**wrong)


def test_every_kind_of_pixel_is_counted_by_frame():
    flat = np.array([[0, 100, 100, 100, 100]], np.uint16)
    dark = np.array([[0, 0, 20, 0, 0]], np.uint16)
    raw = np.array(
        [[[5, 7, 10, 65535, 9]], [[5, 7, 30, 2, 65535]], [[5, 65535, 19, 2, 65535]]],
        np.uint16,
    )
    axes = Axis("along", "nm", [0, 1, 2]), Axis.index(1), Axis.index(5)
    array = FlatField(flat, dark).correct(Signal("raw", raw, axes)).data
    _ = array[...]
    counts = array.counts
    assert [counts[i,].pixels for i in range(3)] == [5] * 3
    assert [counts[i,].dead for i in range(3)] == [1, 1, 1]
    assert [counts[i,].negative for i in range(3)] == [1, 0, 1]
    assert [counts[i,].saturated for i in range(3)] == [1, 1, 2]


def test_what_was_counted_can_be_stored():
    flat = np.array([[0, 100, 100]], np.uint16)
    raw = np.array([[[5, 9, 65535]], [[5, 9, 9]], [[0, 65535, 65535]]], np.uint16)
    array = FlatField(flat).correct(Signal("raw", raw)).data
    for index in (2, 0):
        array[index]
    assert array.counted() == {
        "counted_frames": 2,
        "dead": 2,
        "dead_by_frame": [1, 1],
        "saturated": 3,
        "saturated_by_frame": [1, 2],
        "negative": 0,
        "negative_by_frame": [0, 0],
        "zingers": 0,
        "zingers_by_frame": [0, 0],
    }


def test_only_frames_read_whole_are_counted():
    raw = np.ones((3, 4, 5))
    array = FlatField(np.zeros((4, 5))).correct(Signal("raw", raw)).data
    _ = array[1, :2], array[2]
    assert list(array.counts) == [(2,)]
    assert array.counts[2,].dead == 20


def test_a_frame_read_in_bands_of_rows_is_counted_once(random):
    flat, raw = random.integers(0, 3, (40, 6)), random.integers(0, 9, (2, 40, 6))
    array = FlatField(flat).correct(Signal("raw", raw)).data
    _ = array[0, 30:], array[0, :10], array[0, 5:30], array[:, :, :5], array[:, ::2]
    assert array.counts == {}
    for rows in (slice(10, 20), slice(10, 30), slice(20, 40)):
        _ = array[0, rows]
    assert list(array.counts) == [(0,)]
    counts = array.counts[0,]
    assert (counts.pixels, counts.dead) == (240, np.count_nonzero(flat == 0))


@pytest.mark.parametrize("largest_chunk", [2**26, 12 * 15 * 4 // 3])
def test_what_was_counted_is_stored_with_the_result(
    random, tmp_path, monkeypatch, largest_chunk
):
    monkeypatch.setattr(
        "napari_emd_flatfield.writing.encoding._LARGEST_CHUNK", largest_chunk
    )
    raw = random.integers(0, 300, SHAPE).astype(np.uint16)
    raw[raw > 280] = 65535
    flat, dark = random.integers([[[5]], [[0]]], 25, (2, *SHAPE[1:]))
    corrected = FlatField(flat, dark).correct(Signal("raw", raw))
    (back,) = nef.read(nef.write(tmp_path / "x.emd", [corrected]))
    stored = back.metadata["flatfield"]
    dead = np.count_nonzero(flat <= dark)
    negative = np.count_nonzero((raw < dark) & (flat > dark), axis=(1, 2))
    saturated = np.count_nonzero(raw == 65535, axis=(1, 2))
    assert stored["counted_frames"] == 3
    assert list(stored["dead_by_frame"]) == [dead] * 3
    assert stored["dead"] == 3 * dead > 0
    assert list(stored["negative_by_frame"]) == negative.tolist()
    assert stored["negative"] == negative.sum() > 0
    assert list(stored["saturated_by_frame"]) == saturated.tolist()
    assert stored["saturated"] == saturated.sum() > 0
    assert stored["zingers"] == 0
    again = FlatField.from_dict(stored, flats=flat, dark=dark)
    np.testing.assert_array_equal(again(raw), back.data[...])


def test_a_saturation_of_its_own():
    raw = np.array([[4095, 4094, 9]], np.uint16)
    array = FlatField(np.ones((1, 3)), pixels=Pixels(saturation=4095)).correct(
        Signal("raw", raw[np.newaxis])
    )
    _ = array.data[0]
    assert array.data.counts[0,].saturated == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_gets_through(bad):
    raw, flat, dark = np.full((3, 4, 4), 50.0), np.full((4, 4), 100.0), np.ones((4, 4))
    flat[0, 0], dark[1, 1], raw[:, 2, 2] = bad, bad, bad
    result = FlatField(flat, dark, fill=0.0, scaling=Scaling(keep_counts=True))(raw)
    assert np.isfinite(result).all()
    assert (result == 0).sum() == 9


def test_what_the_dtype_cannot_hold_is_dead():
    flat = np.array([[1.0, 1e-3]])
    result = FlatField(flat, dtype="float16")(np.full((1, 2), 1000.0))
    np.testing.assert_array_equal(result, [[1000, np.nan]])


@pytest.mark.parametrize(
    "output",
    [Output(), Output(log=True), Output(clip=(0, np.inf)), Output(clip=(0, 2))],
)
def test_a_quotient_without_bounds_is_dead_whatever_becomes_of_it(output):
    flat = np.array([[1.0, 1e-38]])
    result = FlatField(flat, output=output)(np.full((1, 2), 1000.0, np.float32))
    assert np.isfinite(result[0, 0])
    assert np.isnan(result[0, 1])
