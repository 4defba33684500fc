"""Big arrays in layers: napari takes them as a list of resolutions, finest first."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from ..lazy import FullLevel, adapt, pyramid

if TYPE_CHECKING:
    from napari import Viewer

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
    where = _Shown()
    levels = pyramid(adapt(data), where.in_3d)
    where.level = weakref.ref(levels[-1])
    return data if len(levels) == 1 else [*levels]


class _Shown:
    """The viewers that show something of which one level is known."""

    level: weakref.ref[Any] | None = None

    def in_3d(self) -> bool:
        """Whether one of them shows volumes.

        If nobody shows it: another frame is better than to load all of a stack.
        """
        displayed = [v.dims.ndisplay for v in _viewers() if self._is_in(v)]
        return not displayed or 3 in displayed

    def _is_in(self, viewer: Viewer) -> bool:
        level = self.level() if self.level else None
        return any(
            layer.multiscale and any(each is level for each in layer.data)
            for layer in viewer.layers
            if isinstance(layer, Image)
        )


def _viewers() -> list[Viewer]:
    # To import what has windows takes long: a script that has none need not wait.
    module = sys.modules.get("napari.viewer")
    return [*module.Viewer._instances] if module else []


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
