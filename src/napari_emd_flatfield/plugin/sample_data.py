"""File ▸ Open Sample ▸ napari-emd-flatfield."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..synthetic import make_scan
from .layers import layer_data

if TYPE_CHECKING:
    from .layers import LayerData


def synthetic_scan() -> list[LayerData]:
    """Make a scan with two flats and a dark, ready to correct.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        Layers ``dark``, ``flats`` and ``raw``, from the bottom up.
    """
    scan = make_scan()
    return layer_data([scan.raw, scan.flats, scan.dark])
