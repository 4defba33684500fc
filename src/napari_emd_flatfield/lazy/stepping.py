"""Which way an array is being stepped through, and what will be asked for next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .cache import CACHE
from .indexing import selected_shape
from .work import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .base import LazyArray
    from .grid import Slices


class Stepping:
    """Reads ahead of whoever steps through an array, at two equal steps in a row."""

    def __init__(self) -> None:
        self._last: Slices = ()
        self._step: tuple[int, ...] = ()
        self._begun: list[Callable[[], None]] = []

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
        if not step or step != before:
            begun, self._begun = self._begun, []
            for take_back in begun:
                take_back()
            return
        self._begun = []
        for part in _next(array, slices, step):
            begun = array._ahead(part)
            if not begun:
                return  # nor would those that come after
            self._begun += begun


def _step(last: Slices, slices: Slices) -> tuple[int, ...]:
    """How far the selection moved along each axis; empty unless it just moved."""
    if selected_shape(last) != selected_shape(slices):
        return ()
    return tuple([s.start - b.start for s, b in zip(slices, last, strict=True)])


def _next(array: LazyArray, slices: Slices, step: tuple[int, ...]) -> Iterator[Slices]:
    nbytes = math.prod(selected_shape(slices)) * array.dtype.itemsize
    count = min(2 * thread_count(), CACHE.share // nbytes)
    for _ in range(count):
        slices = tuple(
            slice(s.start + d, s.stop + d, s.step)
            for s, d in zip(slices, step, strict=True)
        )
        inside = (
            s.start >= 0 and s.stop <= n
            for s, n in zip(slices, array.shape, strict=True)
        )
        if not all(inside):
            return
        yield slices
