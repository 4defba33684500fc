"""Contrast limits from a few frames, so that opening stays instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..signal import ArrayLike

    Range = tuple[float, float]

# Of a very large frame this many rows and columns in the middle are enough.
_LARGEST_SAMPLE = 2048

# Where in a stack frames are looked at, until so many show something.
_PLACES, _ENOUGH = (0.0, 0.5, 1.0, 0.25, 0.75), 3

# What detectors write where they have no pixel; more than half of a frame is no gap.
_MOST_GAPS = 0.5


def contrast_limits(data: ArrayLike) -> Range:
    """Estimate limits that show most of an array well.

    napari would take them from the first frame alone, or from the whole range
    of an integer dtype.

    Parameters
    ----------
    data
        Shape (…, y, x). Three frames are read: first, middle and last; up to two
        more where these are blank.

    Returns
    -------
    tuple of float
        The 0.1 and 99.9 percentiles of what is finite, always increasing. Dead or
        hot pixels, the gaps between the chips of a detector, and blank frames do
        not spoil them.
    """
    if 0 in data.shape or data.dtype.kind == "b":
        return 0.0, 1.0
    ranges = _without_odd_one(list(_ranges(data)))
    if not ranges:
        return 0.0, 1.0
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    return (low, high) if low < high else _around(low, data.dtype)


def _ranges(data: ArrayLike) -> Iterator[Range]:
    """What the frames looked at span; blank ones only if all are."""
    leading = data.shape[:-2]
    rows, columns = (_middle(n) for n in data.shape[-2:])
    chosen = dict.fromkeys(
        tuple(int(share * (n - 1)) for n in leading) for share in _PLACES
    )
    blank: list[Range] = []
    found = 0
    for index in chosen:
        values = _values(np.asarray(data[(*index, rows, columns)]))
        if not values.size:
            continue
        low, high = (float(v) for v in np.percentile(values, (0.1, 99.9)))
        if low < high:
            yield low, high
            found += 1
        else:  # a few bright pixels, if any, are all there is to see
            blank.append((float(values.min()), float(values.max())))
        if found == _ENOUGH:
            return
    if not found:
        yield from blank


def _values(frame: np.ndarray) -> np.ndarray:
    """Values of the pixels there are, float64."""
    if frame.dtype.kind in "iu":
        real = frame[frame != np.iinfo(frame.dtype).max]
        if real.size < _MOST_GAPS * frame.size:
            real = frame.ravel()
    else:
        real = frame[np.isfinite(frame)]
    values: np.ndarray = real.astype(np.float64)
    return values


def _without_odd_one(ranges: list[Range]) -> list[Range]:
    """Leave out a frame, dark among lit ones, that has nothing in common with two."""
    if len(ranges) < _ENOUGH:
        return ranges
    alike = [
        (low, high)
        for i, (low, high) in enumerate(ranges)
        if any(
            low <= other[1] and other[0] <= high
            for j, other in enumerate(ranges)
            if j != i
        )
    ]
    return alike or ranges


def _around(value: float, dtype: np.dtype) -> Range:
    """Limits for a constant: napari takes none that are equal in float32."""
    step = max(1.0, abs(value) * 1e-6)
    most = float(np.finfo(dtype).max) if dtype.kind == "f" else np.inf
    return (value, value + step) if value + step < most else (value - step, value)


def _middle(size: int) -> slice:
    start = max(0, (size - _LARGEST_SAMPLE) // 2)
    return slice(start, start + _LARGEST_SAMPLE)
