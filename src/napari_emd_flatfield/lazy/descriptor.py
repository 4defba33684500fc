"""File descriptors of our own, to read without HDF5 and its lock."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from ..errors import ReadError
from .status import Status

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


class CutOffError(ReadError):
    """A file is shorter than what is in it."""


class Descriptor:
    """A file open for reading in any thread; it closes when nobody holds it.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._number)

    def status(self) -> Status:
        """Tell the file from what it is once it was written to."""
        return Status.of(self._number)

    def read(self, offset: int, target: np.ndarray) -> None:
        """Fill an array with bytes of the file.

        Parameters
        ----------
        offset
            Where in the file they begin.
        target
            C-contiguous array.

        Raises
        ------
        CutOffError
            If the file ends before.
        """
        left = target.reshape(-1).view("u1").data
        while left:
            count = os.preadv(self._number, [left], offset)
            if not count:
                raise CutOffError(
                    f"{self._path} ends before byte {offset + len(left)}; copy it "
                    "again from where it was recorded"
                )
            left, offset = left[count:], offset + count
