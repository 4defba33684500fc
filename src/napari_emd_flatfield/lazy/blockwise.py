"""Chunks encoded block by block, as Bitshuffle and LZ4 do: decoded in parts.

Both plugins store how many bytes the chunk has (8, big-endian), how many a block has
(4), and each block after its length (4). What is cut out between two blocks and put
behind such a start is a stream of its own
(https://github.com/kiyo-masui/bitshuffle, and HDF5 filter 32004 as registered).
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ReadError, UnsafeChunkError
from . import filters

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = struct.Struct(">QI")
_LENGTH = struct.Struct(">I")

_LZ4 = 32004
_BITSHUFFLE = 32008
# Of Bitshuffle, which may also only shuffle.
_ITEMSIZE_OPTION, _CODEC_OPTION = 2, 4
_DECODERS = {2: "bshuf_decompress_lz4", 3: "bshuf_decompress_zstd"}


class Part(NamedTuple):
    """Some blocks of a chunk.

    Parameters
    ----------
    where
        Which bytes of the chunk they are.
    start, blocks
        What a stream of only these begins with, and goes on with, uint8.
    """

    where: slice
    start: np.ndarray
    blocks: np.ndarray


def is_blockwise(code: int, options: Sequence[int]) -> bool:
    """Tell whether a filter encodes block by block.

    Parameters
    ----------
    code
        Number of the filter.
    options
        Its options as stored with the dataset.
    """
    if code == _BITSHUFFLE:
        return len(options) > _CODEC_OPTION and options[_CODEC_OPTION] in _DECODERS
    return code == _LZ4


def parts(
    code: int, options: Sequence[int], stored: np.ndarray, nbytes: int, most: int
) -> list[Part]:
    """Cut an encoded chunk into parts that decode one by one.

    Parameters
    ----------
    code, options
        As for `is_blockwise`, which is true of them.
    stored
        What is in the file, uint8, shape (n,).
    nbytes
        Bytes of the chunk.
    most
        About how many bytes of the chunk a part shall have.

    Returns
    -------
    list of Part
        In order, at least one.

    Raises
    ------
    UnsafeChunkError
        If the stream is not one of such a chunk.
    """
    if stored.size < _START.size:
        raise UnsafeChunkError(f"a chunk is corrupt: it has {stored.size} bytes only")
    total, block = _START.unpack_from(stored.data)
    if total != nbytes or not block:
        raise UnsafeChunkError(
            f"a chunk is corrupt: it says it holds {total} bytes, in blocks of {block}"
        )
    left_over, behind = nbytes % block, 0
    if code == _BITSHUFFLE:
        # It stores fewer than 8 elements as they are, behind all blocks.
        eight = 8 * max(1, options[_ITEMSIZE_OPTION])
        left_over, behind = divmod(left_over, eight)
    ends = _ends(stored.data[: stored.size - behind], nbytes // block + bool(left_over))
    each = max(1, most // block)
    cuts = [*(ends[:-1:each] or ends), stored.size]
    cut = []
    for index, (first, end) in enumerate(pairwise(cuts)):
        begin = index * each * block
        stop = nbytes if end == stored.size else begin + each * block
        start = np.frombuffer(_START.pack(stop - begin, block), np.uint8)
        cut.append(Part(slice(begin, stop), start, stored[first:end]))
    return cut


def decode_part(
    code: int, options: Sequence[int], part: Part, out: np.ndarray
) -> np.ndarray:
    """Decode a part of a chunk.

    Parameters
    ----------
    code, options
        As for `parts`.
    part
        One of those it returns.
    out
        Where it may go, uint8, shape (n,), contiguous.

    Returns
    -------
    numpy.ndarray
        The part: `out`, or elsewhere.

    Raises
    ------
    ReadError
        If it cannot be decoded.
    """
    itemsize = options[_ITEMSIZE_OPTION] if code == _BITSHUFFLE else 0
    _, block = _START.unpack(part.start.data)
    function = _decoder(options[_CODEC_OPTION]) if itemsize else None
    if function is None or out.size % itemsize or block % itemsize:
        return filters.decode(code, options, part.start, part.blocks)
    source, target = (
        each.__array_interface__["data"][0] for each in (part.blocks, out)
    )
    sizes = out.size // itemsize, itemsize, block // itemsize
    if function(source, target, *sizes) < 0:
        raise ReadError(f"HDF5 filter {code} could not decode a chunk")
    return out


@cache
def _decoder(codec: int) -> Any:
    """What Bitshuffle's filter calls, which needs no memory for what it decodes.

    None where hdf5plugin's library does not let it be seen.
    """
    function = getattr(filters.library(_BITSHUFFLE), _DECODERS[codec], None)
    if function is not None:
        # in, out, number of elements, bytes of one, elements of a block (bitshuffle.h)
        function.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 3
        function.restype = ctypes.c_int64
    return function


def _ends(stream: memoryview, count: int) -> list[int]:
    """Where the start of a stream ends, and each of its blocks."""
    end, ends = _START.size, [_START.size]
    length_at, size = _LENGTH.unpack_from, len(stream) - _LENGTH.size
    for _ in range(count):
        if end > size:
            break
        end += _LENGTH.size + length_at(stream, end)[0]
        ends.append(end)
    if len(ends) <= count or end > len(stream):
        raise UnsafeChunkError("a chunk is corrupt: its blocks are longer than it is")
    return ends
