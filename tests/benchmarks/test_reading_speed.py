"""How fast frames are read, against ``dataset[i]`` of h5py in the same run.

Run alone, on a quiet machine: ``pytest -m benchmark -s tests/benchmarks``. Both
take turns in a process of their own: what pytest has done to its memory would be to
the good of one or the other. ``readers.py`` says what they do.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

pytestmark = pytest.mark.benchmark

FRAMES, SIDE = 24, 2048
_FRAME = (1, SIDE, SIDE)
_GZIP = {"compression": "gzip", "compression_opts": 4, "shuffle": True}

# From run to run of the very same, as for tiles of 32 that are left to HDF5.
_SAME = 0.9

# Chunks that are left to HDF5 are looked at before, and go through a larger cache.
_LEFT = 0.8

# How near to the least that memory allows, measured in the same run, we have to be
# where that is not enough for what is asked for: a contiguous frame is copied, by h5py
# as by us, and one stored (x, y, n) is turned, kept and copied.
_NEAR = 1.4

# How it is stored, and how many times as fast stepping has to be.
LAYOUTS: dict[str, tuple[dict[str, Any], float]] = {
    "contiguous": ({}, 1.3),
    "uncompressed chunks": ({"chunks": _FRAME}, 1.3),
    "gzip + shuffle": ({"chunks": _FRAME, **_GZIP}, 4),
    "gzip + shuffle + Fletcher-32": (
        {"chunks": _FRAME, **_GZIP, "fletcher32": True},
        _SAME,
    ),
    "LZF + shuffle": ({"chunks": _FRAME, "compression": "lzf", "shuffle": True}, _SAME),
    "Bitshuffle-LZ4": ({"chunks": _FRAME, **hdf5plugin.Bitshuffle(cname="lz4")}, 1.8),
    "Zstd": ({"chunks": _FRAME, **hdf5plugin.Zstd(clevel=3)}, 2),
    "Blosc2 (Zstd)": (
        {"chunks": _FRAME, **hdf5plugin.Blosc2(cname="zstd", clevel=1)},
        1.7,
    ),
    "gzip, tiles of 256": ({"chunks": (1, 256, 256), **_GZIP}, _SAME),
    "gzip, tiles of 32": ({"chunks": (1, 32, 32), **_GZIP}, _SAME),
    "gzip, h5py's own chunks (4, 128, 128)": (
        {"chunks": (4, 128, 128), **_GZIP},
        _SAME,
    ),
    "gzip, 12 frames a chunk": ({"chunks": (12, SIDE, SIDE), **_GZIP}, _SAME),
    "uncompressed (4, 128, 128)": ({"chunks": (4, 128, 128)}, _SAME),
    "Bitshuffle-LZ4, tiles of 128": (
        {"chunks": (1, 128, 128), **hdf5plugin.Bitshuffle(cname="lz4")},
        _LEFT,
    ),
    "Zstd, tiles of 256": (
        {"chunks": (1, 256, 256), **hdf5plugin.Zstd(clevel=3)},
        _LEFT,
    ),
    "Fletcher-32 alone, tiles of 128": (
        {"chunks": (1, 128, 128), "fletcher32": True},
        _LEFT,
    ),
}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    gain = rng.normal(1000, 30, (SIDE, SIDE)) * (1 - 0.15 * (x**2 + y**2))
    frame = (rng.poisson(gain) + rng.normal(100, 3, gain.shape)).astype("u2")
    return np.stack([np.roll(frame, 37 * i, axis=1) for i in range(FRAMES)])


def measured(what: str, path: Path) -> list[float]:
    """Milliseconds a frame of each of some ways to read a file."""
    script = Path(__file__).with_name("readers.py")
    done = subprocess.run(
        [sys.executable, script, what, path],
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(each) for each in done.stdout.split()]


@pytest.mark.parametrize("name", LAYOUTS)
def test_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], frames: np.ndarray, name: str
) -> None:
    options, needed = LAYOUTS[name]
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, **options)
    theirs, jumping, stepping, *least = measured("frames", path)
    with capsys.disabled():
        print(
            f"\n| {name} | {theirs:.1f} | {jumping:.1f} ({theirs / jumping:.1f} ×) "
            f"| {stepping:.1f} ({theirs / stepping:.1f} ×) |",
            *[f"two threads that copy {each:.2f}" for each in least],
        )
    assert stepping <= max([theirs / needed, *[_NEAR * each for each in least]])
    assert theirs >= min(_SAME, needed) * jumping


# What Python does for a read, however small, shows: how many times as long as h5py
# it may take.
SMALL: dict[str, tuple[int, dict[str, Any], float]] = {
    "256 × 256, contiguous": (256, {}, 6),
    "256 × 256, gzip, 12 frames a chunk": (256, {"chunks": (12, 256, 256), **_GZIP}, 1),
    "256 × 256, Bitshuffle-LZ4": (
        256,
        {"chunks": (1, 256, 256), **hdf5plugin.Bitshuffle(cname="lz4")},
        2.5,
    ),
    "256 × 256, gzip": (256, {"chunks": (1, 256, 256), **_GZIP}, 1),
    "1024 × 1024, contiguous": (1024, {}, 1.6),
    "1024 × 1024, uncompressed, rows of 128": (1024, {"chunks": (1, 128, 1024)}, 1.4),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], frames: np.ndarray, name: str
) -> None:
    side, options, most = SMALL[name]
    path = tmp_path / "stack.h5"
    data = frames.reshape(-1, SIDE // side, side, SIDE // side, side).swapaxes(2, 3)
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=data.reshape(-1, side, side), **options)
    theirs, jumping, stepping, *_ = measured("frames", path)
    with capsys.disabled():
        print(
            f"\n| {name} | {1000 * theirs:.0f} | {1000 * jumping:.0f} "
            f"| {1000 * stepping:.0f} |"
        )
    assert max(jumping, stepping) <= most * theirs


@pytest.mark.parametrize("options", [{}, {"chunks": (64, 64, FRAMES), **_GZIP}])
def test_against_the_grain(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    frames: np.ndarray,
    options: dict[str, Any],
) -> None:
    """A stack stored (x, y, n), amortised, against the same well ordered."""
    ordered = {**options, "chunks": _FRAME} if options else {}
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("xyn", data=frames.T, **options)
        file.create_dataset("nyx", data=frames, **ordered)
    well, against, *least = measured("grain", path)
    with capsys.disabled():
        kind = "gzip" if options else "contiguous"
        print(
            f"\n| {kind}, stored (x, y, n) | {against:.1f} "
            f"| {against / well:.1f} × well ordered |",
            *[f"three passes {each:.1f}" for each in least],
        )
    assert against <= max([2 * well, *[_NEAR * each for each in least]])
