"""What can go wrong, and how a caller tells one failure from another.

Every exception derives from `EmdFlatfieldError` *and* from `OSError` or
`TypeError`: napari swallows a writer's `ValueError` and loses a worker's
`RuntimeError` (https://github.com/napari/napari/issues/4913), so neither may
cross that boundary.
"""

from __future__ import annotations

from .plaintext import message


class EmdFlatfieldError(Exception):
    """Base of all errors raised by this package."""

    def __str__(self) -> str:
        return message(super().__str__())


class FileOpenError(EmdFlatfieldError, OSError):
    """A file cannot be opened as HDF5: not HDF5, empty, truncated, unreadable."""


class NoSignalError(EmdFlatfieldError, OSError):
    """A file holds no image data, or none that matches what was asked for."""


class ReadError(EmdFlatfieldError, OSError):
    """A dataset cannot be read: missing filter, corrupt chunk, vanished file."""


class UnsafeChunkError(ReadError):
    """A chunk that would lead the filter it is given to out of its memory."""


class WriteError(EmdFlatfieldError, OSError):
    """A file cannot be written; whatever stood at the target is untouched."""


class SignalError(EmdFlatfieldError, TypeError):
    """An array and the axes given for it do not describe the same thing."""


class FlatFieldError(EmdFlatfieldError, TypeError):
    """References do not fit the frames, or lack what a correction needs."""
