"""Large blocks of memory, lent out again and again.

To have the system clear new memory for a frame takes about as long as to correct
it; and what a thread frees in the ordinary way mostly stays with its heap.
"""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from mmap import ACCESS_COPY, ACCESS_DEFAULT, mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

# More than this is not kept while nobody uses it.
_MOST_SPARE = 64 * 2**20


class Pool:
    """Memory for one purpose, to be used from any thread."""

    def __init__(self) -> None:
        self._spare: list[np.ndarray] = []

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
        try:
            memory = self._spare.pop()
        except IndexError:
            return _new(nbytes)
        # What is too small is let go: in time all is as large as is needed.
        return memory if memory.size >= nbytes else _new(nbytes)

    def give(self, memory: np.ndarray) -> None:
        """Take memory back.

        Parameters
        ----------
        memory
            What `take` returned, whole.
        """
        kept = sum(each.size for each in tuple(self._spare))
        if kept + memory.size <= _MOST_SPARE:
            self._spare.append(memory)

    def close(self) -> None:
        """Return to the system what nobody uses; the pool can still be used."""
        self._spare.clear()

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


# For what is needed only while a frame is read, corrected or encoded.
SCRATCH = Pool()


# Not shared with a process that is forked; Windows forks none.
_ACCESS = ACCESS_DEFAULT if os.name == "nt" else ACCESS_COPY


def _new(nbytes: int) -> np.ndarray:
    # Straight from the system, and back to it once nobody refers to it.
    return np.frombuffer(mmap(-1, max(1, nbytes), access=_ACCESS), np.uint8)
