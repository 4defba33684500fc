"""The first bytes of an HDF5 file: the format specification calls them superblock."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
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
    """

    missing: int
    is_marked: bool


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
            if head.startswith(_SIGNATURE):
                end, is_marked = _facts(head, start)
                missing = 0 if is_marked else max(0, end - size)
                return Superblock(missing, is_marked)
            start = start * 2 or 512
    return Superblock(0, False)


def _facts(head: bytes, start: int) -> tuple[int, bool]:
    """Where a file ends, 0 if that is not said, and whether it is marked."""
    if len(head) < 64:
        return 0, False
    version = head[8]
    if version in (0, 1):
        code, at, is_marked = _SIZES.get(head[13]), 24 + 4 * version, False
    elif version in (2, 3):
        code, at, is_marked = _SIZES.get(head[9]), 12, head[11] != 0
    else:
        return 0, False
    if code is None:
        return 0, is_marked
    base, _, end = struct.unpack_from(f"<3{code}", head, at)
    # What stands before the superblock moves all of it, or is counted already.
    return (end + start - base if base <= start else 0), is_marked
