"""Chunks that HDF5 decodes sooner than Python gets to it.

Some codecs are nearly as fast as memory. What Python does for each chunk, and what
threads wait for its lock, then takes longer than to have HDF5 decode one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import h5py
import hdf5plugin

from ..errors import UnsafeChunkError
from .blockwise import is_blockwise, parts
from .inflation import check_declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

_SHUFFLE, _CHECKSUM = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32
_ZSTD: int = hdf5plugin.Zstd.filter_id
_BITSHUFFLE: int = hdf5plugin.Bitshuffle.filter_id
_BY_ZSTD = 3  # which may compress what it shuffles

# From so many bytes in a chunk on, our own threads are as fast as HDF5, or faster;
# measured with frames of one chunk and of many.
_LEAST: Mapping[int, int] = {
    h5py.h5z.FILTER_LZF: 2**17,
    _ZSTD: 2**19,
    hdf5plugin.Blosc2.filter_id: 2**19,
    hdf5plugin.Blosc.filter_id: 2**22,
    hdf5plugin.LZ4.filter_id: 2**22,
    _BITSHUFFLE: 2**22,
}
_LEAST_SHUFFLED = 2**20

_HEAD = 40


@dataclass(frozen=True)
class Quick:
    """Which chunks of a dataset HDF5 had better decode.

    Parameters
    ----------
    below
        Those that have fewer bytes than this, decoded.
    code, options
        The filter that compresses them, as stored with the dataset; 0 if none does.
    """

    below: float
    code: int
    options: tuple[int, ...]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Self:
        """Look at the filters of a dataset.

        Parameters
        ----------
        dataset
            An open dataset stored in chunks.
        """
        created = dataset.id.get_create_plist()
        every = [created.get_filter(index) for index in range(created.get_nfilters())]
        filters = [(code, options) for code, _, options, _ in every]
        is_summed = any(code == _CHECKSUM for code, _ in filters)
        while filters and filters[-1][0] == _CHECKSUM:
            filters.pop()
        others = [code for code, _ in filters if code not in (_SHUFFLE, _CHECKSUM)]
        if not others:
            # HDF5 sums as fast as it copies.
            return cls(math.inf if is_summed else _LEAST_SHUFFLED, 0, ())
        code, options = filters[-1]
        if others != [code]:
            # What stands at its begin does not say how large a chunk gets.
            return cls(0, 0, ())
        return cls(_least(code, options), code, options)

    @property
    def head(self) -> int | None:
        """How many bytes of a chunk tell whether it is harmless; None for all."""
        return None if is_blockwise(self.code, self.options) else _HEAD

    def is_harmless(self, stored: np.ndarray, nbytes: int) -> bool:
        """Tell whether HDF5 can decode a chunk without leaving memory that is its own.

        It has no bound for what a chunk decodes to, and some filters believe what a
        chunk says of itself.

        Parameters
        ----------
        stored
            What is in the file, or as much of it as `head` says, uint8, shape (n,).
        nbytes
            Bytes of a decoded chunk.
        """
        try:
            check_declared(self.code, self.options, stored, nbytes)
            if self.head is None:
                parts(self.code, self.options, stored, nbytes, nbytes)
        except UnsafeChunkError:
            return False
        return True


def _least(code: int, options: tuple[int, ...]) -> int:
    if code == _BITSHUFFLE and options[4:5] == (_BY_ZSTD,):
        code = _ZSTD
    return _LEAST.get(code, 0)
