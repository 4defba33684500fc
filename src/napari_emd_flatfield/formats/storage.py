"""How a dataset is stored."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import h5py

from ..lazy.hdf5 import missing_filters
from .tree import dtype_of

if TYPE_CHECKING:
    import numpy as np

_LAYOUTS = {
    h5py.h5d.COMPACT: "compact",
    h5py.h5d.CONTIGUOUS: "contiguous",
    h5py.h5d.CHUNKED: "chunked",
    h5py.h5d.VIRTUAL: "virtual",
}


@dataclass(frozen=True)
class Storage:
    """Facts about a dataset, without any of its data.

    Parameters
    ----------
    shape
        None for a dataset without a dataspace.
    dtype
        Name of its type.
    layout
        ``"compact"``, ``"contiguous"``, ``"chunked"`` or ``"virtual"``.
    chunks
        Shape of a chunk; None unless chunked.
    filters
        Names of the HDF5 filters that each chunk went through, in order.
    missing
        Those of them that this HDF5 has not got.
    size, stored
        Bytes in memory and in the file.
    """

    shape: tuple[int, ...] | None
    dtype: str
    layout: str
    chunks: tuple[int, ...] | None
    filters: tuple[str, ...]
    missing: tuple[str, ...]
    size: int
    stored: int

    @property
    def ratio(self) -> float | None:
        """How many times smaller filters have made it; None without filters."""
        return self.size / self.stored if self.filters and self.stored else None


def storage(dataset: h5py.Dataset) -> Storage:
    """Say how a dataset is stored.

    Parameters
    ----------
    dataset
        Any dataset.
    """
    created = dataset.id.get_create_plist()
    pipeline = [created.get_filter(i) for i in range(created.get_nfilters())]
    shape = dataset.shape
    return Storage(
        shape=shape,
        dtype=_type_name(dtype_of(dataset)),
        layout=_LAYOUTS.get(created.get_layout(), "unknown"),
        chunks=dataset.chunks,
        filters=tuple(
            name.decode("ascii", "replace").split(";")[0] or f"filter {code}"
            for code, _, _, name in pipeline
        ),
        missing=tuple(missing_filters(dataset)),
        size=0 if shape is None else prod(shape) * dataset.id.get_type().get_size(),
        stored=dataset.id.get_storage_size(),
    )


def _type_name(dtype: np.dtype[Any]) -> str:
    if h5py.check_string_dtype(dtype):
        return "string"
    if dtype.names:
        return f"{{{', '.join(dtype.names)}}}"
    if dtype.kind != "O":
        return "opaque" if dtype.kind == "V" else str(dtype)
    element = h5py.check_vlen_dtype(dtype)
    return f"{element}[]" if element else "reference"
