"""HDF5 datasets as lazy arrays."""

from __future__ import annotations

import errno
import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..errors import FileOpenError, ReadError, UnsafeChunkError
from .base import LazyArray
from .blocks import Blocks
from .descriptor import CutOffError
from .files import SharedFile
from .indexing import selected_shape
from .inflation import check_stored
from .limits import physical_memory
from .memory import SCRATCH
from .others import Others, OthersError
from .sources import MisfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .status import Status

    # Which opening of the file was looked at, and what it showed.
    _Seen = tuple[int, Blocks | None]

# h5py lets HDF5's errors out as whatever seems closest to each; what leads to division
# by zero, or beyond an end, is a damaged file as well.
_FAILURES = (OSError, RuntimeError, LookupError, ValueError, ArithmeticError)


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
        self._chunk_size = math.prod(dataset.chunks or ())
        # Looked at by the first read: a file may have thousands that are never read.
        self._seen: _Seen = (-1, None)
        # Now: they have to be known before one of them is gone.
        follow = self._file.follow_external
        with self._file.held() as handle:
            self._others = Others.of(dataset, handle, name, follow)

    def _blocks_of(self, opening: int, dataset: Any) -> Blocks | None:
        if not isinstance(dataset, h5py.Dataset):
            return None
        if (dataset.shape, dataset.dtype) != (self.shape, self.dtype):
            return None
        blocks = Blocks.of(self._file, self._name, dataset, opening)
        if blocks is None:
            check_stored(dataset)
        return blocks

    def _looked_at(self, slices: tuple[slice, ...]) -> tuple[_Seen, Status]:
        """How to read the dataset as it is in the files as they are now."""
        while self._others is not None and not self._others.look(slices):
            SharedFile.close_all()
        seen = self._seen
        opening, status = self._file.opening()
        if opening != seen[0]:
            look = partial(self._blocks_of, opening)
            seen = self._seen = opening, self._file.look(self._name, look)
        return seen, status

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        return self._checked(slices)

    @contextmanager
    def _lent(self, slices: tuple[slice, ...]) -> Iterator[np.ndarray]:
        with SCRATCH.lent(selected_shape(slices), self.dtype) as out:
            yield self._checked(slices, out)

    def _checked(
        self, slices: tuple[slice, ...], out: np.ndarray | None = None
    ) -> np.ndarray:
        assert not self._file.is_held_here, f"{self._file.path} is held: it would hang"
        # What Linux promises to a program that asks for more, it cannot keep.
        values = max(math.prod(selected_shape(slices)), self._chunk_size)
        if values * self.dtype.itemsize > physical_memory():
            raise ReadError(self._too_large(slices))
        try:
            found = self._by_blocks(slices, out)
            if found is not None:
                return found
            block = np.asarray(self._file.read(self._name, slices, out))
        except (UnsafeChunkError, OthersError, MisfitError, CutOffError) as error:
            raise ReadError(
                f"{self._file.path}:{self._name} cannot be read: {error}"
            ) from error
        except ReadError:
            raise
        except MemoryError as error:
            raise ReadError(self._too_large(slices)) from error
        except _FAILURES as error:
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

    def _by_blocks(
        self, slices: tuple[slice, ...], out: np.ndarray | None
    ) -> np.ndarray | None:
        while True:
            (opening, blocks), status = self._looked_at(slices)
            if blocks is None:
                return None
            try:
                found = blocks.read(slices, status, out)
            except _FAILURES:
                if opening == self._file.openings:
                    raise
            else:
                if opening == self._file.openings:
                    return found
            # Written to, and opened anew by another thread: what lay where it was
            # looked for may have been anything.

    def _ahead(self, slices: tuple[slice, ...]) -> list[Callable[[], None]]:
        before = self._seen[1]
        if before is None or not before.may_be_ahead(slices):
            return []
        try:
            (_, blocks), status = self._looked_at(slices)
            return [] if blocks is None else blocks.ahead(slices, status)
        except (MemoryError, *_FAILURES):  # the read that comes will say so
            return []

    def _too_large(self, slices: tuple[slice, ...]) -> str:
        chunks = f", in chunks of {self.chunks}," if self._chunk_size > 1 else ""
        return (
            f"{self._file.path}:{self._name} cannot be read: {selected_shape(slices)} "
            f"values of {self.dtype}{chunks} do not fit into memory; ask for a smaller "
            "part"
        )

    def _why(self, error: Exception) -> str:
        if isinstance(error, FileNotFoundError | FileOpenError):
            return str(error)
        if isinstance(error, OSError) and error.strerror:
            full = error.errno in (errno.EMFILE, errno.ENFILE)
            way_out = "close other files" if full else "check whether its disk is there"
            return f"{error.strerror}; {way_out}"
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

    def versions(self) -> dict[Path, Status | None]:
        others = self._others.versions() if self._others else {}
        return {**others, **super().versions()}

    def _sources(self) -> tuple[Any, ...]:
        return (self._file,)

    def __reduce__(self) -> tuple[Any, ...]:
        follow = self._file.follow_external
        return _reopened, (str(self._file.path), self._name, follow)


def _reopened(path: str, name: str, follow_external: bool) -> H5Array:
    return H5Array(SharedFile.of(path, follow_external), name)


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
