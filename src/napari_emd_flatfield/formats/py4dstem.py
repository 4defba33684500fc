"""py4DSTEM up to 0.12, and Prismatic, which took over its layout.

    /4DSTEM_experiment  /4DSTEM_simulation       emd_group_type = 2
        data/datacubes/<name>/                   emd_group_type = 1
             realslices/ diffractionslices/ …
             supergroups/<name>/                 emd_group_type = 3: virtual, with
                                                 further axes sgdim1 …
            data                                 or realslice, datacube, …, by age
            dim1 … dimN                          R_x, R_y, Q_x, Q_y; texts or pairs
                                                 of tilts where slices are stacked
        metadata/…/calibration                   pixel sizes, where dims have none

Prismatic counts in Å and rad. Its older files say nm and mrad instead
(https://github.com/prism-em/prismatic/pull/80).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py

from ..signal import Axis
from .attributes import metadata
from .berkeley import emd_groups, signals_of
from .calibration import Calibration
from .nodes import emd_type
from .tree import child, children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..lazy.files import SharedFile
    from ..signal import Signal
    from .nodes import Nodes

_PRISMATIC = "4DSTEM_simulation"
_TOP_GROUPS = {"4DSTEM_experiment", _PRISMATIC}
_PARAMETERS = "simulation_parameters"
_IMAGES = {"1", "3"}

# What Prismatic's older files say, and what they mean.
_MISLABELLED = {"nm": "Å", "1/nm": "1/Å", "mrad": "rad"}


def recognises(nodes: Nodes) -> bool:
    """Whether a file holds a py4DSTEM or Prismatic tree.

    Parameters
    ----------
    nodes
        All groups and datasets of the file, root first.
    """
    return any(_top_groups(nodes[0]))


def signals(file: SharedFile, nodes: Nodes) -> list[Signal]:
    """Make a signal of every data cube and slice.

    Parameters
    ----------
    file
        The file, for lazy reading.
    nodes
        All its groups and datasets, root first.
    """
    shared = _metadata(nodes[0])
    sizes = {
        k: v for each in _all_called("calibration", shared) for k, v in each.items()
    }
    prismatic = _PRISMATIC in nodes[0] or any(_all_called(_PARAMETERS, shared))
    return [
        replace(
            signal,
            axes=_true_axes(signal, Calibration.of(sizes), prismatic=prismatic),
        )
        for signal in signals_of(file, emd_groups(file, nodes, _IMAGES), shared)
    ]


def _top_groups(root: h5py.Group) -> Iterator[h5py.Group]:
    for key, top in children(root):
        if isinstance(top, h5py.Group) and (key in _TOP_GROUPS or emd_type(top) == "2"):
            yield top


def _metadata(root: h5py.Group) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for top in _top_groups(root):
        described = child(top, "metadata")
        if isinstance(described, h5py.Group):
            found.update(metadata(described))
    return found


def _all_called(name: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from [value] if key == name else _all_called(name, value)


def _true_axes(
    signal: Signal, calibration: Calibration, *, prismatic: bool
) -> tuple[Axis, ...]:
    if not prismatic:
        return tuple(calibration.applied(signal.axes))
    if not any(axis.units in ("nm", "1/nm") for axis in signal.axes):
        return signal.axes
    return tuple(
        Axis(axis.name, _MISLABELLED.get(axis.units, axis.units), axis.values)
        for axis in signal.axes
    )
