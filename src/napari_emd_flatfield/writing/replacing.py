"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Leftovers of a process that was killed are told by these.
PREFIX, SUFFIX = ".nef-", ".partial"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write beside a file, and take its place when done.

    Parameters
    ----------
    target
        The file to write. Until the block ends it keeps its old content, or
        does not exist; a program that has the old file open keeps reading it.

    Yields
    ------
    Path
        A name in the same folder that is free. The block creates and closes a
        file there; when the block raises, that file is removed.

    Raises
    ------
    WriteError
        If the folder is missing or not writable, or the target a folder.
    """
    final = Path(os.path.realpath(target))
    if final.is_dir():
        raise WriteError(f"{target} is a folder; give the name of a file in it")
    if not final.parent.is_dir():
        raise WriteError(
            f"{target} cannot be written: there is no folder {final.parent}; "
            "create it first"
        )
    partial = final.with_name(f"{PREFIX}{uuid.uuid4().hex[:12]}{SUFFIX}")
    try:
        yield partial
        _sync(partial)
        if final.exists():
            shutil.copymode(final, partial)
        partial.replace(final)
        _sync(final.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have what was written reach the disk, so that a crash cannot undo it."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder
    # Windows syncs only what is open for writing; a folder never is.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
