"""The files a save reads from."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..formats.skipping import warn
from ..lazy import LazyArray
from ..lazy.superblock import superblock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..signal import Signal


@contextmanager
def watched(signals: Sequence[Signal], target: Path) -> Iterator[None]:
    """Warn if a file that signals are read from is written to meanwhile.

    One that is marked as being written only gains frames, which is no harm.

    Parameters
    ----------
    signals
        What is saved.
    target
        Where to.
    """
    arrays = [signal.data for signal in signals if isinstance(signal.data, LazyArray)]
    files = {file for array in arrays for file in array.files()}
    before = {file: file.version() for file in files}
    yield
    for file, version in before.items():
        with suppress(OSError):  # what is gone was not written to
            if file.version() != version and not superblock(file.path).is_marked:
                warn(
                    f"{file.path} was written to while {target} was saved from it; "
                    "unless only frames were added at its end, save again"
                )
