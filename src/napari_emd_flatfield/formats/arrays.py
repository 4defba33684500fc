"""HDF5 datasets as lazy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import ComplexArray, H5Array, is_complex_compound

if TYPE_CHECKING:
    import h5py

    from ..lazy import LazyArray
    from ..lazy.files import SharedFile


def array_of(file: SharedFile, dataset: h5py.Dataset) -> LazyArray:
    """Make a lazy array of a dataset, complex where it holds complex numbers.

    Parameters
    ----------
    file
        The file, for lazy reading.
    dataset
        A numeric dataset, or one of compounds of a real and an imaginary part.
    """
    array = H5Array(file, dataset.name)
    return ComplexArray(array) if is_complex_compound(array.dtype) else array
