"""Chunks that would take far more memory than they may hold, told beforehand.

A chunk has one size, decoded. A damaged or hostile one may decode to a thousand
times as much, or say that it does, and codecs take memory for what they are told.
"""

from __future__ import annotations

import math
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from ..errors import UnsafeChunkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import h5py
    import numpy as np

# To look at so many takes a second.
_MOST_CHUNKS = 10**6

_ZSTD_MAGIC = bytes.fromhex("28b52ffd")

# What cannot be compressed takes a little more than it is, what is padded some times
# as much; a bomb takes a thousand times as much.
_FACTOR, _MORE = 4, 4096

# Where in a chunk these filters find how much it decodes to.
_BLOSC, _LZ4, _BITSHUFFLE, _ZSTD, _BLOSC2 = 32001, 32004, 32008, 32015, 32026
_PLACES: Mapping[int, tuple[slice, Literal["little", "big"]]] = {
    _BLOSC: (slice(4, 8), "little"),
    _LZ4: (slice(0, 8), "big"),
    _BITSHUFFLE: (slice(0, 8), "big"),
    _BLOSC2: (slice(30, 38), "big"),
}


class InflationError(UnsafeChunkError):
    """A chunk decodes to more than it may hold.

    Parameters
    ----------
    nbytes
        Bytes of a decoded chunk.
    """

    def __init__(self, nbytes: int) -> None:
        super().__init__(
            f"a chunk of {nbytes} bytes decodes to many more; the file is damaged, or "
            "made to fill the memory"
        )


def most(nbytes: int) -> int:
    """How many bytes a chunk may take on its way through the filters.

    Parameters
    ----------
    nbytes
        Bytes of a decoded chunk.
    """
    return _FACTOR * nbytes + _MORE


def check_deflated(stored: np.ndarray, nbytes: int) -> None:
    """Refuse a deflated chunk that inflates to too much, by inflating that much.

    Parameters
    ----------
    stored
        What is in the file, uint8, shape (n,).
    nbytes
        Bytes of a decoded chunk.

    Raises
    ------
    InflationError
        If it does. Any other damage is none of this function's business.
    """
    with suppress(zlib.error):
        if len(zlib.decompressobj().decompress(stored.data, most(nbytes))) == most(
            nbytes
        ):
            raise InflationError(nbytes)


def check_declared(
    code: int, options: Sequence[int], stored: np.ndarray, nbytes: int
) -> None:
    """Refuse a chunk by what it says it decodes to.

    Parameters
    ----------
    code, options
        Number of the filter, and its options as stored with the dataset.
    stored
        What it would decode, uint8, shape (n,).
    nbytes
        Bytes of a decoded chunk.

    Raises
    ------
    InflationError
        If that is too much.
    """
    head, declared = stored[:40].tobytes(), 0
    if code == _ZSTD:
        declared = _declared_by_zstandard(head)
    elif code in _PLACES and not (code == _BITSHUFFLE and _only_shuffles(options)):
        place, order = _PLACES[code]
        declared = int.from_bytes(head[place], order)
    if declared > most(nbytes):
        raise InflationError(nbytes)


def check_stored(dataset: h5py.Dataset) -> None:
    """Refuse a dataset that takes, or of which a chunk takes, more than it holds.

    For what HDF5 decodes: it has no bound, and one chunk that is stored in far more
    bytes than it holds could take all memory. Of more than a million chunks, only the
    sum is looked at.

    Parameters
    ----------
    dataset
        Any dataset.

    Raises
    ------
    InflationError
        If that is so.
    """
    if dataset.chunks is None or not dataset.id.get_create_plist().get_nfilters():
        return
    nbytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    stored, count = dataset.id.get_storage_size(), dataset.id.get_num_chunks()
    if stored > count * most(nbytes):
        raise InflationError(nbytes)
    if stored <= most(nbytes) or count > _MOST_CHUNKS:
        return

    def is_too_large(chunk: Any) -> bool | None:
        return chunk.size > most(nbytes) or None

    if dataset.id.chunk_iter(is_too_large):
        raise InflationError(nbytes)


def _only_shuffles(options: Sequence[int]) -> bool:
    return len(options) < 5 or not options[4]


def _declared_by_zstandard(head: bytes) -> int:
    """Read the header of a frame (RFC 8878); 0 where that does not say."""
    flags = head[4] if head.startswith(_ZSTD_MAGIC) and len(head) > 4 else 0
    code, is_single = flags >> 6, flags >> 5 & 1
    at = 6 - is_single + (0, 1, 2, 4)[flags & 3]
    size = (is_single, 2, 4, 8)[code]
    return int.from_bytes(head[at : at + size], "little") + 256 * (code == 1)
