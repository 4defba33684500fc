"""Complex numbers in compounds, and single frames, against NumPy."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_emd_flatfield.lazy import (
    AdaptedArray,
    ComplexArray,
    FrameArray,
    H5Array,
    is_complex_compound,
)

if TYPE_CHECKING:
    from pathlib import Path

KEYS: tuple[Any, ...] = (
    ...,
    0,
    -1,
    (1, 2),
    (slice(None), slice(1, 4)),
    (slice(None, None, -2), ..., 3),
    (slice(3, 1), slice(None)),
)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([("realFloat", "<f4"), ("imagFloat", "<f4")], "c8"),
        ([("realFloatHalfOdd", ">f4"), ("imagFloatHalfOdd", ">f4")], "c8"),
        ([("Re", "f8"), ("Im", "f8")], "c16"),
        ([("real", "i2"), ("imag", "i2")], "c8"),
    ],
)
def test_complex_array(tmp_path: Path, stored: Any, expected: str) -> None:
    pairs = np.random.default_rng(0).integers(-99, 99, (2, 4, 5))
    array = np.empty((4, 5), stored)
    for name, values in zip(array.dtype.names or (), pairs, strict=True):
        array[name] = values
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"] = array
    lazy = ComplexArray(H5Array(tmp_path / "x.h5", "/a"))
    truth = pairs[0] + 1j * pairs[1]
    assert (lazy.shape, lazy.dtype) == ((4, 5), np.dtype(expected))
    for key in KEYS:
        np.testing.assert_array_equal(lazy[key], truth[key])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(lazy)), truth)


@pytest.mark.parametrize(
    "dtype",
    [
        "c8",
        "f4",
        [("real", "f4")],
        [("real", "f4"), ("imag", "f8")],
        [("x", "f4"), ("y", "f4")],
        [("red", "u1"), ("green", "u1"), ("blue", "u1")],
        [("real", "S4"), ("imag", "S4")],
        [("real", "f4", 3), ("imag", "f4", 3)],
    ],
)
def test_other_types_are_no_complex_compound(dtype: Any) -> None:
    assert not is_complex_compound(np.dtype(dtype))


@pytest.mark.parametrize("index", [0, 2])
def test_frame_array(index: int) -> None:
    stack = np.arange(60).reshape(3, 4, 5)
    lazy = FrameArray(AdaptedArray(stack), index)
    assert (lazy.shape, lazy.dtype, lazy.chunks) == ((4, 5), stack.dtype, (4, 5))
    for key in KEYS:
        np.testing.assert_array_equal(lazy[key], stack[index][key])
