"""One frame of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .base import LazyArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .grid import Slices


class FrameArray(LazyArray):
    """Another array at one index of its leading axis.

    Parameters
    ----------
    source
        An array of at least one axis.
    index
        Which entry of the leading axis to show.
    """

    def __init__(self, source: LazyArray, index: int = 0) -> None:
        self._source = source
        self._index = slice(index, index + 1, 1)
        super().__init__(source.shape[1:], source.dtype, source.chunks[1:])

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        return np.asarray(self._source._read((self._index, *slices))[0])

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(self._source, (self._index, *slices))]

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)
