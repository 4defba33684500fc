"""HDF5 filter plugins, called directly.

HDF5 runs its filters one chunk at a time behind one lock. The plugins themselves
need neither that lock nor Python's: called here, they work in as many threads as
there are cores. They are hdf5plugin's own libraries, through the interface every
HDF5 filter plugin has, so what they make is what HDF5 would have made.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np

from ..errors import ReadError, WriteError
from .memory import Memory, owned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Keeps its settings where all threads see them: another chunk's may be taken.
_SZ = 32017

_REVERSE = 0x0100  # H5Z_FLAG_REVERSE of H5Zpublic.h: decode

# A filter frees the buffer it is given and returns one that we free: all with
# the C library it was built against.
_libc = ctypes.CDLL("ucrtbase" if os.name == "nt" else None)
_libc.malloc.argtypes, _libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
_libc.free.argtypes, _libc.free.restype = [ctypes.c_void_p], None

# Linux's C library has so much straight from the system, and returns it at once when
# it is freed; less stays with the heap of the thread. What is not touched is not taken.
_STRAIGHT = 33 * 2**20
_LARGE = 2**20
if hasattr(mmap, "MADV_HUGEPAGE"):
    _libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

_FilterFunction = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,  # flags
    ctypes.c_size_t,  # number of options
    ctypes.POINTER(ctypes.c_uint),  # options
    ctypes.c_size_t,  # bytes used
    ctypes.POINTER(ctypes.c_size_t),  # bytes allocated
    ctypes.POINTER(ctypes.c_void_p),  # buffer
)


class _FilterClass(ctypes.Structure):
    """``H5Z_class2_t`` of H5Zpublic.h."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", _FilterFunction),
    )


def available(code: int) -> bool:
    """Tell whether hdf5plugin, or h5py, brings a filter that works in threads.

    Parameters
    ----------
    code
        Number of the filter, as registered with The HDF Group.
    """
    return code != _SZ and _filter(code) is not None


def encode(
    code: int, options: Sequence[int], nbytes: int, fill: Callable[[np.ndarray], None]
) -> np.ndarray:
    """Encode a chunk as HDF5 would.

    Parameters
    ----------
    code
        Number of a filter that is `available`.
    options
        Its options as stored with the dataset: what HDF5 calls ``cd_values``.
    nbytes
        Bytes of the chunk before it is encoded.
    fill
        Is given an array, uint8, shape (nbytes,), to put the chunk there; it must
        not be kept.

    Returns
    -------
    numpy.ndarray
        What to store, uint8, shape (n,).

    Raises
    ------
    WriteError
        If the filter refuses.
    """
    encoded = _run(code, 0, options, nbytes, fill)
    if encoded is None:
        raise WriteError(f"HDF5 filter {code} could not encode a chunk")
    return encoded


def decode(code: int, options: Sequence[int], *data: np.ndarray) -> np.ndarray:
    """Decode a chunk as HDF5 would.

    Parameters
    ----------
    code, options
        As for `encode`.
    *data
        What is stored, uint8, shape (n,), maybe in several arrays.

    Returns
    -------
    numpy.ndarray
        The chunk, uint8, shape (n,), writable.

    Raises
    ------
    ReadError
        If the filter refuses, e.g. because the chunk is corrupt.
    """
    nbytes = sum([each.nbytes for each in data])
    decoded = _run(
        code, _REVERSE, options, nbytes, lambda memory: np.concatenate(data, out=memory)
    )
    if decoded is None:
        raise ReadError(f"HDF5 filter {code} could not decode a chunk")
    return decoded


@cache
def library(code: int) -> ctypes.CDLL | None:
    """Return the library that hdf5plugin brings for a filter, if it does.

    Parameters
    ----------
    code
        Number of the filter.
    """
    names = {number: name for name, number in hdf5plugin.FILTERS.items()}
    path = hdf5plugin.get_config().registered_filters.get(names.get(code))
    if path is None or path == "unknown":  # registered by someone else
        return None
    return ctypes.CDLL(path)


@cache
def _filter(code: int) -> Any:
    if code == h5py.h5z.FILTER_LZF:
        return _lzf()
    plugin = library(code)
    if plugin is None:
        return None
    get_info = plugin.H5PLget_plugin_info
    get_info.restype = ctypes.POINTER(_FilterClass)
    return get_info().contents.filter


def _lzf() -> Any:
    """h5py's own filter, None where its build does not let it be seen."""
    try:
        return _FilterFunction(("lzf_filter", ctypes.CDLL(h5py.h5z.__file__)))
    except (AttributeError, OSError):
        return None


def _run(
    code: int,
    flags: int,
    options: Sequence[int],
    used: int,
    fill: Callable[[np.ndarray], object],
) -> np.ndarray | None:
    address = _allocated(used)
    buffer = ctypes.c_void_p(address)
    try:
        fill(np.asarray(Memory(address, used)))
    except BaseException:
        _libc.free(buffer)
        raise
    size = _filter(code)(
        flags,
        len(options),
        (ctypes.c_uint * len(options))(*options),
        used,
        ctypes.byref(ctypes.c_size_t(used)),
        ctypes.byref(buffer),
    )
    # Zero is an error; so is Zstandard's negative error code, which its plugin
    # hands on as if it were a size.
    if not 0 < size <= sys.maxsize:
        _libc.free(buffer)
        return None
    assert buffer.value is not None
    return owned(buffer.value, size, _libc.free, buffer.value)


def _allocated(nbytes: int) -> int:
    """Address of memory that a filter may free."""
    is_large = nbytes >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE")
    address = _libc.malloc(nbytes + _STRAIGHT if is_large else nbytes)
    if not address:
        raise MemoryError(f"no memory for a chunk of {nbytes} bytes")
    if is_large:  # if the system refuses, it just takes longer
        start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        _libc.madvise(start, nbytes, mmap.MADV_HUGEPAGE)
    return int(address)
