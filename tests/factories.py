"""Small files of the kinds people have, written with plain h5py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEAMLINE_SHAPE = (540, 640)
BEAMLINE_FRAMES = {
    "data": (0, 100, 200, 299, 400, 500),
    "flatfield": (0, 500),
    "dark": (0,),
}

# A dim vector: what is stored, and its attributes.
Dim = tuple[Any, "Mapping[str, Any]"]


def walk_through(path: Path, shape: tuple[int, int, int] = (512, 512, 100)) -> Path:
    """Write a file as the Python walk-through on emdatasets.com does."""
    data = np.random.default_rng(0).integers(0, 255, shape, "u1")
    dims = [
        (np.arange(shape[0]), "x", "[px]"),
        (np.arange(shape[1]), "y", "[px]"),
        (np.linspace(0, 3.14, shape[2]), "angle", "[rad]"),
    ]
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/mydataset")
        group.attrs["emd_group_type"] = 1
        group["data"] = data
        for i, (values, name, units) in enumerate(dims, start=1):
            dim = group.create_dataset(f"dim{i}", data=values[:, np.newaxis])
            dim.attrs["name"], dim.attrs["units"] = np.bytes_(name), np.bytes_(units)
        for name in ("microscope", "sample", "user", "comments"):
            file.create_group(name)
        file["microscope"].attrs["name"] = "TEAM I"
    return path


def beamline(path: Path, shape: tuple[int, int] = BEAMLINE_SHAPE) -> Path:
    """Write a scan as a synchrotron beamline does: one dataset a frame."""
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for group, numbers in BEAMLINE_FRAMES.items():
            for number in numbers:
                frame = random.integers(100, 40_000, shape, "u2")
                file[f"{group}/{number:04}"] = frame
        file.create_group("metadata").attrs["beamline"] = "ID16B"
    return path


def berkeley(
    path: Path,
    data: Any,
    dims: Sequence[Dim | None] = (),
    *,
    group: str = "data/image",
    attributes: Mapping[str, Any] | None = None,
) -> Path:
    """Add an EMD group to a file; a dim that is None is left out."""
    with h5py.File(path, "a") as file:
        emd = file.require_group(group)
        emd.attrs["emd_group_type"] = 1
        emd.attrs.update(attributes or {})
        emd["data"] = data
        for i, dim in enumerate(dims, start=1):
            if dim is not None:
                emd[f"dim{i}"] = dim[0]
                emd[f"dim{i}"].attrs.update(dim[1])
    return path


def plain(path: Path, **datasets: Any) -> Path:
    """Write datasets under their names, ``__`` standing for ``/``."""
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name.replace("__", "/")] = data
    return path
