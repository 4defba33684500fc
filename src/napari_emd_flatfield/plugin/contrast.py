"""Contrast limits from a few frames, so that opening stays instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signal import ArrayLike

# Of a very large frame this many rows and columns in the middle are enough.
_LARGEST_SAMPLE = 2048


def contrast_limits(data: ArrayLike) -> tuple[float, float]:
    """Estimate limits that show most of an array well.

    napari would take them from the first frame alone, or from the whole range
    of an integer dtype.

    Parameters
    ----------
    data
        Shape (…, y, x). At most three frames are read: first, middle and last.

    Returns
    -------
    tuple of float
        The 0.1 and 99.9 percentiles of what is finite, always increasing; dead
        or hot pixels and a blank first frame do not spoil them.
    """
    if 0 in data.shape:
        return 0.0, 1.0
    leading = data.shape[:-2]
    chosen = {tuple(int(share * (n - 1)) for n in leading) for share in (0.0, 0.5, 1.0)}
    rows, columns = (_middle(n) for n in data.shape[-2:])
    sample = np.concatenate(
        [np.ravel(np.asarray(data[(*i, rows, columns)])) for i in sorted(chosen)]
    ).astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample, (0.1, 99.9)))
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    return (low, high) if low < high else (low, low + 1.0)


def _middle(size: int) -> slice:
    start = max(0, (size - _LARGEST_SAMPLE) // 2)
    return slice(start, start + _LARGEST_SAMPLE)
