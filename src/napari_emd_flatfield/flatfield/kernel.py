"""The arithmetic, one frame at a time: (raw - dark) / (flat - dark)."""

from __future__ import annotations

import numpy as np

# Bands this size keep the temporaries in a core's cache; smaller ones spend
# their time in NumPy's call overhead, whole frames in memory traffic.
_BAND_BYTES = 256 * 1024


def correct_frame(
    raw: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    flat_after: np.ndarray | None = None,
    weight: float = 0.0,
    dark: np.ndarray | None = None,
    fill: float = np.nan,
) -> int:
    """Correct one frame, or the same part of a frame and its references.

    Parameters
    ----------
    raw
        The frame, shape (y, x), any real dtype.
    out
        Where the result goes, shape (y, x), any float dtype.
    flat, flat_after
        Flats before and after the frame, shape (y, x), dark not subtracted.
    weight
        Share of `flat_after` in the flat, 0…1.
    dark
        Dark image, shape (y, x); zero when left out.
    fill
        Value of dead pixels: those where flat - dark is not positive, or the
        result is not finite.

    Returns
    -------
    int
        Number of dead pixels.

    Notes
    -----
    Integers are never subtracted from each other as such: unsigned ones would
    wrap. Computes in float32, or in float64 where float32 cannot hold the input or
    the result.
    """
    work = np.result_type(raw.dtype, flat.dtype, out.dtype, np.float32)
    height, width = raw.shape
    rows = max(1, _BAND_BYTES // max(1, width * work.itemsize))
    dead = 0
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        gain = flat[band].astype(work)
        if flat_after is not None and weight:
            drift = np.subtract(flat_after[band], flat[band], dtype=work)
            drift *= work.type(weight)
            gain += drift
        if dark is None:
            counts = raw[band].astype(work)
        else:
            gain -= dark[band]
            counts = np.subtract(raw[band], dark[band], dtype=work)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            good = gain > 0
            counts /= gain
            good &= np.isfinite(counts)
        bad = counts.size - np.count_nonzero(good)
        if bad:
            counts[~good] = fill
            dead += int(bad)
        out[band] = counts
    return dead
