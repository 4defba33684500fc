"""HDF5 datasets as lazy arrays, with what is wrong said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from ..errors import EmdFlatfieldError
from ..lazy import ComplexArray, H5Array, LazyArray, is_complex_compound
from ..lazy.following import located
from ..lazy.opening import open_hdf5
from .skipping import listed, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..lazy.files import SharedFile

# Virtual datasets may map virtual datasets; more levels than this are a loop.
_DEEPEST_SOURCE = 8


def array_of(file: SharedFile, dataset: h5py.Dataset) -> LazyArray:
    """Make a lazy array of a dataset, complex where it holds complex numbers.

    Parameters
    ----------
    file
        The file it was reached in.
    dataset
        A numeric dataset or one of compounds; those of a real and an imaginary
        part are complex numbers.
    """
    if dataset.is_virtual:
        missing = list(missing_sources(dataset))
        if missing:
            warn(
                f"{file.path}:{dataset.name} is made of other files of which some are "
                f"missing; it shows {dataset.fillvalue} where they belong: "
                f"{listed(missing)}"
            )
    array = H5Array(file, dataset.name, dataset)
    return ComplexArray(array) if is_complex_compound(array.dtype) else array


def missing_sources(dataset: h5py.Dataset, depth: int = 0) -> Iterator[str]:
    """Name the sources of a virtual dataset that are not where it says.

    HDF5 itself reads the fill value in their place and reports no error
    (https://github.com/h5py/h5py/issues/1546).

    Parameters
    ----------
    dataset
        A virtual dataset.
    depth
        How many virtual datasets were followed to come here.

    Yields
    ------
    str
        A file, with the dataset in it where only that is missing.
    """
    own = h5py.File(h5py.h5i.get_file_id(dataset.id))
    folder = Path(own.filename).parent
    parts = dict.fromkeys(
        (source.file_name, source.dset_name) for source in dataset.virtual_sources()
    )
    for file_name, name in parts:
        if file_name == ".":
            yield from _missing_in(own, name, depth)
        elif "%b" in file_name:
            # One file a block, numbered: there is at least one.
            if not any(folder.glob(file_name.replace("%b", "*"))):
                yield file_name
        elif (path := located(file_name.replace("%%", "%"), folder)) is None:
            yield file_name
        else:
            try:
                with open_hdf5(path) as source:
                    yield from _missing_in(source, name, depth)
            except EmdFlatfieldError as error:
                yield f"{file_name} ({error})"


def _missing_in(file: h5py.File, name: str, depth: int) -> Iterator[str]:
    if "%b" in name:
        return
    source = file.get(name)
    if not isinstance(source, h5py.Dataset):
        yield f"{os.fsdecode(file.filename)}:{name}"
    elif source.is_virtual and depth < _DEEPEST_SOURCE:
        yield from missing_sources(source, depth + 1)
