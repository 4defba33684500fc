"""Ways to read a stack, taking turns in a process of their own.

``python readers.py frames FILE`` prints milliseconds a frame of dataset ``d``: read by
h5py, by this package from frame to frame in no order, and from each to the next.
``python readers.py grain FILE`` prints those of stepping through ``nyx`` and ``xyn``.
Each frame is held until the next is there, as a viewer does, and none is kept until it
comes round again. What counts is the median of some rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_emd_flatfield.lazy import CACHE, H5Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 5

# No two steps in a row are equal: nothing can be read ahead.
_JUMPS = (0, 13, 5, 18, 2, 21, 9, 14, 1, 17, 6, 23, 11, 3, 20, 8, 15, 4, 22, 10, 19)
_FEW = (0, 13, 5, 20)


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
    for _ in range(ROUNDS):
        for run, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            count = run()
            taken.append(1e3 * (time.perf_counter() - start) / count)
    return [statistics.median(taken) for taken in times]


def frames(path: str) -> list[float]:
    CACHE.limit = 128 * 2**20  # less than the stack
    with h5py.File(path) as file, H5Array(path, "d") as array:
        dataset = file["d"]
        np.testing.assert_array_equal(array[3], dataset[3])
        # A few are enough of what takes h5py most of a second each.
        order = _FEW if array.chunks[0] > len(_FEW) else _JUMPS
        return medians(
            read(dataset, order), read(array, order), read(array, range(len(array)))
        )


def grain(path: str) -> list[float]:
    with H5Array(path, "xyn") as across, H5Array(path, "nyx") as along:
        turned = across.transpose(2, 1, 0)
        np.testing.assert_array_equal(turned[5], along[5])

        def anew(array: Any) -> Callable[[], int]:
            def run() -> int:
                CACHE.clear()
                return read(array, range(len(array)))()

            return run

        return medians(anew(along), anew(turned))


if __name__ == "__main__":
    ways: dict[str, Callable[[str], list[float]]] = {"frames": frames, "grain": grain}
    print(*ways[sys.argv[1]](sys.argv[2]))
