"""HDF5 datasets as lazy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..errors import FileOpenError, ReadError
from .base import LazyArray
from .files import SharedFile
from .indexing import selected_shape

if TYPE_CHECKING:
    from pathlib import Path


class H5Array(LazyArray):
    """An HDF5 dataset, read through the handle all arrays on its file share.

    Parameters
    ----------
    file
        The shared file, or its path.
    name
        HDF5 path of the dataset.
    dataset
        The dataset itself where the caller has it open already: looking it up
        is most of what opening costs.

    Raises
    ------
    ReadError
        If there is no such dataset.
    """

    def __init__(
        self,
        file: SharedFile | Path | str,
        name: str,
        dataset: h5py.Dataset | None = None,
    ) -> None:
        self._file = file if isinstance(file, SharedFile) else SharedFile.of(file)
        self._name = name
        if dataset is None:
            try:
                dataset = self._file.node(name)
            except KeyError:
                dataset = None
        if not isinstance(dataset, h5py.Dataset):
            raise ReadError(f"{self._file.path} has no dataset {name}")
        super().__init__(dataset.shape, dataset.dtype, dataset.chunks)

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        try:
            block = np.asarray(self._file.read(self._name, slices))
        except ReadError:
            raise
        # h5py lets HDF5's errors out as whatever seems closest to each.
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ReadError(
                f"{self._file.path}:{self._name} cannot be read: {self._why(error)}"
            ) from error
        same = np.can_cast(block.dtype, self.dtype, "equiv")
        if block.shape != selected_shape(slices) or not same:
            raise ReadError(
                f"{self._file.path}:{self._name} has changed since it was opened; "
                "open it again to see what is in it now"
            )
        return block

    def _why(self, error: Exception) -> str:
        if isinstance(error, FileNotFoundError | FileOpenError):
            return str(error)
        try:
            missing = missing_filters(self._file.node(self._name))
        except (KeyError, OSError, RuntimeError):
            missing = []
        if missing:
            names = ", ".join(missing)
            return (
                f"it is compressed with HDF5 filter {names}, which is not available "
                "here; `pip install --upgrade hdf5plugin`, or have the file "
                "rewritten with gzip"
            )
        return f"HDF5 says: {error}"

    def _sources(self) -> tuple[Any, ...]:
        return (self._file,)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._file, self._name)


def missing_filters(dataset: h5py.Dataset) -> list[str]:
    """Name the filters a dataset needs and this HDF5 has not got.

    Parameters
    ----------
    dataset
        An open dataset.

    Returns
    -------
    list of str
        E.g. ``["32013 (zfp)"]``.
    """
    pipeline = dataset.id.get_create_plist()
    filters = [pipeline.get_filter(i) for i in range(pipeline.get_nfilters())]
    return [
        f"{code} ({name.decode('ascii', 'replace')})" if name else str(code)
        for code, _, _, name in filters
        if not h5py.h5z.filter_avail(code)
    ]
