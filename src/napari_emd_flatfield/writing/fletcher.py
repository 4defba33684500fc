"""The checksum HDF5's Fletcher-32 filter appends to a chunk."""

from __future__ import annotations

import numpy as np

_MODULUS = 0xFFFF
# Words summed at once: their weighted sum stays far below 2**64.
_WORDS = 2**16


def with_fletcher32(data: np.ndarray) -> np.ndarray:
    """Append the checksum of encoded data to them.

    Parameters
    ----------
    data
        What the filters before made, uint8, shape (n,).

    Returns
    -------
    numpy.ndarray
        uint8, shape (n + 4,).
    """
    data = data.reshape(-1).view(np.uint8)
    whole = data.size // 2 * 2
    words = data[:whole].view(">u2")
    first = second = 0
    for start in range(0, words.size, _WORDS):
        block = words[start : start + _WORDS].astype(np.uint64)
        weights = np.arange(block.size, 0, -1, dtype=np.uint64)
        second += first * block.size + int(np.dot(weights, block))
        first += int(block.sum())
    if data.size > whole:
        first += int(data[-1]) << 8
        second += first
    made = np.empty(data.size + 4, np.uint8)
    made[:-4] = data
    made[-4:].view("<u4")[:] = _folded(second) << 16 | _folded(first)
    return made


def _folded(total: int) -> int:
    """A sum modulo 65535 as adding carries makes it: zero only for zero."""
    return (total - 1) % _MODULUS + 1 if total else 0
