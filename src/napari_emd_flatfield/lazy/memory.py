"""Large blocks of memory, lent out again and again.

To have the system clear new memory for a frame takes about as long as to correct
it; and what a thread frees in the ordinary way mostly stays with its heap.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_trim: Any = None
if sys.platform == "linux":
    _trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not with musl

# More than this is not kept while nobody uses it.
_MOST_SPARE = 64 * 2**20

# Less than this Python's own memory is best for, as it is used again anyway.
_LEAST = 2**20


class Pool:
    """Memory for one purpose, to be used from any thread.

    Parameters
    ----------
    exact
        Whether to lend nothing that is larger than what is asked for.
    keeps_largest
        Whether to keep one that nobody uses whatever its size, beside smaller ones.
    """

    def __init__(self, exact: bool = False, keeps_largest: bool = False) -> None:
        self._exact, self._keeps_largest = exact, keeps_largest
        # By identity: several threads may look for the same one, one of them gets it.
        self._spare: dict[int, np.ndarray] = {}

    def take(self, nbytes: int) -> np.ndarray:
        """Lend memory.

        Parameters
        ----------
        nbytes
            How much.

        Returns
        -------
        numpy.ndarray
            At least so many bytes, uint8, as their last user left them.
        """
        if nbytes < _LEAST:
            return fresh(nbytes)
        most = nbytes if self._exact else math.inf
        # Of equal ones that which was used last: it may still be in the CPU's cache.
        newest_first = self._unused()[::-1]
        fitting = [each for each in newest_first if nbytes <= each.size <= most]
        for memory in sorted(fitting, key=len):
            if self._spare.pop(id(memory), None) is not None:
                return memory
        return fresh(nbytes)

    def give(self, memory: np.ndarray) -> None:
        """Take memory back.

        Parameters
        ----------
        memory
            What `take` returned, whole.
        """
        if memory.size < _LEAST:
            return
        self._spare[id(memory)] = memory
        unused = self._unused()
        excess = sum(map(len, unused)) - _MOST_SPARE
        if self._keeps_largest:
            excess -= max(map(len, unused), default=0)
        # What is too small for most uses goes first.
        unused.sort(key=len)
        while excess > 0:
            each = unused.pop(0)
            self._spare.pop(id(each), None)
            excess -= each.size

    def clear(self) -> None:
        """Return to the system what nobody uses; the pool can still be used."""
        self._spare.clear()

    def close(self) -> None:
        """As `clear`, and have plugins do so with what they have freed."""
        self.clear()
        trim()

    def _unused(self) -> list[np.ndarray]:
        return list(self._spare.values())  # at once, whatever other threads do

    @contextmanager
    def lent(
        self, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Iterator[np.ndarray]:
        """Lend an array for the length of a block.

        Parameters
        ----------
        shape, dtype
            What it shall be.

        Yields
        ------
        numpy.ndarray
            C-contiguous; its values are whatever they are.
        """
        nbytes = math.prod(shape) * dtype.itemsize
        memory = self.take(nbytes)
        try:
            yield memory[:nbytes].view(dtype).reshape(shape)
        finally:
            self.give(memory)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """Lend an array for as long as anyone refers to it or to a view of it.

        Parameters
        ----------
        shape, dtype
            What it shall be, as for `numpy.empty`.

        Returns
        -------
        numpy.ndarray
            C-contiguous; its values are whatever they are.
        """
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes < _LEAST:
            return np.empty(shape, dtype)
        memory = self.take(nbytes)
        address = memory.__array_interface__["data"][0]
        return owned(address, nbytes, self.give, memory).view(dtype).reshape(shape)

    def copy(self, array: np.ndarray) -> np.ndarray:
        """Lend a copy of an array, as `array` does, with its axes in the same order.

        Parameters
        ----------
        array
            What to copy.
        """
        if array.nbytes < _LEAST:
            return array.copy("K")
        order = sorted(range(array.ndim), key=array.strides.__getitem__, reverse=True)
        lent = self.array(tuple(array.shape[axis] for axis in order), array.dtype)
        copy = lent.transpose(np.argsort(order))
        copy[...] = array
        return copy


class Memory:
    """Memory by its address, for `numpy.asarray`: arrays on it refer to this.

    Parameters
    ----------
    address, nbytes
        Where it is.
    """

    # ctypes would make a type for each size, which takes longer than to fill it.
    __slots__ = ("__array_interface__", "__weakref__")

    def __init__(self, address: int, nbytes: int) -> None:
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (nbytes,),
            "typestr": "|u1",
            "version": 3,
        }


def owned(
    address: int, nbytes: int, release: Callable[[Any], object], memory: Any
) -> np.ndarray:
    """Return an array on memory that is released once nobody refers to it.

    Parameters
    ----------
    address, nbytes
        Where it is.
    release, memory
        What to call then, and with what.

    Returns
    -------
    numpy.ndarray
        uint8, shape (nbytes,), writable.
    """
    owner = Memory(address, nbytes)
    weakref.finalize(owner, release, memory).atexit = False
    return np.asarray(owner)


# For what is needed only while a frame is read, corrected or encoded.
SCRATCH = Pool()

# For what is returned, and kept: frames, and blocks of many.
FRAMES = Pool(exact=True, keeps_largest=True)

# Not shared with a process that is forked; Windows forks none.
_ACCESS = mmap.ACCESS_DEFAULT if os.name == "nt" else mmap.ACCESS_COPY


def trim() -> None:
    """Return to the system what plugins freed: it stays with heaps of their threads."""
    if _trim is not None:
        _trim(0)


def fresh(nbytes: int) -> np.ndarray:
    """Take memory from the system, and return it once nobody refers to it.

    Parameters
    ----------
    nbytes
        How much.

    Returns
    -------
    numpy.ndarray
        uint8, shape (nbytes,); its values are whatever they are.
    """
    if nbytes < _LEAST:
        return np.empty(nbytes, np.uint8)
    memory = mmap.mmap(-1, max(1, nbytes), access=_ACCESS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel built without
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)
