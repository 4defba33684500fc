"""What saves do to one folder, without getting in each other's way."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import WriteError

try:
    import fcntl
except ImportError:  # Windows, which refuses to touch files that are open
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# An unfinished save is told by its name, and a live one by the lock on it.
PREFIX, SUFFIX = ".nef-", ".partial"


def partial_beside(target: Path) -> Path:
    """Name a file to write before it takes the place of another.

    Parameters
    ----------
    target
        The file to be replaced.

    Returns
    -------
    Path
        In the same folder, not existing: ``.nef-0123456789ab.partial``.
    """
    return target.with_name(f"{PREFIX}{uuid.uuid4().hex[:12]}{SUFFIX}")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other saves from starting or ending in a folder meanwhile.

    Parameters
    ----------
    folder
        Where it is not possible, as on some network drives, nothing is locked.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_names(folder: Path) -> None:
    """Bring new names in a folder to the disk, so that a crash cannot undo them.

    Parameters
    ----------
    folder
        Where it is not possible, as on some network drives, or not needed, as on
        Windows, nothing is done.
    """
    if fcntl is None:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claim(descriptor: int) -> bool:
    """Mark an open file as one that this process writes, until it is closed.

    Parameters
    ----------
    descriptor
        Of the file.

    Returns
    -------
    bool
        Whether nobody else has claimed it; False also where files cannot be.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Delete what saves that were killed have left in a folder.

    Parameters
    ----------
    folder
        Only files claimed by no process are deleted.
    """
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        # What cannot be opened or deleted belongs to somebody else.
        with suppress(OSError):
            if fcntl is None:
                path.unlink()
                continue
            with path.open("rb") as file:
                if claim(file.fileno()):
                    path.unlink()


def check_free(target: Path) -> None:
    """Refuse a target that is protected, or that a program has open to write.

    Parameters
    ----------
    target
        The file that is to be replaced; need not exist.

    Raises
    ------
    WriteError
        If it is read-only, not a file, or locked as HDF5 does while writing.
    OSError
        If it cannot be looked at.
    """
    try:
        target.lstat()
    except FileNotFoundError:
        return
    if not target.is_file():
        raise WriteError(f"{target} is not a file; choose another name")
    as_now = os.access in os.supports_effective_ids
    if not os.access(target, os.W_OK, effective_ids=as_now):
        raise WriteError(
            f"{target} is protected against writing; allow it, or choose another name"
        )
    if fcntl is None:
        return
    with target.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WriteError(
                f"{target} is being written by another program; wait until that has "
                "closed it, or choose another name"
            ) from error
        except OSError:
            return  # a file system without locks
