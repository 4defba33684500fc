"""Blosc2 chunks that tell their shape.

Blosc2 keeps a chunk of several dimensions, which it calls B2ND, in blocks of which a
reader may decode those it needs. HDF5's filter lets blocks be narrower than rows and
so makes two more copies of the chunk. Blocks of whole rows lie in order as they are:
such a chunk is one of plain bytes whose header tells the shape as well
(https://www.blosc.org/c-blosc2/format/b2nd_format.html).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ..errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

# Bytes of a block: what Blosc2 takes by itself, and what costs little more.
_BLOCK = 2**17
_LEAST, _MOST = _BLOCK // 4, _BLOCK * 4

# Places in a header (https://www.blosc.org/c-blosc2/format/cframe_format.html).
_SIZES = struct.Struct(">iBQ")  # of the header and of all, an msgpack type between
_SIZES_AT = 11
_BLOCK_AT = 53
_LAYERS_AT = 87
_PLACES = struct.Struct(">BBHBH")
_PLACE = struct.Struct(">Bi")
_LAYER = struct.Struct(">BHBI")
# Three parts: the size of the first two, the places of layers, and layers.
_NO_LAYERS = _PLACES.pack(0x93, 0xCD, 7, 0xDE, 0) + b"\xdc\x00\x00"

# Bytes of a header without layers.
PLAIN_HEADER = _LAYERS_AT + len(_NO_LAYERS)


class Blocks(NamedTuple):
    """Blocks of whole rows that a chunk is divided into.

    Parameters
    ----------
    shape
        Shape of the chunk: ones, rows, columns.
    itemsize
        Bytes of an element.
    rows
        Rows of a block, which divide those of the chunk.
    """

    shape: tuple[int, ...]
    itemsize: int
    rows: int

    @classmethod
    def of(cls, shape: tuple[int, ...], itemsize: int) -> Blocks | None:
        """Divide a chunk; None if there are no blocks of a useful size."""
        rows, width = shape[-2:]
        row = width * itemsize
        most = min(rows, max(1, _MOST // row))
        whole = [n for n in range(1, most + 1) if rows % n == 0]
        nearest = min(whole, key=lambda n: abs(n * row - _BLOCK))
        is_useful = nearest * row >= min(_LEAST, rows * row)
        return cls(shape, itemsize, nearest) if is_useful else None

    @property
    def nbytes(self) -> int:
        """Bytes of a block."""
        return self.rows * self.shape[-1] * self.itemsize

    def options(self, options: tuple[int, ...]) -> tuple[int, ...]:
        """Tell the filter the size of blocks, and nothing of the shape.

        Parameters
        ----------
        options
            What HDF5 stores: version, block, element, chunk, level, shuffle, codec,
            and the shape.
        """
        version, _, *others = options[:7]
        return version, self.nbytes, *others

    def header(self, frame: np.ndarray) -> bytes:
        """Header that tells the shape of a chunk.

        Parameters
        ----------
        frame
            What the filter made of it with `options`, uint8, shape (n,).

        Returns
        -------
        bytes
            To be stored in place of the first `PLAIN_HEADER` bytes.

        Raises
        ------
        WriteError
            If the filter has made something else.
        """
        plain = frame[:PLAIN_HEADER].tobytes()
        (nbytes,) = struct.unpack_from(">i", plain, _BLOCK_AT)
        if not plain.endswith(_NO_LAYERS) or nbytes != self.nbytes:
            raise WriteError(
                "this build of hdf5plugin makes Blosc2 chunks of an unknown kind; "
                "use compression='gzip'"
            )
        block = (*self.shape[:-2], self.rows, self.shape[-1])
        told = bytearray(plain[:_LAYERS_AT] + _layers(self.shape, block, self.itemsize))
        size, kind, total = _SIZES.unpack_from(told, _SIZES_AT)
        more = len(told) - len(plain)
        _SIZES.pack_into(told, _SIZES_AT, size + more, kind, total + more)
        return bytes(told)


def _layers(shape: Sequence[int], block: Sequence[int], itemsize: int) -> bytes:
    """The one layer there is, in msgpack with numbers as wide as Blosc2 reads them."""
    dtype = b"|V%d" % itemsize
    layer = b"".join(
        [
            struct.pack("3B", 0x97, 0, len(shape)),
            _numbers(0xD3, "q", shape),  # of the whole
            _numbers(0xD2, "i", shape),  # of its only chunk
            _numbers(0xD2, "i", block),
            struct.pack(">BBI", 0, 0xDB, len(dtype)) + dtype,
        ]
    )
    name = b"\xa4b2nd"
    places = _PLACES.size + len(name) + _PLACE.size
    return b"".join(
        [
            _PLACES.pack(0x93, 0xCD, places, 0xDE, 1),
            name + _PLACE.pack(0xD2, _LAYERS_AT + places + _LAYER.size - 5),
            _LAYER.pack(0xDC, 1, 0xC6, len(layer)) + layer,
        ]
    )


def _numbers(kind: int, code: str, values: Sequence[int]) -> bytes:
    array = struct.pack("B", 0x90 + len(values))
    return array + b"".join(struct.pack(f">B{code}", kind, n) for n in values)
