"""Datasets in chunks: fetched as stored, decoded in any thread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReadError
from .codecs import Pipeline
from .grid import Overlap, Slices, box, cell_shape, overlaps
from .indexing import selected_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py

    from .files import SharedFile

# HDF5 spends less on a chunk smaller than this than Python does.
_SMALLEST_CHUNK = 16 * 2**10

# What a thread takes at once, decoded.
_PIECE = 256 * 2**10

# To decode this many times what is asked for is worth keeping what is left.
WASTE = 4


@dataclass(frozen=True)
class Chunked:
    """A dataset in chunks that can be decoded here.

    Parameters
    ----------
    file, name
        Where it is.
    shape, dtype, chunks
        What it holds.
    pipeline
        How its chunks decode.
    """

    file: SharedFile
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    pipeline: Pipeline

    @classmethod
    def of(cls, file: SharedFile, dataset: h5py.Dataset) -> Chunked | None:
        """Return the layout of a dataset; None if HDF5 had better read it.

        Parameters
        ----------
        file
            The file it was reached in.
        dataset
            A dataset stored in chunks, in the byte layout of its dtype.
        """
        pipeline = Pipeline.of(dataset)
        if pipeline is None or pipeline.nbytes < _SMALLEST_CHUNK:
            return None
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        return cls(file, dataset.name, shape, dtype, chunks, pipeline)

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        """Shape of the blocks to keep; None where a read had better keep nothing.

        Parameters
        ----------
        slices
            What is read.
        nbytes
            How large a block may be.
        """
        if not self.pipeline.steps:
            spans = zip(slices, self.chunks, strict=True)
            touched = [-(-s.stop // c) - s.start // c for s, c in spans]
            decoded = math.prod(touched) * math.prod(self.chunks)
            if decoded < WASTE * math.prod(selected_shape(slices)):
                return None
        return cell_shape(
            slices, self.shape, self.chunks, nbytes // self.dtype.itemsize
        )

    def pieces(
        self, slices: Slices, target: np.ndarray
    ) -> Iterator[Callable[[], None]]:
        """Cut reading into pieces that may be done in any thread.

        Parameters
        ----------
        slices
            What to read.
        target
            Array to fill, of the shape they select.
        """
        parts = overlaps(slices, self.chunks)
        count = max(1, _PIECE // self.pipeline.nbytes)
        while batch := list(islice(parts, count)):
            yield partial(self._fill, batch, target)

    def _fill(self, batch: list[Overlap], target: np.ndarray) -> None:
        for index, inside, where in batch:
            part = target[where]
            chunk = self._chunk(index, part)
            if chunk is None:
                begins = box(index, self.chunks, self.shape)
                part[...] = self.file.read(
                    self.name,
                    tuple(
                        slice(b.start + s.start, b.start + s.stop, s.step)
                        for b, s in zip(begins, inside, strict=True)
                    ),
                )
            elif chunk is not part:
                part[...] = chunk[inside]

    def _chunk(self, index: tuple[int, ...], part: np.ndarray) -> np.ndarray | None:
        """Decode a chunk; None for one that is not stored, or not as it should be.

        What HDF5 makes of such a chunk is what counts: its fill value, its error.
        """
        origin = tuple(i * n for i, n in zip(index, self.chunks, strict=True))
        if (
            not self.pipeline.steps
            and part.shape == self.chunks
            and part.flags.c_contiguous
        ):
            stored = self.file.chunk(self.name, origin, part.reshape(-1).view("u1"))
            return None if stored is None else part
        stored = self.file.chunk(self.name, origin)
        if stored is None:
            return None
        skipped, data = stored
        try:
            decoded = self.pipeline.decode(np.frombuffer(data, np.uint8), skipped)
        except ReadError:
            return None
        return decoded.view(self.dtype).reshape(self.chunks)
