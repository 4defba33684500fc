"""Monitors, multipliers, an air region, counts: against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Output, Reduction, Scaling

FRAME = 6, 8


@pytest.fixture
def images(random):
    """A raw frame, two flats, a dark, in float64."""
    return (
        random.integers(200, 900, FRAME).astype(float),
        random.integers(900, 1800, (2, *FRAME)).astype(float),
        random.integers(90, 110, FRAME).astype(float),
    )


def stack(raw, positions):
    data = np.stack([raw + 10 * i for i in range(len(positions))])
    axes = Axis("along", "nm", positions), *map(Axis.index, FRAME)
    return Signal("raw", data.astype(np.uint16), axes)


def test_beam_current_is_divided_out_of_frames_and_flats(images):
    raw, flats, dark = images
    current = [200.0, 150.0]
    ff = FlatField(
        flats, dark, positions=[0, 100], scaling=Scaling(flat_monitor=current)
    )
    f0, f1 = ((f - dark) / c for f, c in zip(flats, current, strict=True))
    expected = (raw - dark) / 180 / (f0 * 0.75 + f1 * 0.25)
    np.testing.assert_allclose(ff(raw, at=25, monitor=180), expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_each_flat_of_a_series_is_scaled_before_they_are_reduced(random, method):
    flats = random.integers(900, 1800, (5, *FRAME))
    dark = random.integers(90, 110, FRAME)
    exposure = np.array([1, 2, 4, 1, 3.0])
    ff = FlatField(
        flats,
        dark,
        positions=[7] * 5,
        scaling=Scaling(flat_monitor=exposure),
        reduction=Reduction(method=method),
    )
    gains = (flats - dark) / exposure[:, np.newaxis, np.newaxis]
    expected = (500 - dark) / 2 / getattr(np, method)(gains, axis=0)
    np.testing.assert_allclose(
        ff(np.full(FRAME, 500), monitor=2.0), expected, rtol=1e-6
    )


def test_a_monitor_of_each_series_of_a_list(images):
    raw, flats, dark = images
    ff = FlatField(
        [flats, flats[0]],
        dark,
        positions=[0, 100],
        scaling=Scaling(flat_monitor=[2, 4]),
    )
    gains = (flats.mean(axis=0) - dark) / 2, (flats[0] - dark) / 4
    np.testing.assert_allclose(
        ff(raw, at=100, monitor=1), (raw - dark) / gains[1], rtol=1e-6
    )
    np.testing.assert_allclose(
        ff(raw, at=0, monitor=1), (raw - dark) / gains[0], rtol=1e-6
    )


@pytest.mark.parametrize("shape", ["a position", "a frame"])
def test_a_monitor_of_frames_from_a_dataset(images, shape):
    raw, flats, dark = images
    four = np.stack([np.stack([raw, raw + 5, raw + 9]), np.stack([raw + 1] * 3)])
    axes = Axis("z", "nm", [0, 100]), Axis.index(3), *map(Axis.index, FRAME)
    signal = Signal("raw", four, axes)
    values = np.array([1.5, 3.0])
    monitor = Signal("current", np.repeat(values[:, np.newaxis], 3, axis=1))
    ff = FlatField(
        flats, dark, positions=[0, 100], scaling=Scaling(flat_monitor=[1, 1])
    )
    given = values if shape == "a position" else monitor
    result = ff.correct(signal, monitor=given)
    scaled = (four - dark) / values.reshape(2, 1, 1, 1)
    expected = scaled / (flats - dark)[:, np.newaxis]
    np.testing.assert_allclose(result.data[...], expected, rtol=1e-6)
    np.testing.assert_allclose(result.data[1, 2], expected[1, 2], rtol=1e-6)
    assert len(result.metadata["flatfield"]["monitor"]) == 6


@pytest.mark.parametrize("beam", [0.0, -1.0, np.nan])
def test_a_frame_without_beam_is_dead(images, beam):
    raw, flats, dark = images
    ff = FlatField(flats[0], dark, scaling=Scaling(flat_monitor=[1]))
    assert np.isnan(ff(raw, monitor=beam)).all()


def test_monitors_come_in_pairs(images):
    raw, flats, dark = images
    with pytest.raises(FlatFieldError, match="flats have a monitor, the frame has no"):
        FlatField(flats[0], dark, scaling=Scaling(flat_monitor=[1]))(raw)
    with pytest.raises(FlatFieldError, match="has a monitor, the flats have none"):
        FlatField(flats[0], dark).correct(stack(raw, [1, 2]), monitor=[1, 2])


@pytest.mark.parametrize("monitor", [[1, 2, 3], [[1, 2]]])
def test_a_monitor_has_one_value_an_image(images, monitor):
    raw, flats, dark = images
    with pytest.raises(
        FlatFieldError, match=r"one monitor value each|one value a frame"
    ):
        FlatField(flats, dark, positions=[0, 1], scaling=Scaling([1, 1])).correct(
            stack(raw, [1, 2]), monitor=monitor
        )
    with pytest.raises(FlatFieldError, match="one monitor value each"):
        FlatField(flats, dark, positions=[0, 1], scaling=Scaling([1, 2, 3]))


@pytest.mark.parametrize("monitor", [[1, 0], [1, np.inf], [1, -3], ["a", "b"]])
def test_a_flat_without_beam_is_refused(monitor):
    with pytest.raises(FlatFieldError, match="flat_monitor"):
        Scaling(flat_monitor=monitor)


def test_flats_and_darks_of_another_exposure(images):
    raw, flats, dark = images
    ff = FlatField(flats[0], dark, scaling=Scaling(flat_factor=0.25, dark_factor=2))
    expected = (raw - 2 * dark) / (0.25 * flats[0] - 2 * dark)
    alive = 0.25 * flats[0] - 2 * dark > 0
    np.testing.assert_allclose(ff(raw), np.where(alive, expected, np.nan), rtol=1e-6)


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf])
def test_a_factor_is_positive(factor):
    with pytest.raises(FlatFieldError, match="dark_factor"):
        Scaling(dark_factor=factor)


def test_air_becomes_one_in_each_frame(images):
    raw, flats, dark = images
    signal = stack(raw, [0, 30, 60])
    ff = FlatField(flats, dark, positions=[0, 100], scaling=Scaling(air=(1, 3, 2, 7)))
    plain = FlatField(flats, dark, positions=[0, 100]).correct(signal).data[...]
    means = plain[:, 1:3, 2:7].mean(axis=(1, 2), dtype=float)
    array = ff.correct(signal).data
    expected = plain / means[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(array[...], expected, rtol=1e-6)
    # What is read does not have to hold the air.
    np.testing.assert_array_equal(array[1, 4, ::3], array[...][1, 4, ::3])


def test_dead_pixels_in_the_air_do_not_count(images):
    raw, flats, dark = images
    flats[:, 1, 2] = 0
    result = FlatField(flats[0], dark, scaling=Scaling(air=(1, 3, 2, 7)))(raw)
    np.testing.assert_allclose(np.nanmean(result[1:3, 2:7]), 1, rtol=1e-6)
    assert np.isnan(result[1, 2])


def test_a_frame_without_light_in_the_air_is_dead(images):
    _, flats, dark = images
    result = FlatField(flats[0], dark, scaling=Scaling(air=(1, 3, 2, 7)))(dark)
    assert np.isnan(result).all()


@pytest.mark.parametrize(
    "air", [(3, 3, 0, 2), (0, 1, 2), (-1, 2, 0, 2), (0, 1, 0, "a")]
)
def test_air_is_a_region(air):
    with pytest.raises(FlatFieldError, match=r"air|by number"):
        Scaling(air=air)


def test_air_lies_in_the_frame(images):
    with pytest.raises(FlatFieldError, match="beyond frames of 6×8"):
        FlatField(images[1][0], scaling=Scaling(air=(0, 7, 0, 2)))


def test_the_result_in_counts_again(images):
    raw, flats, dark = images
    flats[:, 0, 0] = dark[0, 0] - 5  # a dead pixel does not pull the mean down
    ff = FlatField(
        flats, dark, positions=[0, 100], scaling=Scaling(keep_counts=True), fill=1.0
    )
    gains = flats - dark
    level = gains[:, gains[0] > 0].mean()
    expected = level * (raw - dark) / (0.5 * gains[0] + 0.5 * gains[1])
    result = ff(raw, at=50)
    np.testing.assert_allclose(result.ravel()[1:], expected.ravel()[1:], rtol=1e-6)
    # What a dead pixel is set to is in units of the open beam.
    np.testing.assert_allclose(result[0, 0], level, rtol=1e-6)


def test_counts_have_no_logarithm():
    with pytest.raises(FlatFieldError, match="log or keep_counts"):
        FlatField(
            np.ones(FRAME), scaling=Scaling(keep_counts=True), output=Output(log=True)
        )


def test_gain_multiplies(images):
    raw, _, dark = images
    gain = np.linspace(0.5, 2, raw.size).reshape(FRAME)
    gain[2, 3], gain[0, 1] = 0, np.inf
    result = FlatField(gain, mode="gain")(raw)
    dead = (gain == 0) | np.isinf(gain)
    np.testing.assert_allclose(result[~dead], (raw * gain)[~dead], rtol=1e-6)
    assert np.isnan(result[dead]).all()
    result = FlatField(gain, dark, mode="gain")(raw)
    np.testing.assert_allclose(result[~dead], ((raw - dark) * gain)[~dead], rtol=1e-6)


def test_gains_are_interpolated(images):
    raw, *_ = images
    gains = np.stack([np.full(FRAME, 0.5), np.full(FRAME, 0.9)])
    ff = FlatField(gains, positions=[0, 10], mode="gain")
    np.testing.assert_allclose(ff(raw, at=2.5), raw * 0.6, rtol=1e-6)


def test_background_only_subtracts(images):
    raw, _, dark = images
    ff = FlatField(None, dark + 500, mode="background")
    np.testing.assert_array_equal(ff(raw.astype(np.uint16)), raw - dark - 500)
    assert ff.to_dict()["formula"] == "raw - dark"


@pytest.mark.parametrize(
    ("flats", "dark", "mode", "said"),
    [
        (None, np.ones(FRAME), "flat", "needs flats"),
        (None, None, "gain", "needs flats"),
        (np.ones(FRAME), np.ones(FRAME), "background", "no flats"),
        (None, None, "background", "no flats"),
        (np.ones(FRAME), None, "divide", "not known"),
    ],
)
def test_a_mode_needs_its_references(flats, dark, mode, said):
    with pytest.raises(FlatFieldError, match=said):
        FlatField(flats, dark, mode=mode)


def test_gain_has_no_use_for_a_monitor_of_flats():
    with pytest.raises(FlatFieldError, match="flat_monitor"):
        FlatField(np.ones(FRAME), mode="gain", scaling=Scaling(flat_monitor=[1]))
