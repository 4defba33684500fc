"""Ways to read a stack, taking turns in a process of their own.

``python readers.py frames FILE`` prints milliseconds a frame of dataset ``d``: read by
h5py, by this package from frame to frame in no order, and from each to the next; where
it is contiguous, also by two threads that do nothing but copy.
``python readers.py grain FILE`` prints those of stepping through ``nyx`` and ``xyn``,
and of three passes over memory, the fewest that ``xyn`` can be read with.
Each frame is held until the next is there, as a viewer does, and none is kept until it
comes round again. What counts is the median of some rounds.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_emd_flatfield.lazy import CACHE, H5Array
from napari_emd_flatfield.lazy.memory import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What is over in an instant is repeated more often.
ROUNDS = 5, 40
SECONDS = 3

# How many bytes of frames to jump through: more than h5py's own cache, 8 MiB, holds.
_JUMPED, _LEAST = 2**25, 21
# Few are enough of what takes h5py most of a second each.
_HUGE, _FEW = 2**26, 4

# What stays in a core's cache while pixels are picked from it.
_PART = 2**19


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
    least, most = ROUNDS
    end = time.perf_counter() + SECONDS
    for number in range(most):
        if number >= least and time.perf_counter() > end:
            break
        for run, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            count = run()
            taken.append(1e3 * (time.perf_counter() - start) / count)
    return [statistics.median(taken) for taken in times]


def frames(path: str) -> list[float]:
    CACHE.limit = 128 * 2**20  # less than the stack
    # Jumps would find what was stepped through, under the same name.
    other = Path(path).with_suffix(".again.h5")
    other.hardlink_to(path)
    with (
        h5py.File(path) as file,
        H5Array(path, "d") as array,
        H5Array(other, "d") as again,
    ):
        dataset = file["d"]
        np.testing.assert_array_equal(array[3], dataset[3])
        order, each = jumps(array), range(len(array))
        ways = [read(dataset, order), read(again, order), read(array, each)]
        offset = dataset.id.get_offset()
        if offset is None:
            return medians(*ways)
        with Path(path).open("rb") as stream, ThreadPoolExecutor(1) as pool:
            ways.append(copying(stream.fileno(), offset, array, pool))
            return medians(*ways)


def jumps(array: Any) -> list[int]:
    """Frames in no order: as no two steps are equal, nothing can be read ahead."""
    nbytes = array.nbytes // len(array)
    count = min(len(array), max(_LEAST, _JUMPED // nbytes))
    if array.chunks[0] * nbytes > _HUGE:
        count = _FEW
    order = random.Random(2).sample(range(len(array)), count)
    steps = [b - a for a, b in itertools.pairwise(order)]
    assert all(a != b for a, b in itertools.pairwise(steps))
    return order


def copying(
    number: int, offset: int, array: Any, pool: ThreadPoolExecutor
) -> Callable[[], int]:
    """Copy frames out of the page cache, by halves, into memory used before."""
    nbytes = array.nbytes // len(array)
    # One is held while the next is read.
    memory = [FRAMES.array((nbytes,), np.dtype("u1")) for _ in range(2)]

    def copy(part: np.ndarray, begin: int) -> None:
        assert os.preadv(number, [part.data], begin) == len(part)

    def run() -> int:
        for index in range(len(array)):
            first, second = np.split(memory[index % 2], 2)
            begin = offset + index * nbytes
            other = pool.submit(copy, second, begin + len(first))
            copy(first, begin)
            other.result()
        return len(array)

    return run


def grain(path: str) -> list[float]:
    with H5Array(path, "xyn") as across, H5Array(path, "nyx") as along:
        turned = across.transpose(2, 1, 0)
        np.testing.assert_array_equal(turned[5], along[5])

        def anew(array: Any) -> Callable[[], int]:
            def run() -> int:
                CACHE.clear()
                return read(array, range(len(array)))()

            return run

        ways = [anew(along), anew(turned)]
        with h5py.File(path) as file:
            offset = file["xyn"].id.get_offset()
        if offset is None:
            return medians(*ways)
        with Path(path).open("rb") as stream:
            ways.append(three_passes(stream.fileno(), offset, across))
            return medians(*ways)


def three_passes(number: int, offset: int, array: Any) -> Callable[[], int]:
    """Read a part, put its pixels where the frames are, copy each frame.

    Nothing else: no file is watched, and all memory was used before.
    """
    length, width, count = array.shape
    block = np.zeros((count, length, width), array.dtype)
    frame = np.zeros((length, width), array.dtype)
    nbytes = width * count * array.dtype.itemsize
    rows = _PART // nbytes

    def turn(first: int, last: int) -> None:
        part = np.empty((rows, width, count), array.dtype)
        for row in range(first, last, rows):
            several = part[: min(rows, last - row)]
            bytes_ = several.reshape(-1).view("u1").data
            assert os.preadv(number, [bytes_], offset + row * nbytes) == len(bytes_)
            block[:, row : row + len(several)] = several.transpose(2, 0, 1)

    def run() -> int:
        with ThreadPoolExecutor(2) as pool:
            halves = [(0, length // 2), (length // 2, length)]
            list(pool.map(lambda half: turn(*half), halves))
        for each in block:
            np.copyto(frame, each)
        return count

    return run


if __name__ == "__main__":
    ways: dict[str, Callable[[str], list[float]]] = {"frames": frames, "grain": grain}
    print(*ways[sys.argv[1]](sys.argv[2]))
