"""How a dataset is cut and compressed.

Chunks are one frame each, or bands of rows of a very large one: h5py's automatic
chunks span several frames and make every one of them slow to read back.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, get_args

import hdf5plugin

from ..errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Filter = Literal["gzip", "bitshuffle-lz4", "zstd", "blosc2"]
Compression = Filter | None
COMPRESSIONS: tuple[str, ...] = (*get_args(Filter), "none")

_LARGEST_CHUNK = 64 * 2**20

# ISA-L's level 1 packs as well as zlib's 4 and is ten times as fast; the level
# named in the file is only ever used by programs that append to it.
_GZIP = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


def dataset_options(compression: Compression) -> Mapping[str, Any]:
    """Keyword arguments of h5py's ``create_dataset`` for a compression.

    Parameters
    ----------
    compression
        ``"gzip"`` (every HDF5 tool reads it), ``"bitshuffle-lz4"``, ``"zstd"``,
        ``"blosc2"`` (readers need the filter) or None.

    Raises
    ------
    WriteError
        If it is none of these.
    """
    if compression is None:
        return {}
    if compression == "gzip":
        return _GZIP
    if compression == "bitshuffle-lz4":
        return hdf5plugin.Bitshuffle(cname="lz4")
    if compression == "zstd":
        return {**hdf5plugin.Zstd(clevel=3), "shuffle": True}
    if compression == "blosc2":
        return hdf5plugin.Blosc2(cname="zstd", clevel=1)
    raise WriteError(
        f"compression {compression!r} is not known; use None or one of "
        + ", ".join(map(repr, get_args(Filter)))
    )


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...] | None:
    """Shape of the chunks a dataset is stored in.

    Parameters
    ----------
    shape
        Shape of the dataset.
    itemsize
        Bytes an element.

    Returns
    -------
    tuple of int or None
        One frame, or as many of its rows as make 64 MiB; None for a dataset
        without frames or elements, which is stored contiguously.
    """
    if len(shape) < 2 or 0 in shape:
        return None
    height, width = shape[-2:]
    rows = min(height, max(1, _LARGEST_CHUNK // (width * itemsize)))
    return (1,) * (len(shape) - 2) + (rows, width)


def tiles(shape: tuple[int, ...], size: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut an array into blocks.

    Parameters
    ----------
    shape
        Shape of the array.
    size
        Shape of a block; those at the end of an axis may be smaller.

    Yields
    ------
    tuple of slice
        One block, in C order.
    """
    ranges = [range(0, n, step) for n, step in zip(shape, size, strict=True)]
    for corner in itertools.product(*ranges):
        yield tuple(
            slice(start, min(start + step, n), 1)
            for start, step, n in zip(corner, size, shape, strict=True)
        )
