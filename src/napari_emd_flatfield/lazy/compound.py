"""Complex numbers stored as compounds of two reals that HDF5 calls otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .indexing import selected_shape
from .views import View

if TYPE_CHECKING:
    from .base import LazyArray
    from .grid import Slices


class ComplexArray(View):
    """An array of compounds (real, imaginary) as an array of complex numbers.

    h5py itself reads compounds of ``r`` and ``i`` as complex; Velox calls them
    ``realFloat``, ``imagFloatHalfEven`` and the like.

    Parameters
    ----------
    source
        An array for whose dtype `is_complex_compound` holds.
    """

    def __init__(self, source: LazyArray) -> None:
        self._real, self._imaginary = source.dtype.names or ()
        precision = np.result_type(source.dtype[0], np.complex64)
        super().__init__(source, source.shape, precision, source.chunks)

    def _read(self, slices: Slices) -> np.ndarray:
        stored = self._source._read(slices)
        block = np.empty(selected_shape(slices), self.dtype)
        block.real = stored[self._real]
        block.imag = stored[self._imaginary]
        return block


def is_complex_compound(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is a compound of a real and an imaginary number.

    Parameters
    ----------
    dtype
        Any NumPy dtype.
    """
    names = [name.lower() for name in dtype.names or ()]
    return (
        len(names) == 2
        and names[0].startswith("re")
        and names[1].startswith("im")
        and dtype[0] == dtype[1]
        and dtype[0].kind in "iuf"
    )
