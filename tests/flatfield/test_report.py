"""The quality report, on scans made so that its numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, Signal
from napari_emd_flatfield.flatfield import Output, Pixels

FRAME = 64, 64


@pytest.fixture
def scan(random):
    """40 frames lit as the flats are, which lose 20 % from 0 to 100 nm."""
    gain = random.normal(1, 0.1, FRAME)
    gain[3, 4] = gain[5, 6] = 0
    light = np.exp(-((np.linspace(-1, 1, 64) - 0.3) ** 2))
    positions = np.linspace(0, 117, 40)
    strength = 1 - 0.2 * np.clip(positions / 100, 0, 1)
    dark = np.full(FRAME, 100)
    lit = 5000 * gain * light
    raw = np.rint(strength[:, np.newaxis, np.newaxis] * lit) + dark
    flats = np.rint(lit * np.array([1, 0.8]).reshape(2, 1, 1)) + dark
    axes = Axis("along", "nm", positions), *map(Axis.index, FRAME)
    return Signal("raw", raw.astype(np.uint16), axes), flats.astype(np.uint16), dark


def report(scan, frames=16, **options):
    raw, flats, dark = scan
    return FlatField(flats, dark, positions=[0, 100], **options).report(
        raw, frames=frames
    )


def test_the_pattern_of_the_flat_is_gone_after_the_correction(scan):
    found = report(scan)
    assert found.pattern_before > 0.99
    assert abs(found.pattern_after) < 0.2
    assert found.orientation is None


def test_the_drift_between_the_flats_is_told(scan):
    found = report(scan)
    assert found.drift == pytest.approx(20, abs=0.01)
    assert found.pattern_drift == pytest.approx(0, abs=0.05)


def test_a_change_of_shape_is_told_from_one_of_brightness(scan, random):
    raw, flats, dark = scan
    shape = 1 + 0.03 * np.sign(np.linspace(-1, 1, 64))
    flats = flats.copy()
    flats[1] = np.rint((flats[1] - dark) * shape + dark)
    found = report((raw, flats, dark))
    assert found.pattern_drift == pytest.approx(3, abs=0.1)


def test_pixels_are_counted_over_the_frames_looked_at(scan):
    raw, _, _ = scan
    raw.data[:, 10, 10] = 65535
    raw.data[39, 20, :5] = 20
    found = report(scan, frames=40)
    assert found.frames == 40
    assert len(found.sampled) == len(found.counts) == 40
    total = found.total
    assert (total.pixels, total.dead) == (40 * 64 * 64, 2 * 40)
    assert (total.saturated, total.negative) == (40, 5)
    few = report(scan, frames=4)
    assert few.sampled == ((0,), (13,), (26,), (39,))
    assert few.total.saturated == 4


def test_frames_outside_the_flats_are_told(scan):
    positions = scan[0].axes[0].values
    assert report(scan).outside == np.count_nonzero(positions > 100) > 0


@pytest.mark.parametrize("orient", ["none", "rot270", "fliplr"])
@pytest.mark.parametrize("needed", ["rot90", "flipud", "antitranspose"])
def test_references_in_another_orientation_are_noticed(scan, orient, needed):
    raw, flats, dark = scan
    undo = {
        "rot90": lambda a: np.rot90(a, -1, (-2, -1)),
        "flipud": lambda a: a[..., ::-1, :],
        "antitranspose": lambda a: np.rot90(a, 2, (-2, -1)).swapaxes(-2, -1),
    }
    turned = undo[needed](flats), undo[needed](dark)
    ff = FlatField(*turned, positions=[0, 100], orient=orient)
    found = ff.report(raw)
    assert found.orientation == needed
    assert f"orient='{needed}'" in str(found)
    right = FlatField(*turned, positions=[0, 100], orient=needed).report(raw)
    assert right.orientation is None
    assert abs(right.pattern_after) < abs(found.pattern_after)


def test_an_absorbance_is_judged_like_a_transmission(scan):
    plain, log = report(scan), report(scan, output=Output(log=True))
    assert log.pattern_after == pytest.approx(plain.pattern_after, abs=0.05)


def test_a_background_has_no_pattern(scan):
    raw, _, dark = scan
    found = FlatField(None, dark, mode="background").report(raw)
    assert found.drift is found.pattern_before is found.pattern_after is None
    assert "correlation" not in str(found)


def test_a_report_is_told_in_lines(scan):
    text = str(report(scan, pixels=Pixels(zinger=3)))
    for line in (
        "16 of 40 frames looked at",
        "dead: 32 pixels (0.05%)",
        "zingers: 0 pixels (0.00%)",
        "drift between flats: 20.00 % in brightness",
        "correlation with the flat's pattern: +",
    ):
        assert line in text


def test_an_empty_stack_has_nothing_to_report():
    raw = Signal("raw", np.empty((0, *FRAME)))
    found = FlatField(np.ones(FRAME)).report(raw)
    assert (found.frames, found.sampled, found.total.pixels) == (0, (), 0)


def test_a_single_frame_is_reported():
    found = FlatField(np.ones(FRAME)).report(Signal("raw", np.ones(FRAME)))
    assert (found.frames, found.sampled) == (1, ((),))
