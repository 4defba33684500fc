"""The writer napari calls: File ▸ Save, ``layer.save``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..writing import write
from .layers import signal_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_layers(
    path: str, layers: Sequence[tuple[Any, dict[str, Any], str]]
) -> list[str]:
    """Save image and labels layers in one EMD file.

    Parameters
    ----------
    path
        The file to write; napari's dialog may leave its extension to us.
    layers
        Data, attributes and type of each layer.

    Returns
    -------
    list of str
        The path written.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    signals = [signal_of(data, meta) for data, meta, _ in layers]
    target = Path(path)
    return [
        str(write(target if target.suffix else target.with_suffix(".emd"), signals))
    ]
