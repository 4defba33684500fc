"""Files opened as one stack, by File ▸ Open Files as Stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ReadError
from ..lazy import StackedArray, adapt
from ..provenance import COMMENTS, comments_of, with_comment
from ..signal import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import Signal


def stacked(files: Sequence[Sequence[Signal]]) -> list[Signal]:
    """Stack the first signals of several files, the second ones, and so on.

    Parameters
    ----------
    files
        The signals of each file, at least one, in the order of the stack.

    Returns
    -------
    list of Signal
        Lazy, with a new leading axis that counts files; calibrated as in the first,
        whose metadata they have. They are of no one file, so have no path.

    Raises
    ------
    ReadError
        If the files do not hold the same.
    """
    first = files[0]
    for other in files[1:]:
        if [_kind(signal) for signal in other] != [_kind(signal) for signal in first]:
            raise ReadError(
                f"{other[0].path} cannot be stacked on {first[0].path}: it has "
                f"{_described(other)} where that has {_described(first)}; open them "
                "one by one"
            )
    return [_stack(signals) for signals in zip(*files, strict=True)]


def _stack(signals: Sequence[Signal]) -> Signal:
    first = signals[0]
    origins = ", ".join(signal.origin for signal in signals)
    comments = with_comment(comments_of(first.metadata), f"stacked {origins}")
    return replace(
        first,
        data=StackedArray([adapt(signal.data) for signal in signals]),
        axes=(Axis.index(len(signals), "file"), *first.axes),
        metadata={**first.metadata, COMMENTS: comments},
        path=None,
        dataset=None,
    )


def _kind(signal: Signal) -> tuple[str, tuple[int, ...], str]:
    return signal.name, signal.shape, signal.dtype.str


def _described(signals: Sequence[Signal]) -> str:
    return ", ".join(f"{s.name} {s.shape} {s.dtype}" for s in signals)
