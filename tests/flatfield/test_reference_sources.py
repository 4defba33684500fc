"""References from anywhere: lists of series, streams, darks of their own, turned."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Reduction, kernels
from napari_emd_flatfield.lazy import LazyArray

FRAME = 6, 8


def series(random, n, level, positions=None, units="nm", name="flats", role="flat"):
    data = random.integers(level, level + 50, (n, *FRAME)).astype(np.uint16)
    if positions is None:
        return Signal(name, data, role=role)
    return Signal(
        name, data, (Axis("along", units, positions), *map(Axis.index, FRAME)), role
    )


def corrected(ff, at, raw=300.0):
    return ff(np.full(FRAME, raw), at=at)


class Generated(LazyArray):
    """Images made up as they are read; notes how many at once."""

    def __init__(self, n: int, frame: tuple[int, int]) -> None:
        super().__init__((n, *frame), np.uint16)
        self.most = 0

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        leading, rows, columns = slices
        numbers = np.arange(leading.start, leading.stop)
        self.most = max(self.most, len(numbers))
        block = np.empty(
            (len(numbers), rows.stop - rows.start, columns.stop - columns.start),
            np.uint16,
        )
        block[...] = (100 + numbers)[:, np.newaxis, np.newaxis]
        return block


def test_series_before_and_after_are_each_reduced_at_their_position(random, truth):
    before, after = series(random, 3, 400), series(random, 5, 800)
    means = np.stack([before.data.mean(axis=0), after.data.mean(axis=0)])
    ff = FlatField([before, after], positions=[0, 100])
    assert ff.flat_positions == (0, 100)
    expected = truth(np.full(FRAME, 300), means, 0, [0, 100], 30)
    np.testing.assert_allclose(corrected(ff, 30), expected, rtol=1e-6)


def test_single_images_of_a_list_have_a_position_each(random, truth):
    images = [random.integers(100, 200, FRAME) for _ in range(3)]
    ff = FlatField(images, positions=[5.5, -1, 20])
    expected = truth(
        np.full(FRAME, 300), np.stack([images[1], images[0], images[2]]), 0,
        [-1, 5.5, 20], 7.25,
    )  # fmt: skip
    np.testing.assert_allclose(corrected(ff, 7.25), expected, rtol=1e-6)


def test_signals_of_a_list_bring_their_own_positions_in_their_own_units(random, truth):
    first = series(random, 2, 400, [0, 100], "nm")
    second = series(random, 1, 800, [0.3], "µm")
    ff = FlatField([second, first])
    np.testing.assert_allclose(np.array(ff.flat_positions) * 1000, [0, 100, 300])
    raw = Signal(
        "raw",
        np.full((1, *FRAME), 300.0),
        (Axis("along", "nm", [200]), *map(Axis.index, FRAME)),
    )
    flats = np.concatenate([first.data, second.data])
    expected = truth(raw.data[0], flats, 0, [0, 100, 300], 200)
    np.testing.assert_allclose(ff.correct(raw).data[0], expected, rtol=1e-6)


def test_signals_of_a_list_in_units_that_do_not_agree_are_refused(random):
    flats = [series(random, 2, 4, [0, 1], "nm"), series(random, 2, 4, [2, 3], "s")]
    with pytest.raises(FlatFieldError, match=r"'nm' and 's'.*give their positions"):
        FlatField(flats)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_repeated_flats_are_reduced_as_asked(random, method):
    flats = series(random, 7, 400).data
    ff = FlatField(
        flats, positions=[0] * 3 + [50] * 4, reduction=Reduction(method=method)
    )
    reduce = getattr(np, method)
    for at, group in ((0, flats[:3]), (50, flats[3:])):
        expected = 300 / reduce(group, axis=0)
        np.testing.assert_allclose(corrected(ff, at), expected, rtol=1e-6)


def test_a_median_of_many_images_is_the_same_in_bands(random, monkeypatch):
    flats = series(random, 7, 400).data
    module = "napari_emd_flatfield.flatfield.reduction._BAND_BYTES"
    monkeypatch.setattr(module, 7 * FRAME[1] * 8 * 2 + 1)
    ff = FlatField(flats, interpolation="median")
    np.testing.assert_allclose(
        corrected(ff, None), 300 / np.median(flats, axis=0), rtol=1e-6
    )


@pytest.mark.parametrize("what", ["flats", "dark"])
def test_a_long_series_is_streamed(what, monkeypatch):
    # A compiler at work in the background would be counted, too.
    monkeypatch.setattr(kernels, "_has_numba", lambda: False)
    frame = 256, 256
    many, one = Generated(400, frame), np.full(frame, 1000, np.uint16)
    ff = (
        FlatField(many, positions=[0] * 400)
        if what == "flats"
        else FlatField(one, many)
    )
    tracemalloc.start()
    result = ff(np.full(frame, 650, np.uint16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    mean = 100 + 399 / 2
    expected = 650 / mean if what == "flats" else (650 - mean) / (1000 - mean)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert many.most == 1
    assert peak < 40 * one.nbytes  # the series has 400 times that


def test_positions_closer_than_a_gap_are_one_series_at_their_mean(random, truth):
    flats = series(random, 5, 400, [0, 1, 2, 90, 91]).data
    where = [0, 1, 2, 90, 91]
    ff = FlatField(flats, positions=where, reduction=Reduction(series=1))
    assert ff.flat_positions == (1, 90.5)
    means = np.stack([flats[:3].mean(axis=0), flats[3:].mean(axis=0)])
    expected = truth(np.full(FRAME, 300), means, 0, [1, 90.5], 40)
    np.testing.assert_allclose(corrected(ff, 40), expected, rtol=1e-6)


def acquisition(random, raw, flats, darks, units=""):
    """What an acquisition gives that numbers all of its frames."""
    frames = series(random, len(raw), 200, raw, units, "raw", "raw")
    return (
        frames,
        series(random, len(flats), 400, flats, units),
        series(random, len(darks), 20, darks, units, "dark", "dark"),
    )


@pytest.mark.parametrize("units", ["", "frame", "px"])
def test_consecutive_references_of_an_acquisition_are_one_series(random, truth, units):
    raw, flats, darks = acquisition(
        random, range(7, 12), [3, 4, 5, 6, 12, 13], [0, 1, 2], units
    )
    result = FlatField(flats, darks).correct(raw)
    assert result.metadata["flatfield"]["positions"] == [4.5, 12.5]
    means = np.stack([flats.data[:4].mean(axis=0), flats.data[4:].mean(axis=0)])
    dark = darks.data.mean(axis=0)
    for frame, at, values in zip(result.data[...], range(7, 12), raw.data, strict=True):
        expected = truth(values, means, dark, [4.5, 12.5], at)
        np.testing.assert_allclose(frame, expected, rtol=1e-6)


def test_flats_among_raw_frames_are_no_series(random):
    raw, flats, darks = acquisition(random, [1.5, 2.5], [1, 2, 3], [0])
    result = FlatField(flats, darks).correct(raw)
    assert result.metadata["flatfield"]["positions"] == [1, 2, 3]


def test_neighbours_along_a_length_are_no_series(random):
    raw, flats, darks = acquisition(random, [7, 8], [3, 4, 12], [0], "nm")
    result = FlatField(flats, darks).correct(raw)
    assert result.metadata["flatfield"]["positions"] == [3, 4, 12]


@pytest.mark.parametrize(
    "wrong",
    [{"series": -1}, {"series": "x"}, {"components": 0}, {"components": 1.5},
     {"leave_out": "x"}, {"leave_out": 3}, {"method": "mode"}],
)  # fmt: skip
def test_a_reduction_makes_sense(wrong):
    with pytest.raises(FlatFieldError):
        Reduction(**wrong)


def test_flats_left_out_are_not_used(random):
    flats = series(random, 4, 400).data
    flats[1] = 0
    ff = FlatField(flats, interpolation="mean", reduction=Reduction(leave_out=[1]))
    expected = 300 / flats[[0, 2, 3]].mean(axis=0)
    np.testing.assert_allclose(corrected(ff, None), expected, rtol=1e-6)


def test_darks_left_out_are_not_used(random):
    darks = series(random, 3, 20).data
    darks[2] = 60_000
    ff = FlatField(np.full(FRAME, 900), darks, reduction=Reduction(leave_out_darks=[2]))
    dark = darks[:2].mean(axis=0)
    np.testing.assert_allclose(
        corrected(ff, None), (300 - dark) / (900 - dark), rtol=2e-6
    )


@pytest.mark.parametrize(
    ("left_out", "said"), [([4], "number 4"), ([-1], "number -1"), (range(4), "all 4")]
)
def test_what_cannot_be_left_out_is_said(random, left_out, said):
    with pytest.raises(FlatFieldError, match=said):
        FlatField(
            series(random, 4, 400),
            interpolation="mean",
            reduction=Reduction(leave_out=left_out),
        )


def test_darks_with_positions_are_interpolated(random):
    """The dark of a flat is the one of its own position."""
    flats = series(random, 2, 900, [0, 100])
    darks = series(random, 3, 20, [0, 60, 100], name="dark", role="dark")
    ff = FlatField(flats, darks)
    f, d = flats.data.astype(float), darks.data.astype(float)
    dark = d[0] + (d[1] - d[0]) * 30 / 60
    gain = (f[0] - d[0]) * 0.7 + (f[1] - d[2]) * 0.3
    np.testing.assert_allclose(corrected(ff, 30), (300 - dark) / gain, rtol=2e-6)


def test_darks_of_a_single_flat_are_interpolated_too(random):
    darks = series(random, 2, 20, [0, 100], name="dark", role="dark")
    ff = FlatField(np.full(FRAME, 900), darks)
    d = darks.data.astype(float)
    dark = d[0] * 0.75 + d[1] * 0.25
    expected = (300 - dark) / (900 - d.mean(axis=0))
    np.testing.assert_allclose(corrected(ff, 25), expected, rtol=2e-6)
    with pytest.raises(FlatFieldError, match="no position"):
        ff(np.ones(FRAME))


def test_given_dark_positions_go_before_those_of_the_axis(random):
    darks = series(random, 2, 20, [0, 100], name="dark", role="dark")
    ff = FlatField(series(random, 2, 900, [0, 100]), darks, dark_positions=[50, 50])
    # Both at one place: their mean is the dark of every frame.
    assert ff.to_dict()["dark_positions"] == []


@pytest.mark.parametrize(
    ("orient", "turn"),
    [
        ("none", lambda a: a),
        ("rot90", np.rot90),
        ("rot180", lambda a: np.rot90(a, 2)),
        ("rot270", lambda a: np.rot90(a, 3)),
        ("fliplr", np.fliplr),
        ("flipud", np.flipud),
        ("transpose", np.transpose),
        ("antitranspose", lambda a: np.rot90(a, 2).T),
    ],
)
def test_references_are_turned_as_asked(random, orient, turn):
    flat, dark = random.integers(400, 500, FRAME), random.integers(0, 9, FRAME)
    ff = FlatField(flat, dark, orient=orient)
    raw = random.integers(50, 400, ff.frame_shape)
    expected = (raw - turn(dark)) / (turn(flat) - turn(dark))
    np.testing.assert_allclose(ff(raw), expected, rtol=1e-6)


def test_frames_that_would_fit_when_turned_are_refused_with_the_way_out():
    ff = FlatField(np.ones(FRAME))
    turned = r"8×6 pixels.*6×8.*'rot90' or 'rot270' or 'transpose' or 'antitranspose'"
    with pytest.raises(FlatFieldError, match=turned):
        ff(np.ones(FRAME[::-1]))
    with pytest.raises(FlatFieldError, match="no turn or flip"):
        ff.correct(Signal("raw", np.ones((2, 6, 9))))


def test_an_unknown_orientation_is_refused():
    with pytest.raises(FlatFieldError, match="rot45"):
        FlatField(np.ones(FRAME), orient="rot45")


def test_references_are_found_by_role(random):
    raw, flats, darks = acquisition(random, range(7, 9), [3, 4], [0, 1])
    by_role = FlatField.from_signals([raw, flats, darks])
    by_hand = FlatField(flats, darks)
    np.testing.assert_array_equal(
        by_role.correct(raw).data[...], by_hand.correct(raw).data[...]
    )
    with pytest.raises(FlatFieldError, match="no flats among raw, dark"):
        FlatField.from_signals([raw, darks])


def test_a_flatfield_says_what_it_is_made_of(random):
    text = repr(FlatField(series(random, 2, 900, [0, 100]), fill=0.0))
    for word in ("6×8", "flats (in memory)", "0, 100 nm", "linear", "dead pixels: 0"):
        assert word in text


def test_many_positions_are_told_shortly(random):
    flats = series(random, 300, 900, np.arange(300) / 4)
    text = repr(FlatField(flats))
    assert "at 0, 0.25, 0.5, …, 74.75 nm;" in text
    assert len(text) < 250
