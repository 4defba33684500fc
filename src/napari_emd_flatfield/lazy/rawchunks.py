"""Datasets in chunks without filters: read with a file descriptor of our own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from .grid import (
    SMALLEST_CHUNK,
    WASTE,
    Overlap,
    Slices,
    cell_shape,
    inside_array,
    overlaps,
    spanned,
)
from .indexing import selected_shape
from .memory import SCRATCH
from .places import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy as np

    from .files import SharedFile
    from .places import Places
    from .work import Piece

# What a thread takes at once. If reads are smaller than that, one thread does all:
# several would mostly wait for Python's lock.
_PIECE = 256 * 2**10


@dataclass(frozen=True)
class RawChunks:
    """A dataset in chunks, each stored as it is.

    Parameters
    ----------
    file, name
        Where it is.
    shape, dtype, chunks
        What it holds.
    places
        Where its chunks lie in the file.
    """

    file: SharedFile
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    places: Places

    @classmethod
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> RawChunks | None:
        """Return the layout of a dataset; None if it is another.

        Parameters
        ----------
        file, name
            Where it is: maybe a link to another file.
        dataset
            A dataset stored in chunks, in the byte layout of its dtype.
        """
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        small = math.prod(chunks) * dtype.itemsize < SMALLEST_CHUNK
        filtered = dataset.id.get_create_plist().get_nfilters() > 0
        if small or filtered:
            return None
        found = places(file, dataset)
        if found is None:
            return None
        return cls(file, name, shape, dtype, chunks, found)

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        """Shape of the blocks to keep; None where a read had better keep nothing.

        Parameters
        ----------
        slices
            What is read.
        nbytes
            How large a block may be.
        """
        _, *inner = spanned(slices, self.chunks)
        read = (slices[0].stop - slices[0].start) * math.prod(inner)
        if read < WASTE * math.prod(selected_shape(slices)):
            return None
        return cell_shape(
            slices, self.shape, self.chunks, nbytes // self.dtype.itemsize
        )

    def pieces(self, slices: Slices, target: np.ndarray) -> Iterator[Piece]:
        """Cut reading into pieces that may be done in any thread.

        Parameters
        ----------
        slices
            What to read.
        target
            Array to fill, of the shape they select.
        """
        rows = min(slices[0].stop - slices[0].start, self.chunks[0])
        parts = overlaps(slices, self.chunks)
        at_once = 1 if rows * self._row_nbytes >= _PIECE else None
        while batch := list(islice(parts, at_once)):
            yield partial(self._fill, batch, rows, target)

    @property
    def _row_nbytes(self) -> int:
        return math.prod(self.chunks[1:]) * self.dtype.itemsize

    def _fill(self, batch: list[Overlap], most: int, target: np.ndarray) -> None:
        descriptor, row = self.file.descriptor(), self._row_nbytes
        with SCRATCH.lent((most, *self.chunks[1:]), self.dtype) as buffer:
            for index, inside, where in batch:
                part, first = target[where], inside[0]
                origin = tuple([i * n for i, n in zip(index, self.chunks, strict=True)])
                there = self.places.get(origin)
                if there is None:
                    place = inside_array(index, self.chunks, inside)
                    part[...] = self.file.read(self.name, place)
                    continue
                begin = there.begin + first.start * row
                rows = buffer[: first.stop - first.start]
                if part.shape == rows.shape and part.flags.c_contiguous:
                    descriptor.read(begin, part)
                else:
                    descriptor.read(begin, rows)
                    part[...] = rows[(slice(None, None, first.step), *inside[1:])]
