"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WriteError
from .sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

# Leftovers of a process that was killed are told by these.
PREFIX, SUFFIX = ".nef-", ".partial"


@contextmanager
def replacing(target: Path) -> Iterator[Sink]:
    """Write beside a file, and take its place when done.

    Parameters
    ----------
    target
        The file to write. Until the block ends it keeps its old content, or
        does not exist; a program that has the old file open keeps reading it.

    Yields
    ------
    Sink
        A new file in the same folder. When the block raises, or a write to the
        sink failed, it is removed.

    Raises
    ------
    WriteError
        If the folder is missing, or the target is a folder itself.
    OSError
        If the file cannot be created, written or put in place.
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
    sink = Sink(partial)
    try:
        try:
            yield sink
            sink.sync()
        finally:
            sink.close()
        if final.exists():
            shutil.copymode(final, partial)
        partial.replace(final)
        _sync_folder(final.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, so that a crash cannot undo it."""
    if os.name == "nt":
        return  # Windows cannot open a folder, and does this by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
