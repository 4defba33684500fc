"""NumPy basic indexing reduced to one normal form."""

from __future__ import annotations

import operator
from types import EllipsisType
from typing import Any, NamedTuple


class Selection(NamedTuple):
    """A key in normal form.

    Parameters
    ----------
    slices
        One slice an axis, with 0 ≤ start ≤ stop ≤ n and step ≥ 1: what a source
        must read.
    finish
        Basic index that turns the block read into what NumPy would return: it
        reverses axes asked for backwards and drops those given by an integer.
    """

    slices: tuple[slice, ...]
    finish: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the block that `slices` select."""
        return selected_shape(self.slices)


def selected_shape(slices: tuple[slice, ...]) -> tuple[int, ...]:
    """Shape of the block that normalised slices select."""
    # A list is quicker to make than what a generator yields: this is done often.
    return tuple([-((s.start - s.stop) // s.step) for s in slices])


def normalise(key: Any, shape: tuple[int, ...]) -> Selection:
    """Bring a basic indexing key into normal form.

    Parameters
    ----------
    key
        An integer, slice, Ellipsis, or a tuple of them.
    shape
        Shape of the array it indexes.

    Raises
    ------
    IndexError
        For an index out of bounds, too many of them, or anything but basic
        indexing: the errors NumPy raises.
    """
    keys = key if isinstance(key, tuple) else (key,)
    keys = _fill_ellipsis(keys, len(shape))
    slices, finish = [], []
    for axis, (item, size) in enumerate(zip(keys, shape, strict=True)):
        if isinstance(item, slice):
            selected, undo = _forward(item, size)
        else:
            index = _integer(item, axis, size)
            selected, undo = slice(index, index + 1, 1), 0
        slices.append(selected)
        finish.append(undo)
    return Selection(tuple(slices), tuple(finish))


def _fill_ellipsis(keys: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    # ``...`` cannot be looked for with ``in``: NumPy scalars compare elementwise.
    where = [i for i, k in enumerate(keys) if isinstance(k, EllipsisType)]
    if len(where) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    given = len(keys) - len(where)
    if given > ndim:
        raise IndexError(
            f"too many indices: the array is {ndim}-dimensional, {given} were given"
        )
    missing = (slice(None),) * (ndim - given)
    at = where[0] if where else len(keys)
    return keys[:at] + missing + keys[at + len(where) :]


def _forward(item: slice, size: int) -> tuple[slice, Any]:
    chosen = range(*item.indices(size))
    if not chosen:
        return slice(0, 0, 1), slice(None)
    undo = slice(None, None, -1) if chosen.step < 0 else slice(None)
    if chosen.step < 0:
        chosen = chosen[::-1]
    return slice(chosen[0], chosen[-1] + 1, chosen.step), undo


def _integer(item: Any, axis: int, size: int) -> int:
    try:
        # A bool is an integer to Python, a mask to NumPy.
        index = None if isinstance(item, bool) else operator.index(item)
    except TypeError:
        index = None
    if index is None:
        raise IndexError(
            "only integers, slices and '...' index a lazy array, not "
            f"{type(item).__name__}; read it first with numpy.asarray(array)"
        )
    if not -size <= index < size:
        raise IndexError(
            f"index {index} is out of bounds for axis {axis} with size {size}"
        )
    return index % size
