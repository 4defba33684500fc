"""From objects in a file to layers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from ..errors import EmdFlatfieldError
from ..formats import read
from .layers import SIGNAL, LayerData, layer_data
from .settings import follows_external

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer

    from ..lazy import Part
    from ..signal import Role


_ORDER: dict[Role, int] = {"raw": 0, "flat": 1, "dark": 2}


@dataclass(frozen=True)
class Opened:
    """What came of opening some objects.

    Parameters
    ----------
    layers
        Ready to be added, from the bottom up.
    errors
        Why others are not among them.
    """

    layers: list[LayerData]
    errors: list[str]


def open_layers(
    path: Path,
    datasets: Sequence[str],
    role: Role | None = None,
    component: Part | None = None,
) -> Opened:
    """Make layers of objects in a file.

    Parameters
    ----------
    path
        The file.
    datasets
        HDF5 paths of datasets, or of groups that hold one.
    role
        What they are in a correction; as their names say when left out.
    component
        Part of complex numbers to show; the modulus when left out.
    """
    signals, errors = [], []
    for dataset in datasets:
        try:
            found = read(
                path,
                dataset,
                component or "modulus",
                follow_external=follows_external(),
            )
        except EmdFlatfieldError as error:
            errors.append(str(error))
            continue
        signals += [
            replace(
                signal,
                name=f"{signal.name} {component}" if component else signal.name,
                role=role or signal.role,
            )
            for signal in found
        ]
    layers = layer_data(sorted(signals, key=lambda signal: _ORDER[signal.role]))
    for _, options, _ in layers:
        # References are hidden where a whole file is opened, not when asked for.
        options["visible"] = True
    return Opened(layers, errors)


def path_of_layer(viewer: napari.viewer.Viewer) -> Path | None:
    """Find the file that the selected layer comes from.

    Parameters
    ----------
    viewer
        The viewer.

    Returns
    -------
    Path or None
        None when no layer is selected, or it does not come from an HDF5 file.
    """
    layer = viewer.layers.selection.active
    if layer is None:
        return None
    signal = layer.metadata.get(SIGNAL)
    path = layer.source.path or (signal.path if signal else None)
    return Path(path) if path and h5py.is_hdf5(path) else None


def python_line(path: Path, dataset: str) -> str:
    """Write the line of Python that reads an object.

    Parameters
    ----------
    path
        The file.
    dataset
        HDF5 path.
    """
    # JSON's strings are Python's, and in the quotes one is used to see.
    file, name = (json.dumps(text, ensure_ascii=False) for text in (str(path), dataset))
    return f"napari_emd_flatfield.read({file}, dataset={name})"
