"""Speed of the correction, as ratios of medians within one run.

Run with ``pytest tests/benchmarks -m benchmark`` on a machine that has nothing else
to do; packages that are not installed are left out of the tables. Each contender
does the same work on the same arrays, repeats are interleaved, and what is computed
is compared before it is timed. What falls behind what it is meant to be fails.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, Signal
from napari_emd_flatfield.flatfield import blocks, kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.benchmark

FRAMES, SIDE, REPEATS, THREADS = 100, 2048, 5, 2

# How many times as fast as another each has to be.
TARGETS = [
    ("ours, numba", "floor: cast to float32", 1 / 1.35),
    ("ours, numba", "naive NumPy", 9),
    ("ours, numba", "nabu", 10),
    ("ours, numba", "algotom", 10),
    ("ours, NumPy alone", "naive NumPy", 4),
]

# What a corrected frame may take longer than a raw one, where numba is there.
MOST_MORE_SECONDS = 5e-3


class Scan:
    """100 frames between flats at 0 and 500, a dark, an output that was touched."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        frame = SIDE, SIDE
        self.raw = random.integers(200, 4000, (FRAMES, *frame), dtype=np.uint16)
        self.flats = random.integers(3000, 5000, (2, *frame), dtype=np.uint16)
        self.dark = random.integers(90, 110, frame, dtype=np.uint16)
        self.positions = np.linspace(0, 500, FRAMES)
        self.out = np.ones((FRAMES, *frame), np.float32)
        self.ff = FlatField(self.flats, self.dark, positions=[0, 500])


@pytest.fixture(scope="module")
def scan() -> Iterator[Scan]:
    made = Scan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "core_count", lambda: THREADS)
        # The compiled kernel is loaded, or built, in the background.
        made.ff(made.raw[0], at=1.0)
        for program in list(kernels._programs.values()):
            program.result()
        yield made


def floor(scan: Scan) -> None:
    """What memory allows: the cast alone, in as many threads."""

    def cast(rows: slice) -> None:
        for raw, out in zip(scan.raw, scan.out, strict=True):
            np.copyto(out[rows], raw[rows])

    edges = np.linspace(0, SIDE, THREADS + 1).astype(int)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(cast, map(slice, edges[:-1], edges[1:])))


def naive(scan: Scan) -> None:
    """What one writes first, with an eye on float32."""
    dark = scan.dark.astype(np.float32)
    first, last = scan.flats.astype(np.float32)
    for raw, out, at in zip(scan.raw, scan.out, scan.positions, strict=True):
        share = np.float32(at / 500)
        flat = first * (1 - share) + last * share
        out[...] = (raw.astype(np.float32) - dark) / (flat - dark)


def ours(scan: Scan) -> None:
    scan.ff(scan.raw, at=scan.positions, out=scan.out)


def ours_with_numpy(scan: Scan) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_has_numba", lambda: False)
        ours(scan)


def nabu(scan: Scan) -> None:
    module = import_module("nabu.preproc.flatfield")
    flats = dict(zip([0, 500], scan.flats.astype(np.float32), strict=True))
    correction = module.FlatField(
        scan.raw.shape,
        flats,
        {0: scan.dark.astype(np.float32)},
        radios_indices=scan.positions.astype(int),
    )
    scan.out[...] = scan.raw  # it works in place, on float32
    correction.normalize_radios(scan.out)


def algotom(scan: Scan) -> None:
    module = import_module("algotom.prep.correction")
    dark = scan.dark.astype(np.float32)
    first, last = scan.flats.astype(np.float32)
    for raw, out, at in zip(scan.raw, scan.out, scan.positions, strict=True):
        share = np.float32(at / 500)
        flat = first * (1 - share) + last * share
        out[...] = module.flat_field_correction(raw[np.newaxis], flat, dark)[0]


def interleaved(
    contenders: dict[str, Callable[[], object]],
    repeats: int = REPEATS,
    least_seconds: float = 0.0,
) -> dict[str, float]:
    """Medians of the seconds each takes, quick ones more often than once a turn."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            turn = time.perf_counter()
            start = turn
            while start == turn or start - turn < least_seconds:
                run()
                now = time.perf_counter()
                taken[name].append(now - start)
                start = now
    return {name: float(np.median(times)) for name, times in taken.items()}


def available(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def test_a_stack_in_memory(scan, capsys):
    contenders = {"floor: cast to float32": floor, "naive NumPy": naive}
    if kernels._has_numba():
        contenders["ours, numba"] = ours
    contenders["ours, NumPy alone"] = ours_with_numpy
    if available("nabu"):
        contenders["nabu"] = nabu
    if available("algotom"):
        contenders["algotom"] = algotom
    naive(scan)
    expected = scan.out[[0, 37, 99]].copy()
    for name, run in list(contenders.items())[2:]:
        run(scan)
        # nabu rounds positions down to whole numbers.
        tolerance = 2e-3 if name == "nabu" else 1e-6
        np.testing.assert_allclose(scan.out[[0, 37, 99]], expected, rtol=tolerance)
    seconds = interleaved(
        {name: lambda r=run: r(scan) for name, run in contenders.items()},
        least_seconds=0.5,
    )
    with capsys.disabled():
        print(f"\n{FRAMES} frames of {SIDE}², uint16 → float32, {THREADS} threads")
        print(f"{'':24} ms/frame  × floor  naive/this")
        for name, taken in seconds.items():
            print(
                f"{name:24} {1e3 * taken / FRAMES:8.2f} "
                f"{taken / seconds['floor: cast to float32']:8.2f} "
                f"{seconds['naive NumPy'] / taken:11.2f}"
            )
    for name, other, ratio in TARGETS:
        if {name, other} <= set(seconds):
            assert seconds[other] >= ratio * seconds[name], (name, other, ratio)


def test_a_frame_looked_at(scan, capsys):
    axes = Axis("position", "nm", scan.positions), *map(Axis.index, (SIDE, SIDE))
    raw = Signal("raw", scan.raw, axes)
    corrected = scan.ff.correct(raw).data
    source = corrected._source
    number = iter(np.arange(10**6) % FRAMES)
    seconds = interleaved(
        {
            "raw": lambda: source[next(number)],
            "corrected": lambda: corrected[next(number)],
            "of it a region of 512²": lambda: corrected[next(number), :512, :512],
            "of it a pixel": lambda: corrected[next(number), 9, 9],
        },
        repeats=100,
    )
    with capsys.disabled():
        print(f"\none frame of {SIDE}² from memory, as napari asks for it (ms)")
        for name, taken in seconds.items():
            print(f"{name:24} {1e3 * taken:8.3f}")
    if kernels._has_numba():
        assert seconds["corrected"] - seconds["raw"] <= MOST_MORE_SECONDS


@pytest.mark.filterwarnings("ignore:.*L-BFGS-B:DeprecationWarning")
def test_illumination_that_moves(capsys):
    dynflatfield = pytest.importorskip("dynflatfield")
    random = np.random.default_rng(1)
    side, flats_taken, frames = 512, 60, 20
    y, x = np.meshgrid(*2 * [np.linspace(-1, 1, side)], indexing="ij")
    mean = np.exp(-0.5 * (x**2 + y**2))
    modes = np.stack([mean * 0.1 * np.sin(25 * y + 3 * x), mean * 0.08 * x * y])
    gain = random.normal(1, 0.02, mean.shape)

    def expose(truth):
        light = mean + np.tensordot(random.normal(0, 1, 2), modes, 1)
        return random.poisson(4000 * gain * light * truth) + 100

    truth = np.ones(mean.shape)
    for cy, cx in random.uniform(0, side, (8, 2)):
        rows, columns = np.ogrid[:side, :side]
        truth[(rows - cy) ** 2 + (columns - cx) ** 2 < (side / 12) ** 2] *= 0.6
    flats = np.stack([expose(1) for _ in range(flats_taken)]).astype(np.uint16)
    raw = np.stack([expose(truth) for _ in range(frames)]).astype(np.uint16)
    dark = np.full((5, side, side), 100, np.uint16)

    def theirs(factor):
        mean_dark = dynflatfield.process_dark(dark)
        flat, components, _ = dynflatfield.process_flat(flats, mean_dark, 2)
        correction = dynflatfield.DynamicFlatFieldCorrectionNumba.from_constants(
            mean_dark, flat - mean_dark, components, (1, 1)
        )
        # Its compiled code takes arrays of one layout only.
        correction.components = np.ascontiguousarray(components)
        correction.set_downsample_factors(factor, factor)
        correction.components_ds = np.ascontiguousarray(correction.components_ds)
        # As its process() does, which newer SciPy breaks by keeping float32.
        images = raw.astype(np.float32)
        weights = [correction.refine_weigths(f, np.zeros(2))[0] for f in images]
        pairs = zip(weights, images, strict=True)
        return np.stack([correction.correct_dyn(w, f) for w, f in pairs])

    where = np.linspace(0, 100, flats_taken)
    at = np.linspace(0, 100, frames)
    contenders = {
        "one mean flat": lambda: FlatField(flats, dark, interpolation="mean")(raw),
        "linear": lambda: FlatField(flats, dark, positions=where)(raw, at=at),
        "ours, dynamic": lambda: FlatField(
            flats, dark, positions=where, interpolation="dynamic"
        )(raw, at=at),
        "dynflatfield": lambda: theirs(1),
        "dynflatfield, binned 2²": lambda: theirs(2),
        "dynflatfield, binned 4²": lambda: theirs(4),
    }
    left = {}
    for name, run in contenders.items():
        ratio = (run() / truth).reshape(frames, side // 16, 16, side // 16, 16)
        coarse = ratio.mean(axis=(2, 4))
        left[name] = float((coarse / coarse.mean(axis=(1, 2), keepdims=True)).std())
    assert left["ours, dynamic"] < left["linear"] / 5
    seconds = interleaved(contenders, repeats=3)
    with capsys.disabled():
        print(
            f"\n{frames} frames of {side}², {flats_taken} flats: unevenness left in "
            "16² pixels, and time"
        )
        for name, taken in seconds.items():
            print(f"{name:24} {left[name]:8.2%} {taken:8.2f} s")
