"""Big arrays in layers: napari takes them as a list of resolutions, finest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..lazy import FullLevel, adapt, pyramid

if TYPE_CHECKING:
    from ..signal import ArrayLike


def resolutions(data: ArrayLike) -> ArrayLike | list[ArrayLike]:
    """Return what a layer is to show of an array.

    Parameters
    ----------
    data
        Shape (…, y, x).

    Returns
    -------
    array or list of array
        The array itself if it is small, else its resolutions.
    """
    levels = pyramid(adapt(data))
    return data if len(levels) == 1 else [*levels]


def full_resolution(data: Any) -> Any:
    """Return the array that `resolutions` was given.

    Parameters
    ----------
    data
        Data of an image layer, whoever made it.
    """
    if isinstance(data, Sequence):
        data = data[0]
    return data.source if isinstance(data, FullLevel) else data


def show_in(layer: Any, data: ArrayLike | list[ArrayLike]) -> None:
    """Have a layer show other data.

    Parameters
    ----------
    layer
        An image layer. napari lets none gain resolutions, or lose them.
    data
        What `resolutions` returned.
    """
    if layer.multiscale:
        layer.data = data if isinstance(data, list) else [data]
    else:
        layer.data = full_resolution(data)
