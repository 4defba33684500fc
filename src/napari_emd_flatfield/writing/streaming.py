"""Frames on their way from an array into a dataset.

Threads read, compute and encode; the caller's thread writes what they made and is
the only one to touch the output. Its place in the file is the order of the frames,
so that reading them in order later is reading the file from front to back.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lazy import LazyArray
from .encoding import encoder, tiles
from .pipeline import ahead, thread_count
from .rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py

    from ..signal import ArrayLike

# Frames smaller than this are handed to a thread several at a time: a thread is
# not worth waking for less.
_SMALLEST_BLOCK = 2**20


def write_frames(
    dataset: h5py.Dataset,
    data: ArrayLike,
    keepbits: int | None,
    advance: Callable[[int], None],
) -> None:
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
        Called with the number of frames that were completed.
    """
    chunks = dataset.chunks
    if chunks is None:
        if dataset.size:
            dataset[...] = rounded(np.asarray(data[...]), keepbits)
        advance(math.prod(dataset.shape[:-2]))
        return
    encode = encoder(dataset)
    dtype = dataset.dtype

    def read(block: tuple[slice, ...]) -> Iterator[np.ndarray]:
        frames = rounded(np.asarray(data[block], dtype), keepbits)
        cut = [_whole(frames[tile], chunks) for tile in tiles(frames.shape, chunks)]
        # From here each chunk is held once, and goes as soon as it is encoded.
        del frames
        cut.reverse()
        while cut:
            yield cut.pop()

    def produce(block: tuple[slice, ...]) -> list[tuple[tuple[int, ...], Any]]:
        take = read(block).__next__
        shape = tuple(s.stop - s.start for s in block)
        return [
            (
                tuple(b.start + t.start for b, t in zip(block, tile, strict=True)),
                encode(take),
            )
            for tile in tiles(shape, chunks)
        ]

    size = _block_shape(dataset, data)
    blocks = tiles(dataset.shape, size)
    threads = thread_count(math.prod(size) * dtype.itemsize)
    with closing(ahead(produce, blocks, threads)) as produced:
        for block, stored in zip(tiles(dataset.shape, size), produced, strict=True):
            for offset, chunk in stored:
                dataset.id.write_direct_chunk(offset, chunk)
            if block[-2].stop == dataset.shape[-2]:
                advance(math.prod(s.stop - s.start for s in block[:-2]))


def _block_shape(dataset: h5py.Dataset, data: ArrayLike) -> tuple[int, ...]:
    """Shape of what is read at once: whole chunks of the dataset."""
    *leading, rows, width = dataset.chunks
    # A source whose own chunks are higher would decode each of them several times.
    cheap = data.chunks[-2] if isinstance(data, LazyArray) else 1
    rows *= math.ceil(cheap / rows)
    if leading:
        frame = rows * width * dataset.dtype.itemsize
        leading[-1] = max(1, _SMALLEST_BLOCK // frame)
    return (*leading, rows, width)


def _whole(tile: np.ndarray, chunks: tuple[int, ...]) -> np.ndarray:
    """Pad a tile that the dataset ends inside: HDF5 stores chunks whole."""
    if tile.shape == chunks:
        return tile
    padded = np.zeros(chunks, tile.dtype)
    padded[tuple(slice(n) for n in tile.shape)] = tile
    return padded
