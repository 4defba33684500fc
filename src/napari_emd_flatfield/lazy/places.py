"""Where a dataset, or each of its chunks, lies in its file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .files import SharedFile

    Places = Mapping[tuple[int, ...], "Place"]

# To learn where so many chunks begin takes some ten milliseconds, once.
_MOST_CHUNKS = 2**15


class Place(NamedTuple):
    """Where a chunk is stored.

    Parameters
    ----------
    begin, nbytes
        Where in the file, and how many bytes it takes there.
    skipped
        HDF5's filter mask: bit i is set where filter i was not applied.
    """

    begin: int
    nbytes: int
    skipped: int


def is_plain(file: SharedFile, dataset: h5py.Dataset) -> bool:
    """Tell whether bytes of a file can be read where HDF5 says that they are.

    Parameters
    ----------
    file
        The file.
    dataset
        A dataset found through it: maybe by a link to another file.
    """
    elsewhere = (
        dataset.external
        or _file_number(dataset) != _file_number(file.handle())
        or file.handle().userblock_size
    )
    return hasattr(os, "preadv") and not elsewhere


def places(file: SharedFile, dataset: h5py.Dataset) -> Places | None:
    """Find the chunks of a dataset, to read them without HDF5 and its lock.

    Parameters
    ----------
    file
        The file.
    dataset
        A dataset stored in chunks, found through it: maybe by a link.

    Returns
    -------
    mapping or None
        By the index of a chunk's first element, those that are stored; None where
        HDF5 has to be asked for each.
    """
    count = dataset.id.get_num_chunks()
    if not count:
        return {}  # what HDF5 says of one of them then is made up
    if count > _MOST_CHUNKS or not is_plain(file, dataset) or _are_misnamed(dataset):
        return None
    found: dict[tuple[int, ...], Place] = {}

    def note(chunk: Any) -> None:
        found[chunk.chunk_offset] = Place(
            chunk.byte_offset, chunk.size, chunk.filter_mask
        )

    # To ask for one chunk takes HDF5 as long as to go through all of them.
    dataset.id.chunk_iter(note)
    return found


def _are_misnamed(dataset: h5py.Dataset) -> bool:
    """Whether HDF5 may say of a chunk that it is another.

    With one unlimited axis, newer formats index chunks by an "extensible array", with
    that axis first; what goes through it (`H5Dchunk_iter`, `H5Dget_chunk_info`) forgets
    to put the axis back where it belongs (HDF5 2.0). Whoever names a chunk gets it.
    """
    unlimited = [axis for axis, most in enumerate(dataset.maxshape) if most is None]
    return len(unlimited) == 1 and unlimited[0] > 0


def _file_number(node: Any) -> int:
    return int(h5py.h5o.get_info(node.id).fileno)
