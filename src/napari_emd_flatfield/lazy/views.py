"""Lazy arrays made from other arrays: permuted, stacked, in parts, adapted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .base import LazyArray
from .indexing import selected_shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..signal import ArrayLike
    from .grid import Slices

Part = Literal["modulus", "phase", "real", "imaginary"]

_PARTS: dict[str, Any] = {
    "modulus": np.abs,
    "phase": np.angle,
    "real": np.real,
    "imaginary": np.imag,
}


class TransposedArray(LazyArray):
    """Another array with its axes permuted.

    Parameters
    ----------
    source
        The array to view.
    axes
        For each axis of this array, the axis of `source` it shows.
    """

    def __init__(self, source: LazyArray, axes: Sequence[int]) -> None:
        self._source = source
        self._axes = tuple(axes)
        super().__init__(
            [source.shape[a] for a in self._axes],
            source.dtype,
            [source.chunks[a] for a in self._axes],
        )

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        return self._source._read(self._stored(slices)).transpose(self._axes)

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(self._source, self._stored(slices))]

    def _stored(self, slices: Slices) -> Slices:
        stored = [slice(0)] * self.ndim
        for axis, selected in zip(self._axes, slices, strict=True):
            stored[axis] = selected
        return tuple(stored)

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)


class StackedArray(LazyArray):
    """Arrays of one shape and dtype as one array with a new leading axis.

    Parameters
    ----------
    sources
        At least one array, in the order of the stack.
    """

    def __init__(self, sources: Sequence[LazyArray]) -> None:
        self._parts = tuple(sources)
        first = self._parts[0]
        super().__init__(
            (len(self._parts), *first.shape), first.dtype, (1, *first.chunks)
        )

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        block = np.empty(selected_shape(slices), self.dtype)
        chosen = self._parts[slices[0]]
        for target, part in zip(block, chosen, strict=True):
            target[...] = part._read(slices[1:])
        return block

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(part, slices[1:]) for part in self._parts[slices[0]]]

    def _sources(self) -> tuple[LazyArray, ...]:
        return self._parts


class PartArray(LazyArray):
    """One real part of a complex array, which napari cannot show itself.

    Parameters
    ----------
    source
        A complex array.
    part
        ``"modulus"``, ``"phase"`` (radian), ``"real"`` or ``"imaginary"``.
    """

    def __init__(self, source: LazyArray, part: Part = "modulus") -> None:
        self._source = source
        self._part = part
        dtype = np.empty(0, source.dtype).real.dtype
        super().__init__(source.shape, dtype, source.chunks)

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        block = _PARTS[self._part](self._source._read(slices))
        return np.asarray(block, self.dtype)

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(self._source, slices)]

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)


class AdaptedArray(LazyArray):
    """A NumPy, dask, zarr or h5py array behind the lazy interface.

    Parameters
    ----------
    source
        Anything with shape, dtype and basic slicing.
    """

    def __init__(self, source: ArrayLike) -> None:
        self._source = source
        super().__init__(source.shape, source.dtype)

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        return np.array(self._source[slices])


def adapt(array: ArrayLike) -> LazyArray:
    """Return `array` itself where it is lazy, else an `AdaptedArray` of it."""
    return array if isinstance(array, LazyArray) else AdaptedArray(array)
