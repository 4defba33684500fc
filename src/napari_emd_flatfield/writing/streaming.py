"""Frames on their way from an array into a dataset.

Threads read, compute and encode, the caller's being one of them where they are two;
it writes what they made and is the only one to touch the output. Its place in the
file is the order of the frames, so that reading them in order later is reading the
file from front to back.
"""

from __future__ import annotations

import itertools
import math
from contextlib import closing
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from h5py._objects import phil

from ..lazy import adapt, read_once
from ..lazy.indexing import selected_shape
from .encoder import Encoder
from .encoding import tiles
from .pipeline import ahead, thread_count
from .rounding import round_off
from .verifying import Written, checksum

if TYPE_CHECKING:
    from collections.abc import Callable

    import h5py

    from ..lazy import LazyArray
    from ..signal import ArrayLike
    from .encoder import Stored

    Block = tuple[slice, ...]
    Offset = tuple[int, ...]

# Frames smaller than this are handed to a thread several at a time: a thread is
# not worth waking for less.
_SMALLEST_BLOCK = 2**20


def write_frames(
    dataset: h5py.Dataset,
    data: ArrayLike,
    keepbits: int | None,
    advance: Callable[[Fraction | int, int], None],
) -> Written:
    """Fill a dataset from an array.

    Parameters
    ----------
    dataset
        New, made with `chunk_shape` and `dataset_options`.
    data
        What to write, of the same shape; read a few frames at a time.
    keepbits
        As for `write`.
    advance
        Called with the number of frames that were written, or with what part of one,
        and the bytes that were stored, whenever there are more.

    Returns
    -------
    Written
        What the dataset must be found to hold.
    """
    chunks, whole = dataset.chunks, dataset.shape
    written = Written.into(dataset)
    if chunks is None:
        values = np.array(data[...])
        round_off(values, keepbits)
        dataset[...] = values
        written.sums[...] = checksum(values)
        advance(math.prod(dataset.shape[:-2]), dataset.nbytes)
        return written
    source, encoder = adapt(data), Encoder(dataset)

    def load(block: Block, out: np.ndarray) -> None:
        with read_once():
            source._read_into(block, out)
        round_off(out, keepbits)

    def encode(
        offset: Offset, shape: Offset, fill: Callable[[np.ndarray], None]
    ) -> tuple[Offset, Stored]:
        def fill_and_sum(chunk: np.ndarray) -> None:
            part = _part(chunk, shape)
            fill(part)
            at = tuple(o // n for o, n in zip(offset, chunks, strict=True))
            written.sums[at] = checksum(part)

        return offset, encoder.encode(fill_and_sum)

    def produce(block: Block) -> list[tuple[Offset, Stored]]:
        shape = selected_shape(block)
        corner = tuple(s.start for s in block)
        cut = list(tiles(shape, chunks))
        if len(cut) == 1:
            return [encode(corner, shape, partial(load, block))]
        frames = np.empty(shape, dataset.dtype)
        load(block, frames)
        return [
            encode(
                tuple(c + t.start for c, t in zip(corner, tile, strict=True)),
                selected_shape(tile),
                partial(_copy, frames[tile]),
            )
            for tile in cut
        ]

    size = _block_shape(dataset, source)
    blocks = tiles(whole, size)
    # What is read for a block is mostly half as wide as what is made of it.
    read = math.prod(size) * dataset.dtype.itemsize // 2
    threads = thread_count(read + encoder.nbytes_held)
    produced = ahead(produce, blocks, threads)
    with closing(encoder), closing(produced):
        for offset, stored in itertools.chain.from_iterable(produced):
            with phil:  # h5py before 3.16 does not take its own lock for this
                dataset.id.write_direct_chunk(offset, stored.data)
            rows = min(chunks[-2], whole[-2] - offset[-2])
            advance(Fraction(rows, whole[-2]), stored.data.nbytes)
            encoder.release(stored)
            del stored  # not kept until there is another one
    return written


def _block_shape(dataset: h5py.Dataset, source: LazyArray) -> tuple[int, ...]:
    """Shape of what is read at once: whole chunks of the dataset."""
    *leading, rows, width = dataset.chunks
    # A source whose own chunks are higher would decode each of them several times.
    rows *= math.ceil(source.chunks[-2] / rows)
    if leading:
        frame = rows * width * dataset.dtype.itemsize
        leading[-1] = max(1, _SMALLEST_BLOCK // frame)
    return (*leading, rows, width)


def _part(chunk: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Part of a chunk that lies in the dataset: HDF5 stores what is beyond, too."""
    if chunk.shape != shape:
        chunk[...] = 0
    return chunk[tuple(slice(n) for n in shape)]


def _copy(source: np.ndarray, out: np.ndarray) -> None:
    out[...] = source
