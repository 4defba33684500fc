"""The first bytes of an HDF5 file: the format specification calls them superblock."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SWMR = 0b101  # written, by one that lets others read
_SIZES = {2: "H", 4: "I", 8: "Q"}


class Superblock(NamedTuple):
    """What a file says of itself.

    Parameters
    ----------
    missing
        How many bytes shorter it is than it says. HDF5 compares the two with its
        default driver only; with others it takes what is missing for zeros.
    is_marked
        Whether it is marked as being written.
    is_swmr
        Whether that is done so that others can read it meanwhile.
    """

    missing: int = 0
    is_marked: bool = False
    is_swmr: bool = False


def superblock(path: Path) -> Superblock:
    """Look at the first bytes of a file.

    Parameters
    ----------
    path
        An HDF5 file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        while start < size:
            file.seek(start)
            head = file.read(64)
            if head.startswith(_SIGNATURE) and len(head) == 64:
                marks = head[11] if head[8] == 3 else 0
                missing = 0 if marks else max(0, _end(head, start) - size)
                return Superblock(missing, bool(marks), marks == _SWMR)
            start = start * 2 or 512
    return Superblock()


def _end(head: bytes, start: int) -> int:
    """Where a file ends, by its superblock; 0 where that does not say."""
    if head[8] > 3:
        return 0
    if head[8] < 2:
        code, at = _SIZES.get(head[13]), 24 + 4 * head[8]
    else:
        code, at = _SIZES.get(head[9]), 12
    if code is None:
        return 0
    base, _, end = struct.unpack_from(f"<3{code}", head, at)
    # What stands before the superblock moves all of it, or is counted already.
    return int(end + start - base) if base <= start else 0
