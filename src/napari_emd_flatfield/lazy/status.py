"""What tells a file from others, and from what it is once it was written to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Self

from ..errors import FileOpenError

if TYPE_CHECKING:
    from pathlib import Path


class Status(NamedTuple):
    """Where a file lies on which disk, when it was written to, and its bytes."""

    device: int
    number: int
    time: int
    size: int

    @classmethod
    def of(cls, file: str | os.PathLike[str] | int) -> Self:
        """Look at a file.

        Parameters
        ----------
        file
            Its path, or a descriptor.

        Raises
        ------
        OSError
            If it cannot be reached.
        """
        status = os.stat(file)  # noqa: PTH116 - of a Path it takes longer
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)

    @classmethod
    def if_there(cls, path: str | os.PathLike[str]) -> Self | None:
        """Look at a file; None if it cannot be reached.

        Parameters
        ----------
        path
            The file.
        """
        try:
            return cls.of(path)
        except OSError:
            return None

    @property
    def identity(self) -> tuple[int, int]:
        """What tells a file from another that takes its name later."""
        return self.device, self.number


def reached(path: Path) -> Status:
    """Look at a file, and say what to do if it cannot be reached.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileOpenError
        If it cannot be reached.
    """
    try:
        return Status.of(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} does not exist; check its name, or whether its disk is mounted"
        ) from error
    except OSError as error:
        raise FileOpenError(f"{path} cannot be reached: {error.strerror}") from error
