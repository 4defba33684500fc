"""A file HDF5 can always write to, even when the disk cannot."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from .cloning import clone
from .reserving import reserve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer


class Sink(io.RawIOBase):
    """A new file that keeps a failure to itself until it is asked.

    HDF5 does not survive a write that fails: it cannot close such a file, keeps
    it open and crashes when the process ends. So the first error is remembered,
    what is written afterwards is dropped, and `check` raises the error once HDF5
    is out of the way. Pass it to `h5py.File` in place of a name.

    Parameters
    ----------
    path
        The file to create; it must not exist.

    Raises
    ------
    OSError
        If it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("xb+", buffering=0)
        self._at = 0
        self._end = 0
        self._error: OSError | None = None

    def start_from(self, source: Path, copied: Callable[[int, int], None]) -> None:
        """Begin with what is in another file.

        Parameters
        ----------
        source
            The file; it is not changed.
        copied
            As for `clone`.

        Raises
        ------
        WriteError
            If there is no room for a copy of it.
        OSError
            If it cannot be read, or the copy not be written.
        """
        clone(source, self._file, copied)
        self._end = os.fstat(self._file.fileno()).st_size

    def check(self) -> None:
        """Raise the first error there was.

        Raises
        ------
        OSError
            E.g. that no space is left on the device.
        """
        if self._error is not None:
            raise self._error

    def sync(self) -> None:
        """Have what was written reach the disk.

        Raises
        ------
        OSError
            If it cannot, or an earlier write failed.
        """
        self.check()
        os.fsync(self._file.fileno())

    def fileno(self) -> int:
        """Descriptor of the file."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._file.close()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position; HDF5 asks for the end to know the size."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        self._at = base + offset
        return self._at

    def write(self, data: Buffer) -> int:
        """Write, or seem to."""
        view = memoryview(data).cast("B")
        if self._error is None:
            try:
                reserve(self._file, self._at, len(view))
                self._file.seek(self._at)
                written = 0
                while written < len(view):
                    written += self._file.write(view[written:])
            except OSError as error:
                self._error = error
        self._at += len(view)
        self._end = max(self._end, self._at)
        return len(view)

    def readinto(self, buffer: Buffer) -> int:
        """Read back; what was dropped reads as zeros."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._at)
        got = self._file.readinto(view) or 0
        view[got:] = bytes(len(view) - got)
        self._at += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size."""
        size = self._at if size is None else size
        if self._error is None:
            try:
                self._file.truncate(size)
            except OSError as error:
                self._error = error
        self._end = size
        return size
