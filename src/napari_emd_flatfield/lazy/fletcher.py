"""The checksum HDF5's Fletcher-32 filter appends to a chunk."""

from __future__ import annotations

import numpy as np

_MODULUS = 0xFFFF
_ROW_BYTES = 8192


def fletcher32(data: np.ndarray) -> int:
    """Checksum of bytes as HDF5 computes it.

    Parameters
    ----------
    data
        Bytes, uint8, shape (n,).
    """
    rows = np.zeros(-(-data.size // _ROW_BYTES) * _ROW_BYTES, np.uint8)
    rows[rows.size - data.size - data.size % 2 :][: data.size] = data
    # Leading zeros change nothing: each word counts as often as words follow it.
    words = rows.view("<u2").reshape(-1, _ROW_BYTES // 2)
    height, width = words.shape
    columns = words.sum(axis=0, dtype=np.uint64)
    sums = words.sum(axis=1, dtype=np.uint32)
    within = int(columns @ np.arange(width, 0, -1, dtype=np.uint64))
    below = int(sums @ np.arange(height - 1, -1, -1, dtype=np.uint64)) * width
    # HDF5 takes the words as big-endian: to swap the bytes of all of them is to
    # multiply the sums by 256, as 256² is 1 modulo 65535.
    first, second = int(sums.sum()) * 256, (within + below) * 256
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    """A sum modulo 65535 as adding carries makes it: zero only for zero."""
    return (total - 1) % _MODULUS + 1 if total else 0
