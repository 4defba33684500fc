"""How datasets lie in their files, to be read without HDF5 and its lock."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from .grid import inside_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy as np

    from .files import SharedFile
    from .grid import Overlap, Slices
    from .places import Places
    from .work import Piece


@dataclass(frozen=True)
class Layout(ABC):
    """How a dataset lies in its file.

    Parameters
    ----------
    file, name
        Where it is: maybe a link to another file.
    shape, dtype
        What it holds.
    """

    file: SharedFile
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    @abstractmethod
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> Self | None:
        """Return the layout of a dataset; None if it is another, or HDF5's to read.

        Parameters
        ----------
        file, name
            Where it is.
        dataset
            A dataset in the byte layout of its dtype.
        """

    @abstractmethod
    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        """Shape of the blocks to keep; None where a read had better keep nothing.

        Parameters
        ----------
        slices
            What is read.
        nbytes
            How large a block may be.
        """

    def suits_hdf5(self, slices: Slices) -> bool:  # noqa: ARG002
        """Tell whether HDF5 reads, of what is not kept, sooner than Python can.

        Parameters
        ----------
        slices
            What is read.
        """
        return False

    @abstractmethod
    def pieces(self, slices: Slices, target: np.ndarray) -> Iterator[Piece]:
        """Cut reading into pieces that may be done in any thread.

        Parameters
        ----------
        slices
            What to read.
        target
            Array to fill, of the shape they select.
        """


@dataclass(frozen=True)
class Chunks(Layout):
    """The layout of a dataset in chunks.

    Parameters
    ----------
    file, name, shape, dtype
        As for `Layout`.
    chunks
        Shape of a chunk.
    places
        Where they lie in the file; None where HDF5 has to be asked.
    """

    chunks: tuple[int, ...]
    places: Places | None

    def origin(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Where in the dataset a chunk begins.

        Parameters
        ----------
        index
            Which chunk, counted along each axis.
        """
        return tuple(map(operator.mul, index, self.chunks))

    def fill_by_hdf5(self, overlap: Overlap, part: np.ndarray) -> None:
        """Have HDF5 read part of a chunk: its fill value counts, and its error.

        Parameters
        ----------
        overlap
            Which part of which chunk.
        part
            Where it goes.
        """
        where = inside_array(overlap.block, self.chunks, overlap.inside)
        part[...] = self.file.read(self.name, where)
