"""Which way an array is being stepped through, and what will be asked for next."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from .cache import CACHE
from .indexing import selected_shape
from .work import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from .base import LazyArray
    from .grid import Slices

    # Take back what was begun of a selection.
    _Begun = list[Callable[[], None]]


class Stepping:
    """Reads ahead of whoever steps through an array.

    That is who goes on to the next of equal parts of it, or makes two equal steps.
    """

    def __init__(self) -> None:
        self._last: Slices = ()
        self._step: tuple[int, ...] = ()
        self._most = 0
        # Of the selections that come next, in their order.
        self._begun: list[_Begun] = []

    def __reduce__(self) -> tuple[type[Stepping], tuple[()]]:
        return Stepping, ()  # what was read ahead stays with who did it

    def to(self, array: LazyArray, slices: Slices) -> None:
        """Take note of a read that is about to happen.

        Parameters
        ----------
        array
            What is read.
        slices
            The selection, normalised.
        """
        last, self._last = self._last, slices
        step = _step(last, slices)
        if not any(step) and last:
            return  # the same again
        before, self._step = self._step, step
        begun, self._begun = self._begun, []
        if not step or step != before:
            self._most = _most(array, slices)
            for take_back in itertools.chain(*begun):
                take_back()
            begun = []
            if not _is_to_next(step, slices):
                return
        del begun[:1]  # what is read now
        while len(begun) < self._most:
            part = _moved(slices, step, len(begun) + 1)
            # What cannot be begun, cannot for those that come after.
            if not _is_inside(part, array.shape) or not (more := array._ahead(part)):
                break
            begun.append(more)
        self._begun = begun


def _step(last: Slices, slices: Slices) -> tuple[int, ...]:
    """How far the selection moved along each axis; empty unless it just moved."""
    if selected_shape(last) != selected_shape(slices):
        return ()
    return tuple([s.start - b.start for s, b in zip(slices, last, strict=True)])


def _is_to_next(step: tuple[int, ...], slices: Slices) -> bool:
    """Whether a step, if it was one, went to where the selection before ended."""
    along = zip(step, slices, strict=False)
    moved = [(abs(d), s.stop - s.start) for d, s in along if d]
    return len(moved) == 1 and moved[0][0] == moved[0][1]


def _most(array: LazyArray, slices: Slices) -> int:
    """How many selections to read ahead."""
    nbytes = math.prod(selected_shape(slices)) * array.dtype.itemsize
    return min(2 * thread_count(), CACHE.share // nbytes)


def _moved(slices: Slices, step: tuple[int, ...], times: int) -> Slices:
    along = zip(slices, step, strict=True)
    return tuple(
        [slice(s.start + times * d, s.stop + times * d, s.step) for s, d in along]
    )


def _is_inside(slices: Slices, shape: tuple[int, ...]) -> bool:
    along = zip(slices, shape, strict=True)
    return all(s.start >= 0 and s.stop <= n for s, n in along)
