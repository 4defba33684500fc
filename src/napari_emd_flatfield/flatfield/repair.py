"""Pixels that take after their neighbours: zingers and dead ones."""

from __future__ import annotations

import numpy as np

# A pixel looks for good neighbours in 3 × 3 pixels, then in 5 × 5, then 7 × 7.
_FARTHEST = 3

# What a repaired pixel depends on: those around it, and what makes them zingers.
HALO = _FARTHEST + 1

# So many pixels are repaired at once, to bound the memory it takes.
_AT_ONCE = 2**15


def find_zingers(frame: np.ndarray, good: np.ndarray, threshold: float) -> np.ndarray:
    """Find pixels much brighter than their neighbours.

    Parameters
    ----------
    frame
        Shape (y, x), floats.
    good
        Which of its pixels can be believed, shape (y, x), bool.
    threshold
        By how much a zinger exceeds the median of its good neighbours among the
        eight next to it.

    Returns
    -------
    numpy.ndarray
        bool, shape (y, x).
    """
    # What exceeds the median exceeds the minimum: cheap, and few are left.
    lowest = _minimum(np.where(good, frame, np.inf))
    rows, columns = np.nonzero(good & (frame - lowest > threshold))
    zingers = np.zeros(frame.shape, np.bool_)
    middle = neighbour_median(frame, good, rows, columns, farthest=1)
    found = frame[rows, columns] - middle > threshold
    zingers[rows[found], columns[found]] = True
    return zingers


def neighbour_median(
    frame: np.ndarray,
    good: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    farthest: int = _FARTHEST,
) -> np.ndarray:
    """Median of the nearest good neighbours of some pixels.

    Parameters
    ----------
    frame
        Shape (y, x), floats.
    good
        Which of its pixels may be used, shape (y, x), bool.
    rows, columns
        The pixels, shape (n,).
    farthest
        How many pixels away a neighbour may lie.

    Returns
    -------
    numpy.ndarray
        Shape (n,); NaN where no neighbour is good.
    """
    result = np.full(len(rows), np.nan, frame.dtype)
    for start in range(0, len(rows), _AT_ONCE):
        wanted = np.arange(start, min(start + _AT_ONCE, len(rows)))
        for distance in range(1, farthest + 1):
            values = _window(frame, good, rows[wanted], columns[wanted], distance)
            result[wanted] = _median(values)
            wanted = wanted[np.isnan(result[wanted])]
            if not len(wanted):
                break
    return result


def _window(
    frame: np.ndarray,
    good: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    distance: int,
) -> np.ndarray:
    """Values around pixels, shape (n, neighbours), NaN where there is none."""
    height, width = frame.shape
    step = np.arange(-distance, distance + 1)
    y, x = (grid.ravel() for grid in np.meshgrid(step, step, indexing="ij"))
    y, x = y[(y != 0) | (x != 0)], x[(y != 0) | (x != 0)]
    y, x = rows[:, np.newaxis] + y, columns[:, np.newaxis] + x
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    return np.asarray(np.where(inside & good[y, x], frame[y, x], np.nan))


def _median(values: np.ndarray) -> np.ndarray:
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.count_nonzero(~np.isnan(ordered), axis=1)
    each = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, values.shape[1] - 1)
    half = values.dtype.type(0.5)
    return np.asarray((ordered[each, low] + ordered[each, high]) * half)


def _minimum(frame: np.ndarray) -> np.ndarray:
    """Minimum of each pixel and the eight around it."""
    padded = np.pad(frame, 1, constant_values=np.inf)
    rows = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))
