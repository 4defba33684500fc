"""The truth of flat-fielding: the plain formula in float64, nothing clever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


class Truth(Protocol):
    def __call__(
        self,
        raw: np.ndarray,
        flats: np.ndarray,
        dark: np.ndarray | float,
        positions: Sequence[float],
        at: float,
    ) -> np.ndarray: ...


def _truth(
    raw: np.ndarray,
    flats: np.ndarray,
    dark: np.ndarray | float,
    positions: Sequence[float],
    at: float,
) -> np.ndarray:
    """Correct one frame; flats at `positions` ascending, clamped outside them."""
    raw, flats, dark = (np.asarray(a, np.float64) for a in (raw, flats, dark))
    flat = np.empty(raw.shape)
    for pixel in np.ndindex(raw.shape):
        flat[pixel] = np.interp(at, positions, flats[(slice(None), *pixel)])
    with np.errstate(divide="ignore", invalid="ignore"):
        result = (raw - dark) / (flat - dark)
    return np.where((flat - dark > 0) & np.isfinite(result), result, np.nan)


@pytest.fixture(scope="session")
def truth() -> Truth:
    return _truth


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20261121)
