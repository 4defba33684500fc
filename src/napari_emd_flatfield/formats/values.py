"""Datasets that describe data, read whole: unless they are far too large for that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import ReadError
from ..lazy.following import sources
from ..lazy.inflation import check_stored

if TYPE_CHECKING:
    import h5py

# No image has an axis of more; as float64, 128 MB.
_MOST_VALUES = 2**24


def value_of(dataset: h5py.Dataset, where: Any = ()) -> Any:
    """Read a coordinate vector, a document, or a setting.

    Parameters
    ----------
    dataset
        Any dataset.
    where
        Which of it, if not all; one element along the last axis.

    Returns
    -------
    Any
        As h5py returns it.

    Raises
    ------
    ReadError
        If it declares so many values, or is stored in so many bytes, that it can
        only be damaged, or made to fill the memory; or if it maps more of another
        than there is.
    OSError, RuntimeError, TypeError, ValueError
        What HDF5 raises.
    """
    shape = dataset.shape or ()
    size = math.prod(shape[:-1] if where else shape)
    if size > _MOST_VALUES:
        raise ReadError(f"{dataset.name} should describe data, and has {size} values")
    # To look closer takes longer.
    nbytes = math.prod(shape) * dataset.dtype.itemsize
    if dataset.id.get_storage_size() > nbytes:
        check_stored(dataset)
    for source in sources(dataset, dataset):
        source.check(source.shape)
    return dataset[where]
