"""Datasets as lazy arrays, and complex ones as images that can be shown.

A dialect hands complex data on as they are. `read` makes real images of them
in one place, so that no dialect needs to know which part is wanted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from ..errors import SignalError
from ..lazy import ComplexArray, H5Array, Part, PartArray, adapt, is_complex_compound

if TYPE_CHECKING:
    import h5py

    from ..lazy import LazyArray
    from ..lazy.files import SharedFile
    from ..signal import Signal

# Where a signal's metadata say which part of complex numbers it shows.
COMPONENT = "component"


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


def check(component: str) -> None:
    """Refuse what is no part of complex numbers.

    Parameters
    ----------
    component
        What a caller asked for.

    Raises
    ------
    SignalError
        If it is not one of the parts there are.
    """
    if component not in get_args(Part):
        known = ", ".join(map(repr, get_args(Part)))
        raise SignalError(f"component is one of {known}, not {component!r}")


def shown(signal: Signal, component: Part) -> Signal:
    """Make a signal real: napari cannot show complex numbers.

    Parameters
    ----------
    signal
        Any signal.
    component
        The part of complex data to show.

    Returns
    -------
    Signal
        The signal itself, unless its data are complex.
    """
    if signal.dtype.kind != "c":
        return signal
    return replace(
        signal,
        data=PartArray(adapt(signal.data), component),
        metadata={**signal.metadata, COMPONENT: component},
    )
