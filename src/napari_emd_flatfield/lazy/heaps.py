"""Damage that HDF5 would not return from, looked for before it gets there.

HDF5 keeps text of any length in heaps, and goes from one object in them to the next
by its size. A size of zero, as where a disk has lost a page, has it go on for ever,
with Python's lock held (HDF5 2.0, `H5HG__cache_heap_deserialize`).
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"GCOL\x01\0\0\0"
_HEAD = 16
_SMALLEST = 4096

# Metadata mostly stand at the beginning, or at the end where they were added later; to
# read all of a file would take too long.
_LOOKED_AT = 2**17


def endless_heap(path: Path) -> int | None:
    """Find a heap that HDF5 would read for ever.

    Parameters
    ----------
    path
        An HDF5 file, of which the first and the last 128 KiB are looked at.

    Returns
    -------
    int or None
        Where in the file it begins, if there is one.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for begin in sorted({0, max(0, size - _LOOKED_AT)}):
            file.seek(begin)
            at = _endless(file.read(_LOOKED_AT))
            if at is not None:
                return begin + at
    return None


def _endless(data: bytes) -> int | None:
    at = data.find(_SIGNATURE)
    while at >= 0:
        if _is_endless(data, at):
            return at
        at = data.find(_SIGNATURE, at + 1)
    return None


def _is_endless(data: bytes, start: int) -> bool:
    if start + _HEAD > len(data):
        return False
    (size,) = struct.unpack_from("<Q", data, start + 8)
    end, at = min(start + size, len(data)), start + _HEAD
    if size < _SMALLEST:
        return False
    while at + _HEAD <= end:
        index, nbytes = struct.unpack_from("<H6xQ", data, at)
        # What is free counts its own head; what is not is padded. HDF5 adds up in
        # 64 bits: what is too large goes back, or nowhere.
        step = nbytes if index == 0 else _HEAD + (nbytes + 7) % 2**64 // 8 * 8
        if not 0 < step < 2**63:
            return True
        at += step
    return False
