"""How fast frames are read, against ``dataset[i]`` of h5py in the same run.

Run alone, on a quiet machine: ``pytest -m benchmark -s tests/benchmarks``. Both
read the same frames in turns; the ratio of the medians is printed.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from napari_emd_flatfield.lazy import CACHE, H5Array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.benchmark

FRAMES, SIDE = 24, 2048
REPEATS = 5
_FRAME = (1, SIDE, SIDE)
_GZIP = {"compression": "gzip", "compression_opts": 4, "shuffle": True}

LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "uncompressed chunks": {"chunks": _FRAME},
    "gzip + shuffle": {"chunks": _FRAME, **_GZIP},
    "gzip + shuffle + Fletcher-32": {"chunks": _FRAME, **_GZIP, "fletcher32": True},
    "LZF + shuffle": {"chunks": _FRAME, "compression": "lzf", "shuffle": True},
    "Bitshuffle-LZ4": {"chunks": _FRAME, **hdf5plugin.Bitshuffle(cname="lz4")},
    "Zstd": {"chunks": _FRAME, **hdf5plugin.Zstd(clevel=3)},
    "Blosc2 (Zstd)": {"chunks": _FRAME, **hdf5plugin.Blosc2(cname="zstd", clevel=1)},
    "gzip, tiles of 256": {"chunks": (1, 256, 256), **_GZIP},
    "gzip, tiles of 32": {"chunks": (1, 32, 32), **_GZIP},
    "gzip, h5py's own chunks (4, 128, 128)": {"chunks": (4, 128, 128), **_GZIP},
    "gzip, 12 frames a chunk": {"chunks": (12, SIDE, SIDE), **_GZIP},
    "uncompressed (4, 128, 128)": {"chunks": (4, 128, 128)},
}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    gain = rng.normal(1000, 30, (SIDE, SIDE)) * (1 - 0.15 * (x**2 + y**2))
    frame = (rng.poisson(gain) + rng.normal(100, 3, gain.shape)).astype("u2")
    return np.stack([np.roll(frame, 37 * i, axis=1) for i in range(FRAMES)])


@pytest.fixture(autouse=True)
def _cache_smaller_than_the_stack() -> Iterator[None]:
    limit, CACHE.limit = CACHE.limit, 128 * 2**20
    yield
    CACHE.limit = limit


def compared(theirs: Callable[[], int], ours: Callable[[], int]) -> tuple[float, float]:
    """Milliseconds a frame of both, medians; each returns how many it read."""
    times: dict[Any, list[float]] = {theirs: [], ours: []}
    for _ in range(REPEATS):
        for run, taken in times.items():
            start = time.perf_counter()
            count = run()
            taken.append(1e3 * (time.perf_counter() - start) / count)
    return statistics.median(times[theirs]), statistics.median(times[ours])


def report(name: str, theirs: float, ours: float) -> None:
    print(f"\n| {name} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.1f} × |")


@pytest.mark.parametrize("name", LAYOUTS)
def test_stepping(tmp_path: Path, frames: np.ndarray, name: str) -> None:
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, **LAYOUTS[name])
    # A few are enough of what takes h5py most of a second each.
    few = (0, 1, 13, 20) if "12" in name else range(FRAMES)
    with h5py.File(path) as file, H5Array(path, "d") as array:
        dataset = file["d"]

        def theirs() -> int:
            return len([dataset[i].shape for i in few])

        def ours() -> int:
            return len([array[i].shape for i in range(FRAMES)])

        np.testing.assert_array_equal(array[3], dataset[3])
        report(name, *compared(theirs, ours))


@pytest.mark.parametrize("options", [{}, {"chunks": (64, 64, FRAMES), **_GZIP}])
def test_against_the_grain(
    tmp_path: Path, frames: np.ndarray, options: dict[str, Any]
) -> None:
    """A stack stored (x, y, n), amortised, against the same well ordered."""
    CACHE.limit = 2**29
    ordered = {**options, "chunks": _FRAME} if options else {}
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file.create_dataset("xyn", data=frames.T, **options)
        file.create_dataset("nyx", data=frames, **ordered)
    across, along = (H5Array(tmp_path / "stack.h5", name) for name in ("xyn", "nyx"))
    turned = across.transpose(2, 1, 0)

    def stepped(array: Any) -> Callable[[], int]:
        def run() -> int:
            CACHE.drop(across._file.token)
            return len([array[i].shape for i in range(FRAMES)])

        return run

    np.testing.assert_array_equal(turned[5], frames[5])
    report(
        "(x, y, n), first column well ordered",
        *compared(stepped(along), stepped(turned)),
    )
