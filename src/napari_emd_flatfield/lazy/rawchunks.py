"""Datasets in chunks without filters: read with a file descriptor of our own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Self

from .grid import (
    SMALLEST_CHUNK,
    SMALLEST_READ,
    WASTE,
    Overlap,
    Slices,
    cell_shape,
    overlaps,
    spanned,
)
from .indexing import selected_shape
from .layout import Chunks
from .memory import SCRATCH
from .places import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy as np

    from .files import SharedFile
    from .work import Piece

# What a thread takes at once. If reads are much smaller than that, one thread does
# all: several would mostly wait for Python's lock.
_PIECE = 2 * 2**20
_LEAST = 256 * 2**10


@dataclass(frozen=True)
class RawChunks(Chunks):
    """A dataset in chunks, each stored as it is."""

    @classmethod
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> Self | None:
        if dataset.chunks is None:
            return None
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        small = math.prod(chunks) * dtype.itemsize < SMALLEST_CHUNK
        filtered = dataset.id.get_create_plist().get_nfilters() > 0
        if small or filtered:
            return None
        return cls(file, name, shape, dtype, chunks, places(file, dataset))

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        _, *inner = spanned(slices, self.chunks)
        read = (slices[0].stop - slices[0].start) * math.prod(inner)
        if read < WASTE * math.prod(selected_shape(slices)):
            return None
        return cell_shape(
            slices, self.shape, self.chunks, nbytes // self.dtype.itemsize
        )

    def pieces(self, slices: Slices, target: np.ndarray) -> Iterator[Piece]:
        rows = self._rows(slices)
        parts = overlaps(slices, self.chunks)
        nbytes = rows * self._row_nbytes
        at_once = max(1, _PIECE // nbytes) if nbytes >= _LEAST else None
        while batch := list(islice(parts, at_once)):
            yield partial(self._fill, batch, rows, target)

    def suits_hdf5(self, slices: Slices) -> bool:
        return self._rows(slices) * self._row_nbytes < SMALLEST_READ

    def _rows(self, slices: Slices) -> int:
        """How many of a chunk to read at most."""
        asked_for: int = slices[0].stop - slices[0].start
        return min(asked_for, self.chunks[0])

    @property
    def _row_nbytes(self) -> int:
        return math.prod(self.chunks[1:]) * self.dtype.itemsize

    def _fill(self, batch: list[Overlap], most: int, target: np.ndarray) -> None:
        descriptor, row = self.file.descriptor(), self._row_nbytes
        with SCRATCH.lent((most, *self.chunks[1:]), self.dtype) as buffer:
            for overlap in batch:
                index, inside, where = overlap
                part, first = target[where], inside[0]
                if self.places is None:
                    self._fill_whole(overlap, part)
                    continue
                there = self.places.get(self.origin(index))
                if there is None:
                    self.fill_by_hdf5(overlap, part)
                    continue
                begin = there.begin + first.start * row
                rows = buffer[: first.stop - first.start]
                if part.shape == rows.shape and part.flags.c_contiguous:
                    descriptor.read(begin, part)
                else:
                    descriptor.read(begin, rows)
                    part[...] = rows[(slice(None, None, first.step), *inside[1:])]

    def _fill_whole(self, overlap: Overlap, part: np.ndarray) -> None:
        """Have HDF5 read a chunk past its cache, which would be one copy more."""
        if part.shape == self.chunks and part.flags.c_contiguous:
            out, origin = part.reshape(-1).view("u1"), self.origin(overlap.block)
            if self.file.chunk(self.name, origin, out) is not None:
                return
        self.fill_by_hdf5(overlap, part)
