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
    raw: np.ndarray,
    out: np.ndarray,
    recipes: Sequence[Recipe],
    rule: Rule,
    rows: slice,
) -> np.ndarray:
    """Correct some rows of frames.

    Parameters
    ----------
    raw, out, recipes, rule, rows
        As for the NumPy kernel; float32 to compute in, C-contiguous arrays, and
        recipes that mix the same gains and darks.

    Returns
    -------
    numpy.ndarray
        How many pixels are dead, saturated and negative, shape (n, 3).
    """
    tally = np.zeros((len(raw), 3), np.int64)
    gains = [recipe.gain for recipe in recipes if isinstance(recipe.gain, Mixture)]
    darks = [recipe.dark for recipe in recipes if recipe.dark is not None]
    dark_near, dark_far, dark_share = _columns(darks)
    # Nothing reaches NaN: without a saturation, infinite counts are not saturated.
    saturation = rule.saturation if rule.saturation < np.inf else np.nan
    _divide(  # type: ignore[call-arg]
        raw,
        out,
        rows.start,
        rows.stop,
        max(1, _BAND_BYTES // (raw.shape[2] * out.itemsize)),
        gains[0].images,
        *_columns(gains),
        darks[0].images if darks else None,
        dark_near,
        dark_far if dark_share.any() else None,
        dark_share,
        np.array([recipe.scale for recipe in recipes], np.float32),
        np.float32(rule.fill),
        np.float32(rule.limit),
        np.float32(rule.threshold),
        np.float32(saturation),
        tally,
    )
    return tally


def _columns(mixtures: Sequence[Mixture]) -> tuple[np.ndarray, ...]:
    """Numbers of the near images, of the far ones, and shares of the latter."""
    # An image mixed with itself is itself.
    far = [m.far if m.weight else m.near for m in mixtures]
    return (
        np.array([m.near for m in mixtures], np.int64),
        np.array(far, np.int64),
        np.array([m.weight for m in mixtures], np.float32),
    )


@njit(nogil=True, cache=True, error_model="numpy")
def _divide(  # type: ignore[no-untyped-def]
    raw, out, first, last, band, gains, near, far, share, darks, dark_near, dark_far,
    dark_share, scale, fill, limit, threshold, saturation, tally,
):  # fmt: skip
    """Correct rows `first` to `last`, a band of all frames at a time."""
    for top in range(first, last, band):
        for i in range(raw.shape[0]):
            # Of all that is read in the loops below, only pixels may be in arrays:
            # `out` might share their memory, and nothing would be vectorised.
            g0, g1, gw, factor = near[i], far[i], share[i], scale[i]
            if darks is not None:
                d0 = dark_near[i]
                if dark_far is not None:
                    d1, dw = dark_far[i], dark_share[i]
            dead = saturated = negative = 0
            for y in range(top, min(top + band, last)):
                # Counters as wide as a pixel, for the same reason.
                d, s, n = int32(0), int32(0), int32(0)
                for x in range(raw.shape[2]):
                    gain = float32(gains[g0, y, x])
                    gain += gw * (float32(gains[g1, y, x]) - gain)
                    counts = float32(raw[i, y, x])
                    result = counts
                    if darks is not None:
                        dark = float32(darks[d0, y, x])
                        if dark_far is not None:
                            dark += dw * (float32(darks[d1, y, x]) - dark)
                        result -= dark
                    result = result / gain * factor
                    good = (gain > threshold) & (abs(result) <= limit)
                    out[i, y, x] = result if good else fill
                    d = int32(d + int32(not good))
                    s = int32(s + int32(counts >= saturation))
                    n = int32(n + int32((result < float32(0)) & good))
                dead += int(d)
                saturated += int(s)
                negative += int(n)
            tally[i, 0] += dead
            tally[i, 1] += saturated
            tally[i, 2] += negative
