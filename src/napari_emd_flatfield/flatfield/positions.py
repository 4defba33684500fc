"""Where along the scan references lie, in whose units, and which lie together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import units as _units

if TYPE_CHECKING:
    from ..signal import Axis

# Units of axes that number the frames of an acquisition.
_COUNTING = ("", _units.PIXEL, "frame")


def factor(axis: Axis | None, other: Axis | None) -> float | None:
    """What a coordinate on one axis is to be multiplied with to lie on another.

    Parameters
    ----------
    axis
        The axis it lies on.
    other
        The axis it shall lie on. Where either says no unit, they agree.

    Returns
    -------
    float or None
        None when the units cannot be converted.
    """
    if axis is None or other is None or not axis.units or not other.units:
        return 1.0
    if axis.units == other.units:
        return 1.0
    here, there = axis.unit, other.unit
    if here is None or there is None or not here.is_compatible_with(there):
        return None
    return float((1 * here).to(there).magnitude)


def series(positions: np.ndarray, gap: float) -> list[np.ndarray]:
    """Group positions that lie together.

    Parameters
    ----------
    positions
        In any order, shape (n,).
    gap
        Positions that differ by no more than this from the next are together.

    Returns
    -------
    list of numpy.ndarray
        Indices into `positions`, the groups in ascending order.
    """
    order = np.argsort(positions, kind="stable")
    breaks = np.flatnonzero(np.diff(positions[order]) > gap) + 1
    return np.split(order, breaks)


def counts_frames(axis: Axis | None) -> bool:
    """Whether an axis numbers the frames of an acquisition: whole, in no unit."""
    return axis is not None and axis.units in _COUNTING and are_whole(axis.values)


def are_whole(numbers: np.ndarray) -> bool:
    """Whether these are whole numbers."""
    return np.array_equal(numbers, np.rint(numbers))


def has_runs(numbers: np.ndarray) -> bool:
    """Whether some of these numbers follow each other."""
    return bool(np.any(np.diff(np.sort(numbers)) == 1))


def interrupted(numbers: np.ndarray, frames: np.ndarray) -> bool:
    """Whether a frame lies within a run of consecutive numbers.

    Parameters
    ----------
    numbers
        Of references in an acquisition, shape (n,).
    frames
        Numbers of its raw frames.
    """
    runs = [numbers[run] for run in series(numbers, 1.0)]
    return any(np.any((frames >= r.min()) & (frames <= r.max())) for r in runs)
