"""The arithmetic compiled by numba: bit for bit what the NumPy kernel computes.

Imported only when it is used: numba takes a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import float32, int32, njit

from .kernel import Mixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .kernel import Recipe, Rule

# What several frames share stays in the cache of a core while they pass.
_BAND_BYTES = 512 * 1024


def correct_rows(
    raw: np.ndarray, out: np.ndarray, recipes: Sequence[Recipe], rule: Rule
) -> np.ndarray:
    """Correct frames, or the same rows of frames.

    Parameters
    ----------
    raw, out, recipes, rule
        As for the NumPy kernel; float32 to compute in, C-contiguous images.

    Returns
    -------
    numpy.ndarray
        How many pixels are dead, saturated and negative, shape (n, 3).
    """
    tally = np.zeros((len(raw), 3), np.int64)
    height, width = raw.shape[-2:]
    rows = min(height, max(1, _BAND_BYTES // (width * out.itemsize)))
    # Nothing reaches NaN: without a saturation, infinite counts are not saturated.
    saturation = rule.saturation if rule.saturation < np.inf else np.nan
    numbers = [
        np.float32(value)
        for value in (rule.fill, rule.limit, rule.threshold, saturation)
    ]
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        for i, (gain, dark, scale) in enumerate(recipes):
            assert isinstance(gain, Mixture)
            near = gain.images[gain.near]
            far = gain.images[gain.far] if gain.weight else near
            tally[i] += _divide(
                raw[i, band],
                out[i, band],
                near[band],
                far[band],
                np.float32(gain.weight),
                dark and dark.images[dark.near][band],
                dark.images[dark.far][band] if dark and dark.weight else None,
                np.float32(dark.weight if dark else 0),
                np.float32(scale),
                *numbers,
            )
    return tally


@njit(nogil=True, cache=True, error_model="numpy")
def _divide(  # type: ignore[no-untyped-def]
    raw, out, near, far, share, dark, dark_far, dark_share, scale, fill, limit,
    threshold, saturation,
):  # fmt: skip
    """Correct a band of one frame, one pixel after another."""
    dead = saturated = negative = 0
    for y in range(raw.shape[0]):
        # Counters as wide as a pixel let the loop be vectorised.
        d, s, n = int32(0), int32(0), int32(0)
        for x in range(raw.shape[1]):
            gain = float32(near[y, x])
            gain += share * (float32(far[y, x]) - gain)
            counts = float32(raw[y, x])
            result = counts
            if dark is not None:
                offset = float32(dark[y, x])
                if dark_far is not None:
                    offset += dark_share * (float32(dark_far[y, x]) - offset)
                result -= offset
            result = result / gain * scale
            good = (gain > threshold) & (abs(result) <= limit)
            out[y, x] = result if good else fill
            d = int32(d + int32(not good))
            s = int32(s + int32(counts >= saturation))
            n = int32(n + int32((result < float32(0)) & good))
        dead += int(d)
        saturated += int(s)
        negative += int(n)
    return dead, saturated, negative
