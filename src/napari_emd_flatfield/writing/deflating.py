"""Deflate that does not try to compress noise.

The last bits of measured floats, and the last byte of most counts, are noise: ISA-L
takes as long for them as for the rest, and whoever reads them back takes longer. What
of a sample does not become smaller is stored as it is, which is part of the format
(RFC 1950, RFC 1951), so that every zlib reads it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LEVEL = 1
# No header: blocks follow each other, whoever made them.
_RAW = -15

# A window of 32 kB, the least effort.
_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x01\x00\x00\xff\xff"

# What a block that is stored as it is says before its bytes: that it is one, how many
# there are, and these bits inverted.
_START = struct.Struct("<BHH")
_LARGEST = 0xFFFF

# A sample: runs of neighbours, in bytes, long enough to find rows that repeat.
_RUN, _RUNS = 4096, 4
# It is noise if more than this of it is left.
_NOISE = 0.98


class Deflater:
    """Compresses pieces into one zlib stream, as ``zlib.compressobj`` does."""

    def __init__(self) -> None:
        self._sum = 1
        self._stream: Any = None
        self._begin = _HEADER

    def compress(self, piece: np.ndarray) -> bytes:
        """Take the next bytes.

        Parameters
        ----------
        piece
            uint8, shape (n,), contiguous.

        Returns
        -------
        bytes
            What follows in the stream, so far.
        """
        self._sum = isal_zlib.adler32(piece, self._sum)
        begin, self._begin = self._begin, b""
        if _is_noise(piece):
            parts = [self._ended(), *_stored(piece)]
        else:
            if self._stream is None:
                self._stream = isal_zlib.compressobj(_LEVEL, wbits=_RAW)
            parts = [self._stream.compress(piece)]
        return b"".join([begin, *parts])

    def flush(self) -> bytes:
        """Return the end of the stream."""
        checksum = self._sum.to_bytes(4, "big")
        return self._begin + self._ended() + _LAST_BLOCK + checksum

    def _ended(self) -> bytes:
        # Blocks that come later may not refer to what lies before those in between.
        stream, self._stream = self._stream, None
        return stream.flush(isal_zlib.Z_SYNC_FLUSH) if stream else b""


def _is_noise(piece: np.ndarray) -> bool:
    if piece.size < _RUN * _RUNS:
        return False
    runs = piece[: piece.size // _RUNS * _RUNS].reshape(_RUNS, -1)[:, :_RUN]
    sample = np.ascontiguousarray(runs)
    return len(isal_zlib.compress(sample, _LEVEL)) > _NOISE * sample.size


def _stored(piece: np.ndarray) -> list[Buffer]:
    blocks: list[Buffer] = []
    for first in range(0, piece.size, _LARGEST):
        block = piece[first : first + _LARGEST]
        blocks += [_START.pack(0, block.size, block.size ^ _LARGEST), block.data]
    return blocks
