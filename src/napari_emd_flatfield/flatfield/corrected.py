"""A stack corrected as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..lazy.base import LazyArray
from ..lazy.indexing import selected_shape

if TYPE_CHECKING:
    from ..lazy.grid import Slices
    from .flatfield import FlatField


class CorrectedArray(LazyArray):
    """A raw array seen through a flat-field.

    Parameters
    ----------
    source
        Raw data of shape (…, y, x).
    flatfield
        The correction.
    positions
        Where each index of the leading axis lies, in the units of the flats,
        shape (n,); ignored for a single frame.
    """

    def __init__(
        self, source: LazyArray, flatfield: FlatField, positions: np.ndarray
    ) -> None:
        self._source = source
        self._flatfield = flatfield
        self._positions = positions
        super().__init__(source.shape, flatfield.dtype, source.chunks)

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        out = np.empty(selected_shape(slices), self.dtype)
        if self.ndim == 2:
            self._correct(slices, out[np.newaxis], None)
            return out
        leading, *rest = slices
        chosen = range(leading.start, leading.stop, leading.step)
        for target, index in zip(out, chosen, strict=True):
            # One index of the leading axis at a time bounds memory by the frame.
            at = float(self._positions[index])
            self._correct((slice(index, index + 1, 1), *rest), target, at)
        return out

    def _correct(
        self, slices: tuple[slice, ...], out: np.ndarray, at: float | None
    ) -> None:
        raw = self._source._read(slices)
        frame = raw.shape[-2:]
        for source, target in zip(
            raw.reshape(-1, *frame), out.reshape(-1, *frame), strict=True
        ):
            self._flatfield._apply(source, target, at, slices[-2:])

    def _needs(self, slices: Slices) -> list[tuple[LazyArray, Slices]]:
        return [(self._source, slices)]

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)
