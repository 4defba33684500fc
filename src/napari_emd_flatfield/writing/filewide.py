"""What is said of a file as a whole: who made it, on what, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import h5py

from ..formats.attributes import attributes
from ..provenance import COMMENTS, comments_of, software, with_comment
from .metadata import write_metadata
from .naming import free_names
from .rounding import error_bound, rounds

if TYPE_CHECKING:
    from ..signal import Signal

# Groups the specification keeps at the root, for the file as a whole.
_FILE_GROUPS = ("microscope", "sample", "user")


def shared_metadata(signals: Sequence[Signal]) -> dict[str, Any]:
    """Choose the metadata that stand once in a file, not with each signal.

    Parameters
    ----------
    signals
        All signals of the file.
    """
    first = signals[0].metadata
    return {
        key: value
        for key, value in first.items()
        if str(key).lower() in _FILE_GROUPS
        and isinstance(value, Mapping)
        and all(_equal(signal.metadata.get(key), value) for signal in signals)
    }


def write_shared(file: h5py.File, shared: Mapping[str, Any]) -> None:
    """Store metadata as groups at the root.

    Parameters
    ----------
    file
        A new file.
    shared
        As `shared_metadata` chose them.
    """
    for key, value in shared.items():
        write_metadata(file.create_group(key), value)


def write_history(
    file: h5py.File, signals: Sequence[Signal], keepbits: int | None
) -> None:
    """Store what was done to signals, and that they were saved now.

    Parameters
    ----------
    file
        Open to write; comments there are already stay.
    signals
        What is being saved.
    keepbits
        As for `write`.
    """
    group = _comments(file)
    before = attributes(group)
    comments = dict(before)
    for signal in signals:
        for stamp, text in comments_of(signal.metadata).items():
            another = not _equal(comments.get(stamp, text), text)
            comments[f"{stamp}, {signal.name}" if another else stamp] = text
    saved = ", ".join(_saved(signal, keepbits) for signal in signals)
    comments = with_comment(comments, f"saved {saved}; {software()}")
    new = {stamp: text for stamp, text in comments.items() if stamp not in before}
    write_metadata(group, new)


def _comments(file: h5py.File) -> h5py.Group:
    for name in (COMMENTS, COMMENTS.capitalize()):
        if isinstance(group := file.get(name), h5py.Group):
            return group
    return file.create_group(*free_names([COMMENTS], list(file)))


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # arrays somewhere inside compare element by element
        return False


def _saved(signal: Signal, keepbits: int | None) -> str:
    said = signal.name
    if signal.path is not None:
        said += f" from {signal.origin}"
    if keepbits is not None and rounds(signal.dtype, keepbits):
        said += (
            f" rounded to {keepbits} bits of mantissa (relative error up to "
            f"{error_bound(keepbits):.1e})"
        )
    return said
