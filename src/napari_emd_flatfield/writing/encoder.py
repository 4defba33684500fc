"""Chunks made into what is stored of them, in any thread."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import hdf5plugin
import numpy as np
import zstandard
from isal import isal_zlib

from ..errors import WriteError
from ..lazy import filters
from ..lazy.fletcher import fletcher32
from ..lazy.memory import SCRATCH, Pool, fresh, trim
from .b2nd import PLAIN_HEADER, Blocks
from .deflating import Deflater

if TYPE_CHECKING:
    from collections.abc import Callable

    Fill = Callable[[np.ndarray], None]

# More of a chunk than this does not stay in a core's cache while it is encoded.
_PIECE = 512 * 2**10

# To return what a plugin took for less than this takes longer than to encode it.
_LEAST_TRIMMED = 2**20

_BLOSC2: int = hdf5plugin.Blosc2.filter_id
_LARGEST_ITEM = 255  # bytes, as far as Blosc2's filter counts them
_BITSHUFFLE: int = hdf5plugin.Bitshuffle.filter_id
_ZSTD: int = hdf5plugin.Zstd.filter_id
# Eight bytes for the size of what is encoded, four for that of the blocks in it.
_HEADER = 12


class Stored(NamedTuple):
    """What is to be written, and the memory it is in, if that is used again."""

    data: np.ndarray
    buffer: np.ndarray | None = None


class Encoder:
    """Does to the chunks of a dataset what HDF5 would do to them.

    Safe to use in several threads.

    Parameters
    ----------
    dataset
        Created with `chunk_shape` and `dataset_options`.

    Raises
    ------
    WriteError
        If hdf5plugin does not have the filter.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._shape, self._dtype = dataset.chunks, dataset.dtype
        self._nbytes: int = math.prod(dataset.chunks) * dataset.dtype.itemsize
        self._chunks = Pool()
        # A chunk that cannot be compressed grows a little.
        self._most = self._nbytes + self._nbytes // 64 + 64
        created = dataset.id.get_create_plist()
        steps = [created.get_filter(i) for i in range(created.get_nfilters())]
        self._sums = bool(steps) and steps[-1][0] == h5py.h5z.FILTER_FLETCHER32
        if self._sums:
            del steps[-1]
        self._shuffles = bool(steps) and steps[0][0] == h5py.h5z.FILTER_SHUFFLE
        self._code: int
        self._options: tuple[int, ...]
        self._code, _, self._options, name = steps[-1] if steps else (0, 0, (), b"")
        if self._code == _BLOSC2 and self._dtype.itemsize > _LARGEST_ITEM:
            raise WriteError(
                f"Blosc2 cannot take values of {self._dtype.itemsize} bytes; "
                "use compression='gzip'"
            )
        self._blocks: Blocks | None = None
        tells_shape = self._options[7:] == (len(self._shape), *self._shape)
        if self._code == _BLOSC2 and tells_shape:
            self._blocks = Blocks.of(self._shape, self._dtype.itemsize)
        if self._blocks is not None:
            self._options = self._blocks.options(self._options)
        self._is_stream = self._code in (h5py.h5z.FILTER_DEFLATE, _ZSTD)
        self._in_pieces = self._is_stream or self._code == _BITSHUFFLE
        self._is_plugin = bool(self._code) and not self._is_stream
        if self._is_plugin and not filters.available(self._code):
            raise WriteError(
                f"this build of hdf5plugin lacks HDF5 filter {self._code} "
                f"({name.decode()}); use compression='gzip'"
            )

    @property
    def nbytes_held(self) -> int:
        """Bytes that encoding one chunk takes, until it is released."""
        # Plugins copy what they are given, most of them all of it.
        copies = 1 + bool(self._code) + (self._is_plugin and not self._in_pieces)
        return copies * self._nbytes

    def encode(self, fill: Fill) -> Stored:
        """Encode a chunk.

        Parameters
        ----------
        fill
            Is given an array of the shape and dtype of a chunk, to put it there;
            it must not be kept.

        Returns
        -------
        Stored
            To be written with ``write_direct_chunk`` and then given to `release`.
        """
        stored = self._filtered(fill)
        if not self._sums:
            return stored
        encoded = stored.data.reshape(-1).view(np.uint8)
        summed = np.empty(encoded.size + 4, np.uint8)
        summed[:-4] = encoded
        summed[-4:].view("<u4")[:] = fletcher32(encoded)
        self.release(stored)
        return Stored(summed)

    def _filtered(self, fill: Fill) -> Stored:
        if self._code and not self._shuffles and not self._in_pieces:
            return self._whole(lambda memory: fill(self._as_chunk(memory)))
        buffer = self._chunks.take(self._nbytes)
        chunk = self._as_chunk(buffer)
        fill(chunk)
        if not self._code:
            return Stored(chunk, buffer)
        if self._code == _BITSHUFFLE:
            stored = self._bitshuffle(buffer)
            self._chunks.give(buffer)
            return stored
        # As HDF5's shuffle filter has it: first bytes first, then second bytes.
        planes = chunk.view(np.uint8).reshape(-1, chunk.dtype.itemsize).T
        if self._is_stream:
            stored = self._streamed(planes)
            self._chunks.give(buffer)
            return stored

        def shuffle(memory: np.ndarray) -> None:
            np.copyto(memory.reshape(planes.shape), planes)
            self._chunks.give(buffer)  # at once: to encode takes longer than to fill

        return self._whole(shuffle)

    def release(self, stored: Stored) -> None:
        """Take back memory.

        Parameters
        ----------
        stored
            What `encode` returned and is no longer needed.
        """
        if stored.buffer is not None:
            pool = SCRATCH if self._code else self._chunks
            pool.give(stored.buffer)

    def close(self) -> None:
        """Return the memory to the system; no chunk may be in use."""
        self._chunks.close()

    def _as_chunk(self, memory: np.ndarray) -> np.ndarray:
        chunk: np.ndarray = memory.view(self._dtype).reshape(self._shape)
        return chunk

    def _whole(self, fill: Fill) -> Stored:
        """Encode with a plugin that makes copies of what it is given."""
        encoded = self._plugin(fill, self._nbytes)
        if self._blocks is not None:
            encoded = self._with_shape(encoded, self._blocks)
        if self._nbytes >= _LEAST_TRIMMED:
            trim()  # or each thread would keep what the plugin took for copies
        return Stored(encoded)

    @staticmethod
    def _with_shape(frame: np.ndarray, blocks: Blocks) -> np.ndarray:
        header = blocks.header(frame)
        # Not where the plugin takes its memory, of which then nothing is in use.
        stored = fresh(len(header) + frame.size - PLAIN_HEADER)
        end = _append(stored, 0, header)
        _append(stored, end, frame[PLAIN_HEADER:])
        return stored

    def _plugin(self, fill: Fill, nbytes: int) -> np.ndarray:
        return filters.encode(self._code, self._options, nbytes, fill)

    def _bitshuffle(self, memory: np.ndarray) -> Stored:
        """Encode whole blocks at a time: what is made of each follows the last."""
        buffer = SCRATCH.take(self._most)
        end, block = _HEADER, _bitshuffle_block(self._dtype.itemsize)
        step = max(1, _PIECE // block) * block
        for start in range(0, self._nbytes, step):
            piece = memory[start : min(start + step, self._nbytes)]
            encoded = self._plugin(partial(_fill_from, piece), piece.size)
            end = _append(buffer, end, encoded[_HEADER:])
        buffer[:_HEADER] = encoded[:_HEADER]
        buffer[:8].view(">u8")[:] = self._nbytes
        return Stored(buffer[:end], buffer)

    def _stream(self) -> Any:
        if self._code == _ZSTD:
            (level,) = self._options
            return zstandard.ZstdCompressor(level).compressobj(self._nbytes)
        return Deflater()

    def _streamed(self, planes: np.ndarray) -> Stored:
        if planes.size <= _PIECE and self._code != _ZSTD:
            encoded = isal_zlib.compress(np.ascontiguousarray(planes), level=1)
            return Stored(np.frombuffer(encoded, np.uint8))
        buffer = SCRATCH.take(self._most)
        stream = self._stream()
        starts = range(0, planes.shape[1], _PIECE)
        end = 0
        for plane, start in itertools.product(planes, starts):
            piece = np.ascontiguousarray(plane[start : start + _PIECE])
            end = _append(buffer, end, stream.compress(piece))
        end = _append(buffer, end, stream.flush())
        return Stored(buffer[:end], buffer)


def _bitshuffle_block(itemsize: int) -> int:
    """Bytes that Bitshuffle encodes at a time, if nobody says how many.

    Whole groups of 8 elements, about 8 KiB, at least 128 elements
    (https://github.com/kiyo-masui/bitshuffle).
    """
    return max(128, 8192 // itemsize // 8 * 8) * itemsize


def _fill_from(source: np.ndarray, out: np.ndarray) -> None:
    out[...] = source


def _append(buffer: np.ndarray, end: int, more: bytes | np.ndarray) -> int:
    buffer[end : end + len(more)] = np.frombuffer(more, np.uint8)
    return end + len(more)
