"""Frames that cannot be placed along the scan, and what is no signal at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal, correct

FLATS = np.stack([np.full((2, 3), 10.0), np.full((2, 3), 20.0)])
FRAMES = np.full((2, 2, 3), 30.0)


def a_signal(positions: list[float]) -> Signal:
    axes = (Axis("position", "nm", np.array(positions)), Axis.index(2), Axis.index(3))
    return Signal("a", FRAMES, axes)


@pytest.mark.parametrize("nowhere", [np.nan, np.inf])
def test_a_position_must_be_somewhere(nowhere: float) -> None:
    flatfield = FlatField(FLATS, positions=[0, 500])
    with pytest.raises(FlatFieldError, match=r"the frame has positions .* not finite"):
        flatfield(FRAMES[0], at=nowhere)
    with pytest.raises(FlatFieldError, match=r"raw \(a .* not finite"):
        flatfield.correct(a_signal([0, nowhere]))


def test_no_position_is_needed_for_one_flat() -> None:
    corrected = correct(a_signal([0, np.nan]), FLATS, interpolation="mean")
    np.testing.assert_allclose(corrected.data, FRAMES / 15)


@pytest.mark.parametrize("raw", [FRAMES, "scan.emd", None])
def test_only_a_signal_is_corrected_lazily(raw: Any) -> None:
    with pytest.raises(FlatFieldError, match="not a Signal; make it one"):
        correct(raw, FLATS[0])
