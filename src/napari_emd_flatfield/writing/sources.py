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
    before = [array.versions() for array in arrays]
    yield
    changed: set[Path] = set()
    for array, versions in zip(arrays, before, strict=True):
        with suppress(OSError):  # what is gone was not written to
            changed |= {
                path
                for path, status in array.versions().items()
                if status != versions.get(path) and _is_there(path)
            }
    for path in sorted(changed):
        warn(
            f"{path} was written to while {target} was saved from it; unless only "
            "frames were added at its end, save again"
        )


def _is_there(path: Path) -> bool:
    return path.exists() and not superblock(path).is_marked
