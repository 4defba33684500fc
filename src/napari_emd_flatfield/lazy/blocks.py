"""Blocks of a dataset: decoded in threads, kept for the next read, made ahead of it."""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from .cache import CACHE, Key
from .chunked import Chunked
from .contiguous import Contiguous
from .grid import Overlap, Slices, box, overlaps
from .indexing import selected_shape
from .memory import FRAMES
from .rawchunks import RawChunks
from .work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .files import SharedFile
    from .layout import Layout
    from .status import Status
    from .work import Piece

# What comes slower than this, in bytes a second, comes from a disk or a network; what
# is in memory comes as fast as a thread is told to fetch it, or as HDF5 decodes it.
_SLOW, _SLOW_DECODED = 10**9, 10**8

# To have another thread read less, in bytes, takes longer than to read it.
_LEAST_AHEAD = 256 * 2**10

# What is read once is read in order: who reads on is at most one block ahead.
_MOST_ONCE = 2


class _Once(threading.local):
    now = False


_ONCE = _Once()


@contextmanager
def read_once() -> Iterator[None]:
    """Read in this thread what will not be asked for again: keep no more than needed.

    What was read along with it, such as other frames of a chunk, is kept for a while:
    of each dataset the last two blocks.
    """
    before, _ONCE.now = _ONCE.now, True
    try:
        yield
    finally:
        _ONCE.now = before


class Blocks:
    """What can be read of one dataset without HDF5.

    Parameters
    ----------
    layout
        How the dataset is stored.
    opening
        Which opening of the file showed that: what is read is kept for that alone.
    """

    def __init__(self, layout: Layout, opening: int) -> None:
        self._layout = layout
        self._file = layout.file
        self._owner = layout.file.token, layout.name, opening
        self._sizes: set[tuple[int, ...]] = set()
        self._is_slow = False
        self._once: deque[Key] = deque()

    @classmethod
    def of(
        cls, file: SharedFile, name: str, dataset: h5py.Dataset, opening: int
    ) -> Blocks | None:
        """Return the blocks of a dataset; None if HDF5 had better read it.

        Parameters
        ----------
        file, name
            Where it is: maybe a link to another file.
        dataset
            The open dataset.
        opening
            As for the class.
        """
        dtype = dataset.dtype
        if not dataset.shape or dtype.hasobject or dataset.is_virtual:
            return None
        # Else bytes in the file are not those of the dtype: HDF5 converts them.
        if dataset.id.get_type() != h5py.h5t.py_create(dtype, logical=True):
            return None
        kinds: tuple[type[Layout], ...] = (Contiguous, RawChunks, Chunked)
        for kind in kinds:
            layout = kind.of(file, name, dataset)
            if layout is not None:
                return cls(layout, opening)
        return None

    def read(
        self, slices: Slices, status: Status, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Read a selection, out of what is kept where possible.

        Parameters
        ----------
        slices
            One normalised slice an axis, none of them empty.
        status
            Of the file: one still being written is read anew once there is more in it.
        out
            Memory for what is read, if that has to be put together.

        Returns
        -------
        numpy.ndarray
            Read-only where it is a view of what is kept.
        """
        parts = self._parts(slices, status)
        if parts is None:
            begun = CACHE.take(self._key_ahead(slices, status))
            return self._finished(begun) if begun else self._read_now(slices, out)
        blocks = [self._block(key, slices) for _, key in parts]
        if len(parts) == 1:
            part, key = parts[0]
            found = self._finished(blocks[0], key)[part.inside]
            found.flags.writeable = False
            return found
        for block in blocks[1:]:
            self._file.helpers().help(block)
        target = self._target(slices, out)
        for (part, key), block in zip(parts, blocks, strict=True):
            target[part.where] = self._finished(block, key)[part.inside]
        return target

    def _read_now(self, slices: Slices, out: np.ndarray | None) -> np.ndarray:
        start, slow = time.perf_counter(), _SLOW
        if self._layout.suits_hdf5(slices):
            target: np.ndarray = self._file.read(self._layout.name, slices, out)
            slow = _SLOW_DECODED
        else:
            target = self._target(slices, out)
            pieces = list(self._layout.pieces(slices, target))
            if len(pieces) == 1:
                pieces = [*(pieces[0]() or ())]
            if pieces:
                self._finished(self._work(target, pieces))
        if target.nbytes >= _LEAST_AHEAD:
            self._is_slow = target.nbytes < slow * (time.perf_counter() - start)
        return target

    def may_be_ahead(self, slices: Slices) -> bool:
        """Tell whether it can help to read a selection ahead, looking at no file.

        Parameters
        ----------
        slices
            As for `read`.
        """
        return self._is_slow or self._usual(slices) is not None

    def ahead(self, slices: Slices, status: Status) -> list[Callable[[], None]]:
        """Begin to read a selection that will be asked for.

        Parameters
        ----------
        slices, status
            As for `read`.

        Returns
        -------
        list of callable
            Call them to take back what is not done yet.
        """
        parts = self._parts(slices, status)
        if parts is not None:
            keys = [key for _, key in parts]
            nbytes = self._nbytes(keys[0][-2])
        elif self._is_slow:
            keys = [self._key_ahead(slices, status)]
            nbytes = self._nbytes(selected_shape(slices))
        else:
            return []
        if not _LEAST_AHEAD <= nbytes <= CACHE.share:
            return []
        return [self._ahead(key, slices) for key in keys]

    def _ahead(self, key: Key, slices: Slices) -> Callable[[], None]:
        block = self._block(key, slices)
        self._file.helpers().help(block)
        # Not to keep it any longer than the cache does.
        return partial(_take_back, key, weakref.ref(block))

    def _nbytes(self, shape: tuple[int, ...]) -> int:
        return math.prod(shape) * self._layout.dtype.itemsize

    def _target(self, slices: Slices, out: np.ndarray | None) -> np.ndarray:
        if out is not None:
            return out
        return FRAMES.array(selected_shape(slices), self._layout.dtype)

    def _parts(
        self, slices: Slices, status: Status
    ) -> list[tuple[Overlap, Key]] | None:
        """Cut a selection along the blocks to keep of it; None to keep nothing."""
        if self._nbytes(selected_shape(slices)) > CACHE.share:
            return None
        for size in tuple(self._sizes):
            within = list(islice(overlaps(slices, size), 2))
            if len(within) == 1:
                key = self._key(status, size, within[0].block)
                if CACHE.get(key):
                    return [(within[0], key)]
        usual = self._usual(slices)
        if usual is None or (
            _ONCE.now and math.prod(usual) <= math.prod(selected_shape(slices))
        ):
            return None
        self._sizes.add(usual)
        return [
            (part, self._key(status, usual, part.block))
            for part in overlaps(slices, usual)
        ]

    def _usual(self, slices: Slices) -> tuple[int, ...] | None:
        # Across the grain a block is worth the more, the more frames it spans.
        return self._layout.cell(slices, 2 * CACHE.share)

    def _block(self, key: Key, slices: Slices) -> Work:
        """Return a block, maybe still in work, that is kept or is from now on."""
        kept = CACHE.get(key)
        if kept is None:
            kept = CACHE.add(key, self._begun(key, slices))
            if _ONCE.now:
                self._once.append(key)
            with suppress(IndexError):  # another thread was quicker
                while len(self._once) > _MOST_ONCE:
                    CACHE.discard(self._once.popleft())
        return kept

    def _begun(self, key: Key, slices: Slices) -> Work:
        *_, size, index = key
        place = box(index, size, self._layout.shape) if size else slices
        shape = selected_shape(place)
        # What is stepped along goes first in memory: each step is in one piece.
        whole = [
            s.stop - s.start == n
            for s, n in zip(slices, self._layout.shape, strict=True)
        ]
        order = sorted(range(len(shape)), key=whole.__getitem__)
        CACHE.make_room(self._nbytes(shape))
        array = FRAMES.array(tuple(shape[axis] for axis in order), self._layout.dtype)
        target = array.transpose(np.argsort(order))
        return self._work(target, self._layout.pieces(place, target))

    def _work(self, target: np.ndarray, pieces: Iterable[Piece]) -> Work:
        return Work(target, pieces, self._file.helpers())

    def _finished(self, work: Work, key: Key = ()) -> np.ndarray:
        self._file.helpers().help(work, but=1)
        return CACHE.finish(key, work)

    def _key(
        self, status: Status, size: tuple[int, ...], index: tuple[Any, ...]
    ) -> Key:
        return *self._owner, status, size, index

    def _key_ahead(self, slices: Slices, status: Status) -> Key:
        """Under what a selection is found by the one read it is read ahead of."""
        index = tuple([(s.start, s.stop, s.step) for s in slices])
        return self._key(status, (), index)


def _take_back(key: Key, begun: weakref.ref[Work]) -> None:
    block = begun()
    if block is not None and block.drop():
        CACHE.discard(key)
