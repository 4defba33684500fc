"""The reader napari calls: File ▸ Open, drag and drop, ``viewer.open``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..formats import read
from .layers import layer_data
from .settings import follows_external
from .stacking import stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .layers import LayerData

    Paths = str | Sequence[str]


def get_reader(
    path: Paths,  # noqa: ARG001 - npe2 passes it by this name
) -> Callable[[Paths], list[LayerData]]:
    """Return the function that opens a file; napari has matched its extension.

    Parameters
    ----------
    path
        One path, or several that are to be opened together.

    Returns
    -------
    callable
        Whether the file can be read is found out when it is, so that a bad one
        is reported with its reason.
    """
    return read_layers


def read_layers(path: Paths) -> list[LayerData]:
    """Open files as lazy layers.

    Parameters
    ----------
    path
        One path, or several that are to be stacked.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        References first, hidden beneath the raw layers.

    Raises
    ------
    EmdFlatfieldError
        If a file cannot be opened, holds no image, or not the same as the others.
    """
    several = [path] if isinstance(path, str) else list(path)
    follow = follows_external()
    files = [read(each, follow_external=follow) for each in several]
    return layer_data(stacked(files) if len(files) > 1 else files[0])
