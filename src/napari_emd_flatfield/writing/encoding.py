"""How pixels become chunks in a file.

Chunks are one frame each, or bands of rows of a very large one: h5py's automatic
chunks span several frames and make every one of them slow to read back.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import h5py
import hdf5plugin
import numpy as np
from isal import isal_zlib

from ..errors import WriteError
from ..lazy import filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Filter = Literal["gzip", "bitshuffle-lz4", "zstd", "blosc2"]
Compression = Filter | None
Take = Callable[[], np.ndarray]
Encode = Callable[[Take], bytes | np.ndarray]
COMPRESSIONS: tuple[str, ...] = (*get_args(Filter), "none")

_LARGEST_CHUNK = 64 * 2**20
_PIECE = 512 * 2**10

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
            slice(start, min(start + step, n))
            for start, step, n in zip(corner, size, shape, strict=True)
        )


def encoder(dataset: h5py.Dataset) -> Encode:
    """Return a function that encodes a chunk, safe in several threads.

    Parameters
    ----------
    dataset
        Created with `chunk_shape` and `dataset_options`.

    Returns
    -------
    callable
        Is given a function that reads a chunk, whole and of the dataset's dtype;
        returns what is to be written with ``write_direct_chunk``.

    Raises
    ------
    WriteError
        If hdf5plugin does not have the filter.
    """
    created = dataset.id.get_create_plist()
    pipeline = [created.get_filter(i) for i in range(created.get_nfilters())]
    if not pipeline:
        return lambda take: np.ascontiguousarray(take())
    code, _, options, name = pipeline[-1]
    nbytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if code == h5py.h5z.FILTER_DEFLATE:
        return partial(_gzip, nbytes)
    if not filters.available(code):
        raise WriteError(
            f"this build of hdf5plugin lacks HDF5 filter {code} ({name.decode()}); "
            "use compression='gzip'"
        )
    encode = partial(filters.encode, code, options, nbytes)
    if pipeline[0][0] == h5py.h5z.FILTER_SHUFFLE:
        return lambda take: encode(lambda: _planes(take()))
    return encode


def _planes(chunk: np.ndarray) -> np.ndarray:
    """View bytes as HDF5's shuffle filter orders them, shape (itemsize, n)."""
    stored = np.ascontiguousarray(chunk).view(np.uint8)
    return stored.reshape(-1, chunk.dtype.itemsize).T


def _gzip(nbytes: int, take: Take) -> bytes | np.ndarray:
    """Encode as HDF5's shuffle and deflate filters do."""
    if nbytes <= _PIECE:
        return bytes(isal_zlib.compress(np.ascontiguousarray(_planes(take())), level=1))
    # Made before the chunk is read, so that the memory of chunks, which go first,
    # is not left in pieces between those of their encoded twins.
    encoded = np.empty(nbytes + nbytes // 64, np.uint8)
    planes = _planes(take())
    stream = isal_zlib.compressobj(level=1)
    end = 0
    # All of it at once would not stay in the core's cache.
    for plane, start in itertools.product(planes, range(0, planes.shape[1], _PIECE)):
        piece = np.ascontiguousarray(plane[start : start + _PIECE])
        end = _append(encoded, end, stream.compress(piece))
    end = _append(encoded, end, stream.flush())
    return encoded[:end]


def _append(buffer: np.ndarray, end: int, more: bytes) -> int:
    buffer[end : end + len(more)] = np.frombuffer(more, np.uint8)
    return end + len(more)
