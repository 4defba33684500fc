"""Opening a file of many datasets, against walking it and doing nothing else.

Run with ``pytest tests/benchmarks -m benchmark``. Both take turns in one process on
one file. What is walked is what reading needs: every object and its attributes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.benchmark

DATASETS = 1000
REPEATS = 7
IMAGE = np.zeros((4, 5), "u2")


def bare_walk(path: Path) -> int:
    """Visit all objects with plain h5py and read their attributes."""
    found = []

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            found.append((name, node.shape, node.dtype, dict(node.attrs)))
        else:
            found.append((name, dict(node.attrs)))

    with h5py.File(path, "r", locking=False) as file:
        file.visititems(visit)
    return len(found)


def calibrate(group: h5py.Group, keys: tuple[str, str], names: str = "yx") -> None:
    for key, name, size in zip(keys, names, IMAGE.shape, strict=True):
        group[key] = 0.5 * np.arange(size)
        group[key].attrs.update(name=name, units="[n_m]")


def berkeley(file: h5py.File) -> None:
    for i in range(DATASETS):
        group = file.create_group(f"data/image {i}")
        group.attrs["emd_group_type"] = 1
        group["data"] = IMAGE
        calibrate(group, ("dim1", "dim2"))


def emd_1(file: h5py.File) -> None:
    file.attrs.update(emd_group_type="file", version_major=1, version_minor=0)
    file.create_group("root").attrs["emd_group_type"] = "root"
    for i in range(DATASETS):
        group = file.create_group(f"root/image {i}")
        group.attrs.update(emd_group_type="array", python_class="Array")
        group["data"] = IMAGE
        calibrate(group, ("dim0", "dim1"))


def nexus(file: h5py.File) -> None:
    file.create_group("entry").attrs["NX_class"] = "NXentry"
    for i in range(DATASETS):
        group = file.create_group(f"entry/plot {i}")
        group.attrs.update(NX_class="NXdata", signal="data", axes=["y", "x"])
        group["data"] = IMAGE
        calibrate(group, ("y", "x"))


def plain(file: h5py.File) -> None:
    for i in range(DATASETS):
        dataset = file.create_dataset(f"scan/image {i}", data=IMAGE)
        dataset.attrs.update(units="counts", exposure=0.1, element_size_um=(1, 2, 3))


def measured(open_it: Callable[[Path], object], path: Path) -> float:
    start = time.perf_counter()
    open_it(path)
    return time.perf_counter() - start


def race(path: Path) -> tuple[float, float]:
    """Seconds that reading takes, and walking: medians, in turns."""

    def read(path: Path) -> list[nef.Signal]:
        return nef.read(path, "*")

    assert len(read(path)) == DATASETS
    assert bare_walk(path) >= DATASETS
    pairs = [(measured(read, path), measured(bare_walk, path)) for _ in range(REPEATS)]
    ours, walk = np.median(pairs, axis=0)
    return ours, walk


@pytest.mark.parametrize("layout", [berkeley, emd_1, nexus, plain])
def test_a_thousand_images_open_in_two_walks(
    tmp_path: Path, layout: Callable[[h5py.File], None]
) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        layout(file)
    # Not among all that pytest has in memory.
    command = [sys.executable, __file__, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours, walk = map(float, done.stdout.split())
    print(
        f"\n{layout.__name__}: {1e3 * ours:.0f} ms for {1e3 * walk:.0f} ms of walking "
        f"({ours / walk:.2f} times)"
    )
    assert ours < 2 * walk


if __name__ == "__main__":
    print(*race(Path(sys.argv[1])))
