"""How fast frames are read, against ``dataset[i]`` of h5py in the same run.

Run alone, on a quiet machine: ``pytest -m benchmark -s tests/benchmarks``. Both
read the same frames in turns, each held until the next is there, as a viewer does;
the ratio of the medians is printed. No frame is kept until it comes round again.
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
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.benchmark

FRAMES, SIDE = 24, 2048
REPEATS = 3
_FRAME = (1, SIDE, SIDE)
_GZIP = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
# No two steps in a row are equal: nothing can be read ahead.
_JUMPS = (0, 13, 5, 18, 2, 21, 9, 14, 1, 17, 6, 23, 11, 3, 20, 8, 15, 4, 22, 10, 19)

# How it is stored, and how many times as fast stepping has to be.
LAYOUTS: dict[str, tuple[dict[str, Any], float]] = {
    "contiguous": ({}, 1.3),
    "uncompressed chunks": ({"chunks": _FRAME}, 1.3),
    "gzip + shuffle": ({"chunks": _FRAME, **_GZIP}, 4),
    "gzip + shuffle + Fletcher-32": (
        {"chunks": _FRAME, **_GZIP, "fletcher32": True},
        1,
    ),
    "LZF + shuffle": ({"chunks": _FRAME, "compression": "lzf", "shuffle": True}, 1),
    "Bitshuffle-LZ4": ({"chunks": _FRAME, **hdf5plugin.Bitshuffle(cname="lz4")}, 1.8),
    "Zstd": ({"chunks": _FRAME, **hdf5plugin.Zstd(clevel=3)}, 2),
    "Blosc2 (Zstd)": (
        {"chunks": _FRAME, **hdf5plugin.Blosc2(cname="zstd", clevel=1)},
        1.7,
    ),
    "gzip, tiles of 256": ({"chunks": (1, 256, 256), **_GZIP}, 1),
    "gzip, tiles of 32": ({"chunks": (1, 32, 32), **_GZIP}, 1),
    "gzip, h5py's own chunks (4, 128, 128)": ({"chunks": (4, 128, 128), **_GZIP}, 1),
    "gzip, 12 frames a chunk": ({"chunks": (12, SIDE, SIDE), **_GZIP}, 1),
    "uncompressed (4, 128, 128)": ({"chunks": (4, 128, 128)}, 1),
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


def read(source: Any, order: Sequence[int]) -> Callable[[], int]:
    """Read frames one by one when called; return how many."""

    def run() -> int:
        frame = None
        for index in order:
            frame = source[index]
        assert frame is not None
        return len(order)

    return run


def medians(*ways: Callable[[], int]) -> list[float]:
    """Milliseconds a frame of each."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for run, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            count = run()
            taken.append(1e3 * (time.perf_counter() - start) / count)
    return [statistics.median(taken) for taken in times]


@pytest.mark.parametrize("name", LAYOUTS)
def test_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], frames: np.ndarray, name: str
) -> None:
    options, needed = LAYOUTS[name]
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, **options)
    # A few are enough of what takes h5py most of a second each.
    few = (0, 13, 5, 20) if "12" in name else _JUMPS
    with h5py.File(path) as file, H5Array(path, "d") as array:
        dataset = file["d"]
        np.testing.assert_array_equal(array[3], dataset[3])
        theirs, jumping, stepping = medians(
            read(dataset, few), read(array, few), read(array, range(FRAMES))
        )
    with capsys.disabled():
        print(
            f"\n| {name} | {theirs:.1f} | {jumping:.1f} ({theirs / jumping:.1f} ×) "
            f"| {stepping:.1f} ({theirs / stepping:.1f} ×) |"
        )
    assert theirs >= needed * stepping


@pytest.mark.parametrize("options", [{}, {"chunks": (64, 64, FRAMES), **_GZIP}])
def test_against_the_grain(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    frames: np.ndarray,
    options: dict[str, Any],
) -> None:
    """A stack stored (x, y, n), amortised, against the same well ordered."""
    CACHE.limit = 2**29
    ordered = {**options, "chunks": _FRAME} if options else {}
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("xyn", data=frames.T, **options)
        file.create_dataset("nyx", data=frames, **ordered)
    with H5Array(path, "xyn") as across, H5Array(path, "nyx") as along:
        turned = across.transpose(2, 1, 0)
        np.testing.assert_array_equal(turned[5], frames[5])

        def anew(array: Any) -> Callable[[], int]:
            def run() -> int:
                CACHE.clear()
                return read(array, range(FRAMES))()

            return run

        well, against = medians(anew(along), anew(turned))
    with capsys.disabled():
        kind = "gzip" if options else "contiguous"
        print(
            f"\n| {kind}, stored (x, y, n) | {against:.1f} "
            f"| {against / well:.1f} × well ordered |"
        )
    assert against <= 2 * well
