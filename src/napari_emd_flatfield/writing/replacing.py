"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WriteError
from ..lazy.status import Status
from .folder import (
    alone_in,
    check_free,
    claim,
    partial_beside,
    remove_leftovers,
    sync_names,
)
from .sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def replacing(
    target: Path,
    *,
    check: Callable[[Path], None] | None = None,
    keep: Callable[[int, int], None] | None = None,
) -> Iterator[Sink]:
    """Write beside a file, and take its place when done.

    Parameters
    ----------
    target
        The file to write. Until the block ends it keeps its old content, or
        does not exist; a program that has the old file open keeps reading it.
    check
        Called with the new file, complete but not yet in place; what it raises
        keeps the old one there.
    keep
        Start with what is in the target, rather than with an empty file. Where it
        has to be copied, this is called with the bytes copied so far and with
        their total.

    Yields
    ------
    Sink
        A new file in the same folder. When the block raises, or a write to the
        sink failed, it is removed.

    Raises
    ------
    WriteError
        If the folder is missing, the target is a folder itself, protected or
        being written by another program; with `keep`, also if somebody changed
        the target meanwhile, or a copy of it has no room.
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
    check_free(final)
    partial = partial_beside(final)
    with alone_in(final.parent):
        remove_leftovers(final.parent)
        sink = Sink(partial)
        claim(sink.fileno())
    try:
        try:
            before = Status.of(final) if keep else None
            if keep:
                sink.start_from(final, keep)
            yield sink
            sink.sync()
            if not partial.exists():
                raise WriteError(
                    f"{target} was not written: what was to become it is gone, as if "
                    f"the folder {final.parent} was removed meanwhile; save elsewhere"
                )
            if check is not None:
                check(partial)
            with alone_in(final.parent):
                check_free(final)
                if keep and Status.of(final) != before:
                    raise WriteError(
                        f"{target} was changed by another program while this one "
                        "added to a copy of it; nothing was added, save again"
                    )
                if final.exists():
                    shutil.copymode(final, partial)
                if os.name == "nt":
                    sink.close()  # Windows renames no open file
                partial.replace(final)
                sync_names(final.parent)
        finally:
            sink.close()
    finally:
        partial.unlink(missing_ok=True)
