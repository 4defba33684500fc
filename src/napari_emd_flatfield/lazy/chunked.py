"""Datasets in chunks: fetched as stored, decoded in any thread."""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Self

import numpy as np

from ..errors import ReadError, UnsafeChunkError
from .codecs import Pipeline
from .grid import (
    SMALLEST_CHUNK,
    WASTE,
    Overlap,
    Slices,
    cell_shape,
    overlaps,
    spanned,
)
from .indexing import selected_shape
from .inflation import InflationError, most
from .layout import Chunks
from .memory import SCRATCH
from .places import places
from .quick import Quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

    from .codecs import Job
    from .files import SharedFile
    from .work import Piece

    # What is stored of a chunk, and its filter mask.
    _Stored = tuple[np.ndarray, int]

_BYTE = np.dtype(np.uint8)

# Chunks remembered to be harmless: some ten megabytes, however many there are.
_MOST_KNOWN = 2**16

# What a thread takes at once, decoded.
_PIECE = 256 * 2**10


@dataclass(frozen=True)
class Chunked(Chunks):
    """A dataset in chunks that can be decoded here.

    Parameters
    ----------
    file, name, shape, dtype, chunks, places
        As for `Chunks`.
    pipeline
        How its chunks decode.
    quick
        Which of them HDF5 had better decode.
    """

    pipeline: Pipeline
    quick: Quick
    _harmless: set[tuple[int, ...]] = field(default_factory=set, compare=False)

    @classmethod
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> Self | None:
        if dataset.chunks is None:
            return None
        pipeline = Pipeline.of(dataset)
        if not (pipeline and pipeline.steps) or pipeline.nbytes < SMALLEST_CHUNK:
            return None
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        found = places(file, dataset)
        quick = Quick.of(dataset)
        return cls(file, name, shape, dtype, chunks, found, pipeline, quick)

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        if self._is_quick(slices):
            return None
        return cell_shape(
            slices, self.shape, self.chunks, nbytes // self.dtype.itemsize
        )

    def suits_hdf5(self, slices: Slices) -> bool:
        if not self._is_quick(slices):
            return False
        spans = zip(slices, self.chunks, strict=True)
        each = [range(s.start // n, -(-s.stop // n)) for s, n in spans]
        new = set(itertools.product(*each)) - self._harmless
        return all(map(self._is_harmless, new))

    def _is_quick(self, slices: Slices) -> bool:
        """Whether chunks are soon decoded, and then used for the most part."""
        if self.pipeline.nbytes >= self.quick.below:
            return False
        decoded = math.prod(spanned(slices, self.chunks))
        return decoded < WASTE * math.prod(selected_shape(slices))

    def _is_harmless(self, index: tuple[int, ...]) -> bool:
        """Whether HDF5 may decode a chunk."""
        memory = SCRATCH.array((most(self.pipeline.nbytes),), _BYTE)
        try:
            found = self._found(self.origin(index), memory, self.quick.head)
        except (ReadError, ValueError):  # whoever decodes it says so
            return False
        if found is not None:
            stored, skipped = found
            # A chunk that was not compressed begins as it likes.
            if skipped or not self.quick.is_harmless(stored, self.pipeline.nbytes):
                return False
        if len(self._harmless) >= _MOST_KNOWN:
            self._harmless.clear()
        self._harmless.add(index)
        return True

    def pieces(self, slices: Slices, target: np.ndarray) -> Iterator[Piece]:
        parts = overlaps(slices, self.chunks)
        count = max(1, _PIECE // self.pipeline.nbytes)
        while batch := list(islice(parts, count)):
            yield partial(self._fill, batch, target)

    def _fill(self, batch: list[Overlap], target: np.ndarray) -> list[Piece]:
        left: list[Piece] = []
        for overlap in batch:
            part = target[overlap.where]
            by_hdf5 = partial(self.fill_by_hdf5, overlap, part)
            if part.shape == self.chunks and part.flags.c_contiguous:
                jobs = self._decode(overlap.block, part)
                if jobs is not None:
                    left += [partial(_first_of, job, by_hdf5) for job in jobs]
                    continue
            else:
                with SCRATCH.lent(self.chunks, self.dtype) as chunk:
                    if self._decode_now(overlap.block, chunk):
                        part[...] = chunk[overlap.inside]
                        continue
            by_hdf5()
        return left

    def _decode_now(self, index: tuple[int, ...], chunk: np.ndarray) -> bool:
        jobs = self._decode(index, chunk)
        try:
            for job in jobs or ():
                job()
        except ReadError:
            return False
        return jobs is not None

    def _decode(self, index: tuple[int, ...], chunk: np.ndarray) -> list[Job] | None:
        """Begin to decode a chunk; None where HDF5 shall say what is wrong with it."""
        try:
            return self._decoded(self.origin(index), chunk.reshape(-1).view(np.uint8))
        except UnsafeChunkError:
            raise  # HDF5 would try
        except (ReadError, ValueError):  # ValueError: too large for where it goes
            return None

    def _decoded(self, origin: tuple[int, ...], out: np.ndarray) -> list[Job] | None:
        # What cannot be compressed takes a little more than it is; hardly any does.
        for room in (out.size + out.size // 64 + 1024, most(out.size)):
            try:
                stored = self._found(origin, SCRATCH.array((room,), out.dtype))
            except ValueError:
                continue
            if stored is None:
                return None
            data, skipped = stored
            if data.size == self.pipeline.nbytes and self._sticks_out(origin):
                return None  # maybe stored without filters, and HDF5 keeps that secret
            return self.pipeline.begin(data, skipped, out)
        raise InflationError(out.size)

    def _sticks_out(self, origin: tuple[int, ...]) -> bool:
        ends = map(operator.add, origin, self.chunks)
        return any(map(operator.gt, ends, self.shape))

    def _found(
        self, origin: tuple[int, ...], memory: np.ndarray, head: int | None = None
    ) -> _Stored | None:
        """Fetch a chunk, or the begin of it; ValueError if it is larger than memory."""
        if self.places is None:
            found = self.file.chunk(self.name, origin, memory)
            if found is None:
                return None
            skipped, data = found
            return np.frombuffer(data, np.uint8), skipped
        place = self.places.get(origin)
        if place is None:
            return None
        if place.nbytes > memory.size:
            raise ValueError
        stored = memory[: place.nbytes][:head]
        self.file.descriptor().read(place.begin, stored)
        return stored, place.skipped


def _first_of(job: Job, otherwise: Job) -> None:
    try:
        job()
    except ReadError:
        otherwise()
