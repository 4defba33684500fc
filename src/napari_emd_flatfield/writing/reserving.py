"""Room in a file for what is about to be written, found at once.

Linux finds room for a write page by page, which takes about as long as to copy the
page; asked for all of it beforehand, a few microseconds.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import FileIO

# For less there is little to gain.
_SMALLEST = 2**20

# Not `os.posix_fallocate`, which writes zeros where a file system has no such thing.
_fallocate: Any = None
if sys.platform == "linux":
    _fallocate = getattr(ctypes.CDLL(None), "fallocate64", None)  # not every musl
if _fallocate is not None:
    _fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def reserve(file: FileIO, offset: int, nbytes: int) -> None:
    """Have the file system find room for a write, where it can.

    Parameters
    ----------
    file
        Open to write.
    offset, nbytes
        What is going to be written; if there is no room for it, that is left for
        the write to find out.
    """
    if _fallocate is not None and nbytes >= _SMALLEST:
        _fallocate(file.fileno(), 0, offset, nbytes)
