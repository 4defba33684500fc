"""What a layer shows, in full resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image

    from ..signal import ArrayLike


def full_array(layer: Image) -> ArrayLike:
    """Return the array behind a layer.

    Parameters
    ----------
    layer
        An image layer.

    Returns
    -------
    array
        Level 0 of a multiscale layer; of any other, its data.
    """
    array: ArrayLike = level_0(layer.data, layer.multiscale)
    return array


def level_0(data: Any, multiscale: bool) -> Any:
    """Return an array in full resolution.

    Parameters
    ----------
    data
        An array, or several of which the first is the largest.
    multiscale
        Whether there are several.
    """
    return data[0] if multiscale else data
