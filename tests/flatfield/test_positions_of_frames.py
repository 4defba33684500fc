"""Which axis carries the position; n-D stacks; frames outside the flats."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import corrected as module

FRAME = 4, 5


@pytest.fixture
def scan(random):
    """A 5-D scan and its two flats along the axis called sx."""
    raw = random.integers(50, 90, (2, 3, 2, *FRAME)).astype(np.uint16)
    axes = (
        Axis("sy", "nm", [0, 1]),
        Axis("sx", "nm", [0, 50, 120]),
        Axis("t", "s", [3, 4]),
        Axis("qy", "1/nm", np.arange(4)),
        Axis("qx", "1/nm", np.arange(5)),
    )
    flats = random.integers(100, 130, (2, *FRAME)).astype(np.uint16)
    return Signal("raw", raw, axes), flats


def expected(raw, flats):
    share = np.array([0, 0.5, 1]).reshape(3, 1, 1, 1)
    return raw / (flats[0] * (1 - share) + flats[1] * share)


def test_the_axis_of_the_positions_is_chosen_by_name(scan):
    signal, flats = scan
    ff = FlatField(flats, positions=[0, 100], along="sx")
    corrected = ff.correct(signal)
    truth = expected(signal.data, flats)
    np.testing.assert_allclose(corrected.data[...], truth, rtol=1e-6)
    np.testing.assert_allclose(corrected.data[1, ::-2, 0, 1:3], truth[1, ::-2, 0, 1:3],
                               rtol=1e-6)  # fmt: skip
    assert corrected.metadata["flatfield"]["position_axis"] == "sx"
    assert corrected.metadata["flatfield"]["frames_outside_the_flats"] == 1


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 100])
def test_a_scan_may_be_read_in_batches_of_any_size(scan, frames, monkeypatch):
    signal, flats = scan
    monkeypatch.setattr(module, "_BATCH_BYTES", frames * 20 * 2)
    data = FlatField(flats, positions=[0, 100], along="sx").correct(signal).data
    truth = expected(signal.data, flats)
    np.testing.assert_allclose(data[...], truth, rtol=1e-6)
    np.testing.assert_allclose(data[::-1, 1:, :1], truth[::-1, 1:, :1], rtol=1e-6)
    assert set(data.counts) == set(np.ndindex(2, 3, 2))


@pytest.mark.parametrize("along", ["qx", "z", ""])
def test_an_axis_that_is_not_there_is_refused(scan, along):
    signal, flats = scan
    with pytest.raises(FlatFieldError, match=rf"no axis '{along}'.*'sy', 'sx', 't'"):
        FlatField(flats[0], along=along).correct(signal)


def test_the_position_is_the_one_of_the_leading_axis_by_default(scan):
    signal, flats = scan
    data = FlatField(flats, positions=[0, 1]).correct(signal).data
    np.testing.assert_allclose(
        data[...], signal.data / flats.reshape(2, 1, 1, *FRAME), rtol=1e-6
    )


def test_frames_outside_the_flats_are_counted(random):
    flats = random.integers(100, 130, (2, *FRAME))
    axes = Axis("along", "nm", [-5, 0, 40, 100, 101, 102]), *map(Axis.index, FRAME)
    raw = Signal("raw", np.ones((6, *FRAME)), axes)
    values = FlatField(flats, positions=[0, 100]).correct(raw).metadata["flatfield"]
    assert values["frames_outside_the_flats"] == 3
    assert values["outside_the_flats"] == "nearest"


def test_positions_of_a_stack_at_once(random, truth):
    flats = random.integers(100, 130, (2, *FRAME))
    raw = random.integers(50, 90, (3, *FRAME))
    result = FlatField(flats, positions=[0, 100])(raw, at=[10, 200, 60])
    for frame, at, corrected in zip(raw, [10, 200, 60], result, strict=True):
        np.testing.assert_allclose(
            corrected, truth(frame, flats, 0, [0, 100], at), rtol=1e-6
        )


def test_each_frame_of_a_stack_needs_a_position():
    ff = FlatField(np.ones((2, *FRAME)), positions=[0, 1])
    with pytest.raises(FlatFieldError, match="3 frames need one position each, 2"):
        ff(np.ones((3, *FRAME)), at=[0, 1])
    with pytest.raises(FlatFieldError, match="stack has no position"):
        ff(np.ones((3, *FRAME)))
