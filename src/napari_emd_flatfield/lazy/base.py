"""The one base of all lazy arrays."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np

from .indexing import Selection, normalise
from .memory import FRAMES
from .stepping import Stepping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from .files import SharedFile
    from .grid import Slices
    from .status import Status


class LazyArray(ABC):
    """An n-D array that reads what is indexed, when it is indexed.

    Immutable, so copies share it; safe to index from several threads. A subclass
    sets `shape` and `dtype` and implements `_read`; it may set `chunks`.

    Parameters
    ----------
    shape
        Shape in display order.
    dtype
        Type of one element.
    chunks
        Shape of the block that is cheap to read at once, as zarr has it; one
        frame when left out.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any,
        chunks: Sequence[int] | None = None,
    ) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if chunks is None:
            chunks = (1,) * (len(self.shape) - 2) + self.shape[-2:]
        self.chunks = tuple(max(1, int(n)) for n in chunks)
        self._stepping = Stepping()

    @abstractmethod
    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        """Read a block: one slice an axis, bounded, step ≥ 1, none empty.

        The result, of shape ``selected_shape(slices)``, is new and writable, or
        shared and read-only.
        """

    def _read_into(self, slices: tuple[slice, ...], out: np.ndarray) -> None:
        """Read a block as `_read` does into an array of its shape, C-contiguous.

        To override where that saves a copy.
        """
        out[...] = self._read(slices)

    @contextmanager
    def _lent(self, slices: tuple[slice, ...]) -> Iterator[np.ndarray]:
        """Read a block as `_read` does, to be looked at within a ``with`` only.

        To override where its memory can be used again.
        """
        yield self._read(slices)

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:  # noqa: ARG002
        """What of which arrays a block is made of, for these to read it ahead."""
        return ()

    def _ahead(self, slices: Slices) -> list[Callable[[], None]]:
        """Begin to read a block; return what takes that back."""
        return [
            take_back
            for source, part in self._needs(slices)
            for take_back in source._ahead(part)
        ]

    def _sources(self) -> tuple[Any, ...]:
        """What `close` has to close: the arrays or files this one reads from."""
        return ()

    def files(self) -> set[SharedFile]:
        """Return the files behind this array."""
        found: set[SharedFile] = set()
        for source in self._sources():
            found |= source.files() if isinstance(source, LazyArray) else {source}
        return found

    def versions(self) -> dict[Path, Status | None]:
        """Tell what this array shows from what it does once a file was written to.

        Returns
        -------
        dict
            The state of each file behind it, those it has only links to included;
            None for one that is gone.
        """
        found: dict[Path, Status | None] = {}
        for source in self._sources():
            if isinstance(source, LazyArray):
                found |= source.versions()
            else:
                found[source.path] = source.status()
        return found

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the whole array would take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        selection: Selection = normalise(key, self.shape)
        if 0 in selection.shape:
            block = np.empty(selection.shape, self.dtype)
        else:
            self._stepping.to(self, selection.slices)
            block = self._read(selection.slices)
        found = block[selection.finish]
        return found if block.flags.writeable else FRAMES.copy(found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a lazy array is always read anew: copy=False cannot hold")
        return np.asarray(self[...], dtype=dtype)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def transpose(self, *axes: SupportsIndex | Sequence[int] | None) -> LazyArray:
        """Permute the axes without reading, as `numpy.ndarray.transpose` does.

        NumPy's own functions, `numpy.transpose` and `numpy.moveaxis`, call this.

        Parameters
        ----------
        *axes
            For each new axis the old one, or a sequence of these; all reversed when
            left out, or None.

        Raises
        ------
        TypeError
            If they are not all axes, each once.
        """
        from .views import TransposedArray

        is_one = len(axes) == 1 and not isinstance(axes[0], SupportsIndex)
        given: Any = axes[0] if is_one else axes
        as_is = tuple(range(self.ndim))
        order = tuple(operator.index(n) for n in given or as_is[::-1])
        if sorted(n % max(1, self.ndim) for n in order) != [*as_is]:
            raise TypeError(f"axes {order} are not the {self.ndim} axes, each once")
        order = tuple(n % self.ndim for n in order)
        return self if order == as_is else TransposedArray(self, order)

    def close(self) -> None:
        """Close the files behind this array now; reading again reopens them."""
        for source in self._sources():
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.shape} {self.dtype}>"
