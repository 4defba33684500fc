"""Chunks decoded outside HDF5.

HDF5 decodes one chunk at a time behind one lock. The codecs here release Python's
lock, so chunks decode in as many threads as there are cores; what is not in the
table is left to HDF5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import deflate
import h5py
import hdf5plugin
import numpy as np
import zstandard

from ..errors import ReadError
from . import filters
from .blockwise import decode_part, is_blockwise, parts
from .fletcher import fletcher32
from .inflation import check_declared, check_deflated
from .memory import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .blockwise import Part

    # What is stored, the filter's options, the bytes of a whole chunk, and where these
    # may go: what is returned is there, or elsewhere.
    Decode = Callable[[np.ndarray, Sequence[int], int, np.ndarray | None], np.ndarray]

    # Something left to do, in any thread.
    Job = Callable[[], None]

_CHECKSUM_BYTES = 4
_ZSTD: int = hdf5plugin.Zstd.filter_id

# What a thread takes at once, decoded: it stays in a cache of its own.
_PART = 2**20


@dataclass(frozen=True)
class Pipeline:
    """The filters of a dataset, undone.

    Parameters
    ----------
    steps
        Codec and options of each filter, in the order in which they encode.
    nbytes
        Bytes of a decoded chunk.
    blockwise
        Number of the first filter if that encodes block by block, else 0.
    """

    steps: tuple[tuple[Decode, tuple[int, ...]], ...]
    nbytes: int
    blockwise: int = 0

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Pipeline | None:
        """Return the pipeline of a chunked dataset; None if only HDF5 knows it.

        Parameters
        ----------
        dataset
            An open dataset stored in chunks.
        """
        created = dataset.id.get_create_plist()
        steps, blockwise = [], 0
        for index in range(created.get_nfilters()):
            code, _, options, _ = created.get_filter(index)
            decode = _codec(code)
            # HDF5 refuses a shuffle of nothing, in words of its own.
            shuffles_nothing = decode is _unshuffle and not (options and options[0])
            if decode is None or shuffles_nothing:
                return None
            steps.append((decode, options))
            if index == 0 and is_blockwise(code, options):
                blockwise = code
        size = int(np.prod(dataset.chunks, dtype=np.int64)) * dataset.dtype.itemsize
        return cls(tuple(steps), size, blockwise)

    @property
    def copies(self) -> bool:
        """Whether to decode takes several times the memory of a chunk."""
        plugins = [isinstance(decode, partial) for decode, _ in self.steps]
        return any(plugins[bool(self.blockwise) :])

    def decode(self, stored: np.ndarray, skipped: int, out: np.ndarray) -> None:
        """Decode a chunk, in this thread.

        Parameters
        ----------
        stored, skipped, out
            As for `begin`, which also raises the same.
        """
        for job in self.begin(stored, skipped, out):
            job()

    def begin(self, stored: np.ndarray, skipped: int, out: np.ndarray) -> list[Job]:
        """Decode a chunk, or find how to do so in parts.

        Parameters
        ----------
        stored
            What is in the file, uint8, shape (n,).
        skipped
            HDF5's filter mask: bit i is set where filter i was not applied.
        out
            Filled with the chunk, uint8, shape (nbytes,).

        Returns
        -------
        list of callable
            What is left to do, in any order and thread; what is done otherwise.

        Raises
        ------
        InflationError
            If it would be far larger than a chunk.
        ReadError
            If it is not what these filters make; so do the callables.
        """
        for index, (decode, options) in reversed(list(enumerate(self.steps))):
            if skipped >> index & 1:
                continue
            if index == 0 and self.blockwise:
                code = self.blockwise
                cut = parts(code, options, stored, self.nbytes, _PART)
                jobs: list[Job] = [
                    partial(_put_part, code, options, part, out) for part in cut
                ]
                if len(jobs) > 1:
                    return jobs
                jobs[0]()
                return []
            stored = decode(stored, options, self.nbytes, None if index else out)
        _put(stored, out)
        return []


def _put(decoded: np.ndarray, out: np.ndarray) -> None:
    if decoded.size != out.size:
        raise ReadError(f"a chunk holds {decoded.size} bytes, not {out.size}")
    if decoded is not out:
        out[...] = decoded


def _put_part(code: int, options: Sequence[int], part: Part, out: np.ndarray) -> None:
    where = out[part.where]
    _put(decode_part(code, options, part, where), where)


def _inflate(
    stored: np.ndarray,
    _options: Sequence[int],
    nbytes: int,
    _out: np.ndarray | None,
) -> np.ndarray:
    try:
        return np.frombuffer(deflate.zlib_decompress(stored, nbytes), np.uint8)
    except deflate.DeflateError as error:
        check_deflated(stored, nbytes)
        raise ReadError(f"a deflated chunk is corrupt: {error}") from error


def _decode_zstandard(
    stored: np.ndarray,
    options: Sequence[int],
    nbytes: int,
    out: np.ndarray | None,
) -> np.ndarray:
    check_declared(_ZSTD, options, stored, nbytes)
    # The plugin would make, and copy, two chunks.
    if out is None:
        out = SCRATCH.array((nbytes,), stored.dtype)
    try:
        with zstandard.ZstdDecompressor().stream_reader(stored.data) as frame:
            size, more = frame.readinto(out), frame.read(1)
    except zstandard.ZstdError as error:
        raise ReadError(f"a chunk of Zstandard is corrupt: {error}") from error
    if more:
        raise ReadError(f"a chunk of Zstandard holds more than {nbytes} bytes")
    return out if size == nbytes else out[:size]


def _unshuffle(
    stored: np.ndarray,
    options: Sequence[int],
    _nbytes: int,
    out: np.ndarray | None,
) -> np.ndarray:
    if out is None or out.size != stored.size:
        out = np.empty_like(stored)
    itemsize = options[0]
    count = stored.size // itemsize
    whole = count * itemsize
    out[whole:] = stored[whole:]
    planes = stored[:whole].reshape(itemsize, count)
    if itemsize == 2:
        # Twice as fast as the way below, and what most cameras write.
        items = out[:whole].view("<u2")
        np.left_shift(planes[1], 8, out=items, dtype="<u2")
        items |= planes[0]
        return out
    items = out[:whole].reshape(count, itemsize)
    # One plane at a time is five times as fast as all in one assignment.
    for index, plane in enumerate(planes):
        items[:, index] = plane
    return out


def _checked(
    stored: np.ndarray,
    _options: Sequence[int],
    _nbytes: int,
    _out: np.ndarray | None,
) -> np.ndarray:
    data, checksum = stored[:-_CHECKSUM_BYTES], stored[-_CHECKSUM_BYTES:]
    written = int.from_bytes(checksum.tobytes(), "little")
    # Either half may stand as 0 or 65535, which are one number to this checksum.
    if any((fletcher32(data) - written >> half & 0xFFFF) % 0xFFFF for half in (0, 16)):
        raise ReadError("a chunk does not match its checksum (Fletcher-32)")
    return data


@cache
def _codec(code: int) -> Decode | None:
    if code in _CODECS:
        return _CODECS[code]
    if filters.available(code):
        return partial(_plugin, code)
    return None


def _plugin(
    code: int,
    stored: np.ndarray,
    options: Sequence[int],
    nbytes: int,
    _out: np.ndarray | None,
) -> np.ndarray:
    check_declared(code, options, stored, nbytes)
    return filters.decode(code, options, stored)


_CODECS: Mapping[int, Decode] = {
    h5py.h5z.FILTER_DEFLATE: _inflate,
    _ZSTD: _decode_zstandard,
    h5py.h5z.FILTER_SHUFFLE: _unshuffle,
    h5py.h5z.FILTER_FLETCHER32: _checked,
}
