"""HDF5 datasets as lazy arrays, with what is wrong said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import ComplexArray, H5Array, LazyArray, is_complex_compound
from ..lazy.following import following, sources
from .skipping import listed, warn

if TYPE_CHECKING:
    import h5py

    from ..lazy.files import SharedFile


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
        # HDF5 itself reports no error (https://github.com/h5py/h5py/issues/1546).
        with following(file.follow_external):
            found = sources(dataset, file.handle())
        missing = dict.fromkeys(each.lost for each in found)
        missing.pop("", None)
        if missing:
            warn(
                f"{file.path}:{dataset.name} is made of other files of which some are "
                f"missing; it shows {dataset.fillvalue} where they belong: "
                f"{listed(list(missing))}"
            )
    array = H5Array(file, dataset.name, dataset)
    return ComplexArray(array) if is_complex_compound(array.dtype) else array
