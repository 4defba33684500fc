"""Lazy arrays made from other arrays: permuted, stacked, picked, in parts, adapted."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import EmdFlatfieldError, ReadError
from .base import LazyArray
from .indexing import selected_shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..signal import ArrayLike
    from .grid import Slices

Part = Literal["modulus", "phase", "real", "imaginary"]

_PARTS: dict[str, Any] = {
    "modulus": np.abs,
    "phase": np.angle,
    "real": np.real,
    "imaginary": np.imag,
}


class View(LazyArray):
    """Another array seen otherwise: the base of such arrays.

    Parameters
    ----------
    source
        The array.
    shape, dtype, chunks
        As for `LazyArray`.
    """

    def __init__(
        self,
        source: LazyArray,
        shape: Sequence[int],
        dtype: Any,
        chunks: Sequence[int] | None,
    ) -> None:
        self._source = source
        super().__init__(shape, dtype, chunks)

    def _inside(self, slices: Slices) -> Slices:
        """What of the source a selection shows."""
        return slices

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(self._source, self._inside(slices))]

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)


class TransposedArray(View):
    """Another array with its axes permuted.

    Parameters
    ----------
    source
        The array to view.
    axes
        For each axis of this array, the axis of `source` it shows.
    """

    def __init__(self, source: LazyArray, axes: Sequence[int]) -> None:
        self._axes = tuple(axes)
        super().__init__(
            source,
            [source.shape[a] for a in self._axes],
            source.dtype,
            [source.chunks[a] for a in self._axes],
        )

    def _read(self, slices: Slices) -> np.ndarray:
        return self._source._read(self._inside(slices)).transpose(self._axes)

    def _inside(self, slices: Slices) -> Slices:
        stored = [slice(0)] * self.ndim
        for axis, selected in zip(self._axes, slices, strict=True):
            stored[axis] = selected
        return tuple(stored)


class FrameArray(View):
    """Another array at one index of its leading axis.

    Parameters
    ----------
    source
        An array of at least one axis.
    index
        Which entry of the leading axis to show.
    """

    def __init__(self, source: LazyArray, index: int = 0) -> None:
        self._index = slice(index, index + 1, 1)
        super().__init__(source, source.shape[1:], source.dtype, source.chunks[1:])

    def _read(self, slices: Slices) -> np.ndarray:
        return np.asarray(self._source._read(self._inside(slices))[0])

    def _inside(self, slices: Slices) -> Slices:
        return (self._index, *slices)


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

    def _read(self, slices: Slices) -> np.ndarray:
        block = np.empty(selected_shape(slices), self.dtype)
        chosen = self._parts[slices[0]]
        for target, part in zip(block, chosen, strict=True):
            target[...] = part._read(slices[1:])
        return block

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:
        return [(part, slices[1:]) for part in self._parts[slices[0]]]

    def _sources(self) -> tuple[LazyArray, ...]:
        return self._parts


class JoinedArray(LazyArray):
    """What it needs of others, one after another along the leading axis.

    The base of such arrays.
    """

    def _read(self, slices: Slices) -> np.ndarray:
        block = np.empty(selected_shape(slices), self.dtype)
        begin = 0
        for part, inside in self._needs(slices):
            found = part._read(inside)
            block[begin : begin + len(found)] = found
            begin += len(found)
        return block


class ConcatenatedArray(JoinedArray):
    """Arrays one after another along their leading axis.

    Parameters
    ----------
    sources
        At least one array, all of one dtype and of one shape but for the length
        of the leading axis.
    """

    def __init__(self, sources: Sequence[LazyArray]) -> None:
        self._parts = tuple(sources)
        lengths = [len(part) for part in self._parts]
        self._starts = tuple(accumulate(lengths[:-1], initial=0))
        first = self._parts[0]
        super().__init__((sum(lengths), *first.shape[1:]), first.dtype, first.chunks)

    def _needs(self, slices: Slices) -> Iterator[tuple[LazyArray, Slices]]:
        along, *rest = slices
        wanted = np.arange(along.start, along.stop, along.step)
        for start, part in zip(self._starts, self._parts, strict=True):
            begin, end = np.searchsorted(wanted, (start, start + len(part)))
            if begin < end:
                first, last = wanted[begin] - start, wanted[end - 1] - start
                yield part, (slice(int(first), int(last) + 1, along.step), *rest)

    def _sources(self) -> tuple[LazyArray, ...]:
        return self._parts


class PickedArray(JoinedArray):
    """Some of the frames of a stack, e.g. those an acquisition calls flats.

    Parameters
    ----------
    source
        The whole stack.
    indices
        Which entries of its leading axis to show, ascending, at least one.
    """

    def __init__(self, source: LazyArray, indices: Sequence[int] | np.ndarray) -> None:
        self._source = source
        self._indices = np.asarray(indices, dtype=np.intp)
        super().__init__(
            (len(self._indices), *source.shape[1:]), source.dtype, source.chunks
        )

    def _needs(self, slices: Slices) -> Iterator[tuple[LazyArray, Slices]]:
        wanted = self._indices[slices[0]]
        # One read a run of neighbours, as a stack's chunks may span several.
        for run in np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1):
            chosen = slice(int(run[0]), int(run[-1]) + 1, 1)
            yield self._source, (chosen, *slices[1:])

    def _sources(self) -> tuple[LazyArray]:
        return (self._source,)


class FieldArray(View):
    """One field of an array of a compound dtype.

    Parameters
    ----------
    source
        An array of a structured dtype.
    field
        Name of the field; where each element holds an array of it, its axes
        follow those of `source`.
    """

    def __init__(self, source: LazyArray, field: str) -> None:
        self._field = field
        dtype = source.dtype[field]
        super().__init__(source, (*source.shape, *dtype.shape), dtype.base, None)

    def _read(self, slices: Slices) -> np.ndarray:
        block = self._source._read(self._inside(slices))[self._field]
        key: Any = (..., *slices[self._source.ndim :])
        return np.array(block[key])

    def _inside(self, slices: Slices) -> Slices:
        return slices[: self._source.ndim]


class PartArray(View):
    """One real part of a complex array, which napari cannot show itself.

    Parameters
    ----------
    source
        A complex array.
    part
        ``"modulus"``, ``"phase"`` (radian), ``"real"`` or ``"imaginary"``.
    """

    def __init__(self, source: LazyArray, part: Part = "modulus") -> None:
        self._part = part
        dtype = np.empty(0, source.dtype).real.dtype
        super().__init__(source, source.shape, dtype, source.chunks)

    def _read(self, slices: Slices) -> np.ndarray:
        block = _PARTS[self._part](self._source._read(slices))
        return np.asarray(block, self.dtype)


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

    def _read(self, slices: Slices) -> np.ndarray:
        return np.array(self._found(slices))

    def _read_into(self, slices: Slices, out: np.ndarray) -> None:
        out[...] = self._found(slices)

    def _found(self, slices: Slices) -> Any:
        try:
            return self._source[slices]
        except (EmdFlatfieldError, MemoryError):
            raise
        # Whoever made it may raise anything, and nobody would know where from.
        except Exception as error:
            raise ReadError(
                f"an array of type {type(self._source).__name__} cannot be read "
                f"({type(error).__name__}: {error})"
            ) from error


def adapt(array: ArrayLike) -> LazyArray:
    """Return `array` itself where it is lazy, else an `AdaptedArray` of it."""
    return array if isinstance(array, LazyArray) else AdaptedArray(array)
