"""Kernels agree to the bit, however the work is cut up and shared out."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emd_flatfield import FlatField
from napari_emd_flatfield.flatfield import Pixels, Scaling, blocks, kernel, kernels
from napari_emd_flatfield.flatfield.kernel import Mixture, Recipe, Rule

SIDE = st.integers(1, 70)
# Raw, gains and darks: each combination is compiled, so they are few.
KINDS = [
    ("u2", "u2", "u2"),
    ("u2", "u2", None),
    ("u2", "f4", "f4"),
    ("f4", "f4", "u2"),
    ("i1", "u2", "u2"),
    ("?", "f4", None),
]


@st.composite
def blocks_of_frames(draw):
    """Nasty frames and references of any dtype the compiled kernel takes."""
    n, height, width = draw(st.integers(1, 4)), draw(SIDE), draw(SIDE)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def images(dtype, count, nasty=(np.nan, np.inf, 0, -3e38)):
        values = random.normal(100, 80, (count, height, width))
        if dtype == "f4":
            hit = random.random(values.shape) < 0.02
            values[hit] = draw(st.sampled_from(nasty))
        else:
            low, high = {"?": (0, 1), "i1": (-128, 127), "u2": (0, 65535)}[dtype]
            values = np.clip(values, low, high)
        return values.astype(dtype)

    def mixtures(stack):
        mixed = []
        for _ in range(n):
            near, far = random.integers(0, len(stack), 2)
            weight = float(draw(st.sampled_from([0, 1e-3, 1 / 3, 0.5])))
            mixed.append(Mixture(stack, int(near), int(far), weight))
        return mixed

    raw_kind, gain_kind, dark_kind = draw(st.sampled_from(KINDS))
    raw = images(raw_kind, n)
    # Infinite gains are NaN by the time a kernel sees them.
    gains = mixtures(images(gain_kind, 3, (np.nan, 0, -3e38)))
    darks = mixtures(images(dark_kind, 2)) if dark_kind else [None] * n
    scale = draw(st.sampled_from([1.0, 1 / 3, np.nan]))
    recipes = [Recipe(g, d, scale) for g, d in zip(gains, darks, strict=True)]
    rule = Rule(
        draw(st.sampled_from([np.nan, 0.0])),
        draw(st.sampled_from([float(np.finfo(np.float32).max), 3.0])),
        draw(st.sampled_from([0.0, 20.0])),
        draw(st.sampled_from([np.inf, 150.0])),
    )
    return raw, recipes, rule


@given(blocks_of_frames())
@settings(deadline=None)
def test_numba_computes_what_numpy_does(block):
    compiled = pytest.importorskip(
        "napari_emd_flatfield.flatfield.compiled", exc_type=ImportError
    )
    raw, recipes, rule = block
    rows = slice(0, raw.shape[1])
    plain, fast = np.empty((2, *raw.shape), np.float32)
    counted = kernel.correct_rows(raw, plain, recipes, rule, rows)
    counted_fast = compiled.correct_rows(raw, fast, recipes, rule, rows)
    np.testing.assert_array_equal(fast, plain)
    np.testing.assert_array_equal(counted_fast, counted)


@given(blocks_of_frames(), st.data())
@settings(deadline=None)
def test_rows_are_corrected_where_they_are(block, data):
    compiled = pytest.importorskip(
        "napari_emd_flatfield.flatfield.compiled", exc_type=ImportError
    )
    raw, recipes, rule = block
    height = raw.shape[1]
    first = data.draw(st.integers(0, height - 1))
    rows = slice(first, data.draw(st.integers(first + 1, height)))
    whole = np.empty(raw.shape, np.float32)
    kernel.correct_rows(raw, whole, recipes, rule, slice(0, height))
    for each in (kernel, compiled):
        out = np.full(raw.shape, 12345, np.float32)
        each.correct_rows(raw, out, recipes, rule, rows)
        np.testing.assert_array_equal(out[:, rows], whole[:, rows])
        outside = np.ones(height, bool)
        outside[rows] = False
        assert (out[:, outside] == 12345).all()


@given(blocks_of_frames(), st.integers(1, 5000))
@settings(deadline=None)
def test_the_size_of_a_band_does_not_matter(block, size):
    raw, recipes, rule = block
    rows = slice(0, raw.shape[1])
    whole, banded = np.empty((2, *raw.shape), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "_BAND_BYTES", 2**40)
        counted = kernel.correct_rows(raw, whole, recipes, rule, rows)
        patch.setattr(kernel, "_BAND_BYTES", size)
        counted_banded = kernel.correct_rows(raw, banded, recipes, rule, rows)
    np.testing.assert_array_equal(banded, whole)
    np.testing.assert_array_equal(counted_banded, counted)


@pytest.fixture
def scan(random):
    """Ten frames of half a megapixel, and all that a kernel mixes."""
    frame = 512, 1024
    raw = random.integers(0, 3000, (10, *frame)).astype(np.uint16)
    flats = random.integers(0, 4000, (3, *frame)).astype(np.uint16)
    darks = random.integers(0, 100, (2, *frame)).astype(np.uint16)
    at = np.linspace(-1, 11, 10)
    options = {"positions": [0, 5, 10], "dark_positions": [0, 10]}
    return raw, flats, darks, at, options


def wait_for_programs():
    for program in list(kernels._programs.values()):
        program.result()


EXTRAS = [
    {},
    {"dtype": "float64"},
    {"dtype": "float16"},
    {"fill": "median", "pixels": Pixels(zinger=1.0)},
    {"scaling": Scaling(air=(5, 400, 300, 800))},
    {"mode": "gain"},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=[", ".join(e) or "-" for e in EXTRAS])
def test_the_number_of_threads_does_not_matter(scan, extra, monkeypatch):
    raw, flats, darks, at, options = scan
    ff = FlatField(flats, darks, **options, **extra)
    raw, at = raw[:2], at[3:5]
    monkeypatch.setattr(blocks, "core_count", lambda: 1)
    one = ff(raw, at)
    for threads in (2, 3, 7):
        monkeypatch.setattr(blocks, "core_count", lambda n=threads: n)
        np.testing.assert_array_equal(ff(raw, at), one)


@pytest.mark.parametrize("extra", EXTRAS[:3], ids=["-", "float64", "float16"])
def test_frames_singly_or_in_slabs_are_the_same(scan, extra):
    raw, flats, darks, at, options = scan
    ff = FlatField(flats, darks, **options, **extra)
    slab = ff(raw, at)
    for frame, where, result in zip(raw, at, slab, strict=True):
        np.testing.assert_array_equal(ff(frame, where), result)
    np.testing.assert_array_equal(ff(raw[3:7], at[3:7]), slab[3:7])


def test_a_large_frame_follows_the_formula_with_either_kernel(scan):
    raw, flats, *_ = scan
    flats, dark = flats + np.uint16(200), np.full(raw.shape[1:], 100, np.uint16)
    ff = FlatField(flats, dark, positions=[0, 5, 10])
    flat = flats[0] * 0.6 + flats[1] * 0.4 - 100.0
    expected = (raw[4] - 100.0) / flat
    for wait in (False, True):
        if wait:
            wait_for_programs()
        result = ff(raw[4], at=2.0)
        np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_nothing_but_the_result_is_allocated_for_a_frame(scan):
    raw, flats, darks, at, options = scan
    ff = FlatField(flats, darks, **options)
    out = np.empty(raw.shape, np.float32)
    ff(raw, at, out=out)
    wait_for_programs()
    tracemalloc.start()
    ff(raw, at, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < out[0].nbytes


def test_importing_the_package_imports_neither_numba_nor_qt():
    code = (
        "import sys, napari_emd_flatfield as n; n.FlatField;"
        "found = {'numba', 'qtpy', 'napari', 'PyQt6', 'PySide6'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_numpy_does_it(scan, monkeypatch):
    raw, flats, darks, at, options = scan
    ff = FlatField(flats, darks, **options)
    expected = ff(raw, at)
    monkeypatch.setattr(kernels, "_has_numba", lambda: False)
    np.testing.assert_array_equal(ff(raw, at), expected)


def test_a_broken_numba_is_told_once_and_numpy_does_it(scan, monkeypatch):
    pytest.importorskip("numba")
    raw, flats, darks, at, options = scan
    monkeypatch.setattr(kernels, "_programs", {})
    monkeypatch.setitem(sys.modules, "napari_emd_flatfield.flatfield.compiled", None)
    ff = FlatField(flats, darks, **options)
    with pytest.warns(UserWarning, match="numba cannot be used"):  # noqa: PT031
        before = ff(raw, at)
        wait_for_programs()
    np.testing.assert_array_equal(ff(raw, at), before)


def _corrected_in_a_child(ff, raw, at, queue):
    queue.put(ff(raw, at=at))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(scan):
    raw, flats, darks, at, options = scan
    ff = FlatField(flats, darks, **options)
    expected = ff(raw[:2], at[:2])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(
        target=_corrected_in_a_child, args=(ff, raw[:2], at[:2], queue)
    )
    child.start()
    result = queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    np.testing.assert_array_equal(result, expected)
