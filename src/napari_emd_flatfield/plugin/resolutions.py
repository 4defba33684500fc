"""Big arrays in layers: napari takes them as a list of resolutions, finest first."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.viewer import current_viewer

from ..lazy import FullLevel, adapt, pyramid

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

    from ..signal import ArrayLike

_WINDOWS = "napari._qt.qt_main_window"


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
    # To ask napari loads all of its windows: a script that has none need not wait.
    viewer = current_viewer() if _WINDOWS in sys.modules else None
    levels = pyramid(adapt(data), _displays_in_3d(viewer))
    return data if len(levels) == 1 else [*levels]


def _displays_in_3d(viewer: Viewer | None) -> Callable[[], bool]:
    dims = weakref.ref(viewer.dims) if viewer else None

    def displays_in_3d() -> bool:
        shown = dims() if dims else None
        # Nobody knows: to show another frame is better than to load all of a stack.
        return shown is None or bool(shown.ndisplay == 3)

    return displays_in_3d


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
