"""Dynamic flat-field on illumination that moves while no flat is taken."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Pixels, Reduction, Scaling

FRAME = 192, 160
PHOTONS = 4000.0


def modes(shape):
    """Mean illumination, and the two ways in which it moves."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    mean = np.exp(-0.5 * (x**2 + y**2))
    stripes = 0.1 * np.sin(25 * y + 3 * x)
    return np.stack([mean, mean * stripes, mean * 0.08 * x * y])


def lit(weights, shape=FRAME):
    return np.tensordot([1.0, *weights], modes(shape), 1)


def discs(shape, random, number=6):
    """Transmission of a sample, 1 beside it."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    truth = np.ones(shape)
    for cy, cx in random.uniform((0, 0), shape, (number, 2)):
        truth[(y - cy) ** 2 + (x - cx) ** 2 < (0.1 * shape[1]) ** 2] *= 0.6
    return truth


@pytest.fixture
def scan(random):
    """Twenty flats before, twenty after; frames lit in ways of their own."""
    gain = random.normal(1, 0.02, FRAME)
    dark = np.rint(random.normal(100, 3, FRAME))

    def expose(truth, weights, strength=1.0):
        light = strength * PHOTONS * gain * lit(weights)
        return random.poisson(light * truth) + dark

    flats = [expose(1, random.normal(0, 1, 2)) for _ in range(40)]
    truths = [discs(FRAME, random) for _ in range(6)]
    raw = [expose(truth, random.normal(0, 1, 2)) for truth in truths]
    positions = np.linspace(10, 90, len(raw))
    axes = Axis("angle", "degree", positions), *map(Axis.index, FRAME)
    where = [*np.linspace(0, 5, 20), *np.linspace(95, 100, 20)]
    signal = Signal("raw", np.stack(raw).astype(np.uint16), axes)
    return signal, np.stack(flats).astype(np.uint16), dark, where, np.stack(truths)


def residual(corrected, truth):
    """How far corrected frames are off, beyond photon noise: means of 16² pixels."""
    ratio = (corrected / truth)[:, :192, :160]
    coarse = ratio.reshape(len(ratio), 12, 16, 10, 16).mean(axis=(2, 4))
    coarse /= coarse.mean(axis=(1, 2), keepdims=True)
    return float(coarse.std())


def test_it_leaves_several_times_less_than_linear_interpolation(scan):
    raw, flats, dark, where, truth = scan
    series = Reduction(series=6)
    linear = FlatField(flats, dark, positions=where, reduction=series)
    dynamic = FlatField(flats, dark, positions=where, interpolation="dynamic")
    assert linear.flat_positions == pytest.approx((2.5, 97.5))
    before = residual(linear.correct(raw).data[...], truth)
    after = residual(dynamic.correct(raw).data[...], truth)
    assert before > 0.02
    assert after < before / 10
    assert after < 0.002  # photon noise alone leaves 0.0012


def test_the_number_of_components_is_found(scan):
    _, flats, dark, where, _ = scan
    ff = FlatField(flats, dark, positions=where, interpolation="dynamic")
    references = ff._correction.references
    assert references.eigen.images.shape == (1 + 2, *FRAME)
    ff = FlatField(
        flats, dark, interpolation="dynamic", reduction=Reduction(components=5)
    )
    assert ff._correction.references.eigen.images.shape == (1 + 5, *FRAME)


def test_flats_that_do_not_differ_have_no_component(random):
    flats = random.poisson(PHOTONS * modes(FRAME)[0], (12, *FRAME))
    ff = FlatField(flats, interpolation="dynamic")
    raw = flats[0]
    np.testing.assert_allclose(ff(raw), raw / flats.mean(axis=0), rtol=0.01)


def test_a_frame_without_sample_or_noise_becomes_flat(random):
    flats = np.stack([1000 * lit(random.normal(0, 1, 2)) for _ in range(10)])
    flats *= random.uniform(0.5, 2, (10, 1, 1))
    ff = FlatField(flats, interpolation="dynamic")
    result = ff(1000 * lit([1.3, -0.7]))
    np.testing.assert_allclose(result / result.mean(), 1, atol=2e-3)


def test_the_brightness_is_that_of_the_flats_around_the_frame(random):
    weights = random.normal(0, 1, (10, 2))
    strength = np.repeat([1.0, 0.5], 5)
    flats = [s * 1000 * lit(w) for s, w in zip(strength, weights, strict=True)]
    where = np.repeat([0, 100], 5)
    ff = FlatField(np.stack(flats), positions=where, interpolation="dynamic")
    frame = 1000 * lit([0.2, -0.3])
    np.testing.assert_allclose(ff(frame, at=-5).mean(), 1, atol=0.01)
    np.testing.assert_allclose(ff(frame, at=50).mean(), 1 / 0.75, atol=0.01)
    np.testing.assert_allclose(ff(frame, at=100).mean(), 1 / 0.5, atol=0.02)


def test_a_region_is_bitwise_the_same_however_it_is_read(scan):
    raw, flats, dark, where, _ = scan
    ff = FlatField(flats, dark, positions=where, interpolation="dynamic")
    array = ff.correct(raw).data
    region = array[2, 30:80:3, 100:].copy()
    np.testing.assert_array_equal(region, ff.correct(raw).data[...][2, 30:80:3, 100:])
    np.testing.assert_array_equal(array[4], ff(raw.data[4], at=raw.axes[0].values[4]))


def test_dead_pixels_and_masks_stay_out_of_the_fit(scan):
    raw, flats, dark, where, _ = scan
    flats, data = flats.copy(), raw.data.copy()
    flats[:, 50:60], flats[:, :, 7] = 0, 0
    data[:, 100:120, 20:50] = 65535
    mask = np.zeros(FRAME, bool)
    mask[100:120, 20:50] = True
    ff = FlatField(
        flats, dark, positions=where, interpolation="dynamic", pixels=Pixels(mask=mask)
    )
    axes = raw.axes
    result = ff.correct(Signal("raw", data, axes)).data[...]
    dead = mask.copy()
    dead[50:60], dead[:, 7] = True, True
    assert np.array_equal(np.isnan(result), np.broadcast_to(dead, result.shape))
    usual = FlatField(flats, dark, positions=where, interpolation="dynamic")
    expected = usual.correct(raw).data[...]
    np.testing.assert_allclose(result[:, ~dead], expected[:, ~dead], rtol=0.02)


def test_a_dark_frame_is_no_reason_to_fail(scan):
    _, flats, dark, where, _ = scan
    ff = FlatField(flats, dark, positions=where, interpolation="dynamic")
    assert np.isfinite(ff(dark, at=50)).all()


def test_results_in_counts_have_the_mean_of_the_flats(random):
    flats = np.stack([1000 * lit(random.normal(0, 1, 2)) for _ in range(10)])
    ff = FlatField(flats, interpolation="dynamic", scaling=Scaling(keep_counts=True))
    result = ff(flats[3])
    np.testing.assert_allclose(result.mean(), flats.mean(), rtol=0.01)


@pytest.mark.parametrize(("n", "components"), [(1, None), (3, 3), (2, 5)])
def test_too_few_flats_are_refused(n, components):
    ff = FlatField(
        np.ones((n, 8, 8)),
        interpolation="dynamic",
        reduction=Reduction(components=components),
    )
    with pytest.raises(FlatFieldError, match=rf"{n} flats .* give more flats"):
        ff(np.ones((8, 8)))


def test_a_flat_without_light_is_named():
    flats = np.ones((4, 8, 8))
    flats[2] = 0
    with pytest.raises(FlatFieldError, match=r"flat 2 .*leave_out=\[2\]"):
        FlatField(flats, interpolation="dynamic")(np.ones((8, 8)))


def test_only_a_division_has_components():
    with pytest.raises(FlatFieldError, match="dynamic"):
        FlatField(np.ones((4, 8, 8)), interpolation="dynamic", mode="gain")


def test_its_references_are_not_reduced(scan):
    _, flats, dark, *_ = scan
    with pytest.raises(FlatFieldError, match="taken apart"):
        FlatField(flats, dark, interpolation="dynamic").reduced()


def test_its_report_tells_the_drift_in_brightness(scan):
    raw, flats, dark, where, _ = scan
    ff = FlatField(flats, dark, positions=where, interpolation="dynamic")
    report = ff.report(raw, frames=2)
    means = (flats - dark).mean(axis=(1, 2))
    expected = 100 * np.abs(means / means[0] - 1).max()
    assert report.drift == pytest.approx(expected, rel=1e-3)
    assert report.pattern_drift is None
    assert "in brightness" in str(report)
    assert "in shape" not in str(report)
