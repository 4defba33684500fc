"""Datasets in chunks: fetched as stored, decoded in any thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReadError
from .codecs import Pipeline
from .grid import Overlap, Slices, cell_shape, inside_array, overlaps
from .memory import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py

    from .files import SharedFile

# HDF5 spends less on a chunk smaller than this than Python does.
_SMALLEST_CHUNK = 16 * 2**10

# What a thread takes at once, decoded.
_PIECE = 256 * 2**10


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
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> Chunked | None:
        """Return the layout of a dataset; None if HDF5 had better read it.

        Parameters
        ----------
        file, name
            Where it is: maybe a link to another file.
        dataset
            A dataset stored in chunks, in the byte layout of its dtype.
        """
        pipeline = Pipeline.of(dataset)
        if pipeline is None or pipeline.nbytes < _SMALLEST_CHUNK:
            return None
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        return cls(file, name, shape, dtype, chunks, pipeline)

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...]:
        """Shape of the blocks to keep.

        Parameters
        ----------
        slices
            What is read.
        nbytes
            How large a block may be.
        """
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
            if part.shape == self.chunks and part.flags.c_contiguous:
                done = self._decode(index, part.reshape(-1).view(np.uint8))
            else:
                with SCRATCH.lent(self.chunks, self.dtype) as chunk:
                    done = self._decode(index, chunk.reshape(-1).view(np.uint8))
                    if done:
                        part[...] = chunk[inside]
            if not done:
                # What HDF5 makes of it is what counts: its fill value, its error.
                place = inside_array(index, self.chunks, inside)
                part[...] = self.file.read(self.name, place)

    def _decode(self, index: tuple[int, ...], out: np.ndarray) -> bool:
        """Decode a chunk unless it is not stored, or not as it should be."""
        origin = tuple(i * n for i, n in zip(index, self.chunks, strict=True))
        try:
            if not self.pipeline.steps:
                return self.file.chunk(self.name, origin, out) is not None
            # What cannot be compressed takes a little more than it is.
            most = out.size + out.size // 64 + 1024
            with SCRATCH.lent((most,), out.dtype) as scratch:
                found = self.file.chunk(self.name, origin, scratch)
                if found is None:
                    return False
                skipped, stored = found
                self.pipeline.decode(np.frombuffer(stored, np.uint8), skipped, out)
        except (ReadError, ValueError):  # ValueError: too large for where it goes
            return False
        return True
