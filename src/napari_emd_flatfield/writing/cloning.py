"""Copies of files that share their blocks where the file system can do that."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from ..errors import WriteError
from ..formats.wording import size_text

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path

_FICLONE = 0x40049409  # of linux/fs.h: Btrfs, XFS, bcachefs, NFS 4.2
_PIECE = 16 * 2**20


def clone(source: Path, copy: FileIO, copied: Callable[[int, int], None]) -> None:
    """Give a new file the content of another.

    Parameters
    ----------
    source
        The file to copy, not changed.
    copy
        Open to write, empty.
    copied
        Called with the number of bytes copied and their total, where it is not
        done at once; what it raises ends the copy.

    Raises
    ------
    WriteError
        If there is no room for a copy, found out before a byte is written.
    OSError
        If one cannot be read or the other written.
    """
    with source.open("rb", buffering=0) as original:
        if _shares_blocks(original, copy):
            return
        size = os.fstat(original.fileno()).st_size
        free = shutil.disk_usage(source.parent).free
        if size > free:
            raise WriteError(
                f"{source} was not changed: a copy of it, to add to, takes "
                f"{size_text(size)} and its disk has {size_text(free)} left; make "
                "room, or save to a file of its own"
            )
        # Buffered, for a raw write may write less than it is given.
        with open(copy.fileno(), "wb", closefd=False) as whole:
            done = 0
            copied(done, size)
            while piece := original.read(_PIECE):
                whole.write(piece)
                done = min(done + len(piece), size)
                copied(done, size)


def _shares_blocks(original: FileIO, copy: FileIO) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
    except OSError:
        return False
    return True
