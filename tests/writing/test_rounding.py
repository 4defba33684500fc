from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import napari_emd_flatfield as nef
from napari_emd_flatfield import Signal, WriteError
from napari_emd_flatfield.writing.rounding import round_off

if TYPE_CHECKING:
    from pathlib import Path


def rounded(values: np.ndarray, keepbits: int | None) -> np.ndarray:
    result = values.copy()
    round_off(result, keepbits)
    return result


def nearest(value: np.floating[Any], keepbits: int) -> float:
    """Round one number to keepbits + 1 significant bits, by arithmetic alone."""
    mantissa, exponent = np.frexp(np.longdouble(value))
    scale = np.longdouble(2) ** (keepbits + 1)
    return float(np.ldexp(np.rint(mantissa * scale) / scale, exponent))


@given(
    values=hnp.arrays(
        st.sampled_from(["f4", "f8", ">f4"]),
        st.integers(1, 20),
        elements=st.floats(-(2.0**90), 2.0**90, width=32, allow_subnormal=False),
    ),
    keepbits=st.integers(1, 22),
)
def test_values_are_rounded_to_nearest(values: np.ndarray, keepbits: int) -> None:
    result = rounded(values, keepbits)
    assert [float(v) for v in result] == [nearest(v, keepbits) for v in values]
    error = np.abs(result.astype("f8") - values.astype("f8"))
    assert (error <= np.abs(values.astype("f8")) * 2.0 ** -(keepbits + 1)).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_what_has_no_nearest_is_kept(dtype: str) -> None:
    largest = np.finfo(dtype).max
    payload = np.array([-1], f"i{np.dtype(dtype).itemsize}").view(dtype)[0]
    values = np.array([np.nan, payload, np.inf, -np.inf, largest, 0, -0.0], dtype)
    result = rounded(values, 3)
    np.testing.assert_array_equal(result, values)
    np.testing.assert_array_equal(np.signbit(result), np.signbit(values))


@pytest.mark.parametrize(
    ("values", "keepbits"),
    [
        (np.arange(5), 3),
        (np.ones(3, bool), 3),
        (np.full(3, 1 / 3, "f4"), 23),
        (np.full(3, 1 / 3, "f4"), None),
        (np.full(3, 1 / 3, "f2"), 10),
        (np.full(3, 1j / 3), 3),
    ],
)
def test_nothing_is_done_where_there_is_nothing_to_do(
    values: np.ndarray, keepbits: int | None
) -> None:
    np.testing.assert_array_equal(rounded(values, keepbits), values)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (3, 20, 30)])
@pytest.mark.parametrize("compression", ["gzip", None, "bitshuffle-lz4"])
def test_a_rounded_file_says_how_far_off_it_is(
    tmp_path: Path, compression: Any, shape: tuple[int, ...]
) -> None:
    values = np.random.default_rng(0).normal(1, 0.3, shape).astype("f4")
    counts = np.arange(24).reshape(4, 6)
    signals = [Signal("ratio", values), Signal("counts", counts)]
    path = tmp_path / "x.emd"
    nef.write(path, signals, keepbits=8, compression=compression)
    with h5py.File(path) as file:
        stored = file["data/ratio/data"][()]
        assert file["data/ratio/rounding"].attrs["mantissa_bits"] == 8
        bound = file["data/ratio/rounding"].attrs["largest_relative_error"]
        assert bound == 2**-9
        assert "rounding" not in file["data/counts"]
        np.testing.assert_array_equal(file["data/counts/data"][()], counts)
        (said,) = file["comments"].attrs.values()
    assert (np.abs(stored - values) <= bound * np.abs(values)).all()
    assert not np.array_equal(stored, values)
    assert "ratio rounded to 8 bits of mantissa (relative error up to 2.0e-03)" in said
    assert said.count("rounded") == 1


def test_errors_of_repeated_rounding_add_up(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(1, 0.3, (4, 50, 50))
    signal = Signal("ratio", values)
    for keepbits in (12, 6, 30):
        path = nef.write(tmp_path / f"{keepbits}.emd", signal, keepbits=keepbits)
        (signal,) = nef.read(path)
    bound = signal.metadata["rounding"]["largest_relative_error"]
    assert bound == 2**-13 + 2**-7 + 2**-31
    error = np.abs(np.asarray(signal.data) - values)
    assert (error <= bound * np.abs(values)).all()


def test_rounding_makes_files_smaller(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(1, 0.04, (2, 300, 300)).astype("f4")
    whole = nef.write(tmp_path / "whole.emd", Signal("a", values))
    small = nef.write(tmp_path / "small.emd", Signal("a", values), keepbits=10)
    assert small.stat().st_size < 0.6 * whole.stat().st_size


@pytest.mark.parametrize("keepbits", [0, -1, 53, 2.5, "12"])
def test_other_numbers_of_bits_are_refused(tmp_path: Path, keepbits: Any) -> None:
    with pytest.raises(WriteError, match="is not a number of bits; use 1 to 52"):
        nef.write(tmp_path / "x.emd", Signal("a", np.ones((2, 2))), keepbits=keepbits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said", ["to nearest", {"largest_relative_error": "1e-3"}, {"by": "hand"}, None]
)
def test_what_somebody_else_says_of_rounding_is_kept(tmp_path: Path, said: Any) -> None:
    signal = nef.Signal("a", np.ones((4, 4), "f4"), metadata={"rounding": said})
    (saved,) = nef.read(nef.write(tmp_path / "x.emd", signal, keepbits=8))
    rounding = saved.metadata["rounding"]
    assert rounding["largest_relative_error"] == 2.0**-9
    words = [said] if not isinstance(said, dict) else [*said.values()]
    assert all(word in rounding.values() for word in words)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_bound_holds_for_the_smallest_values_as_well(dtype: str) -> None:
    limits = np.finfo(dtype)
    values = np.linspace(-1, 1, 4001).astype(dtype) * limits.smallest_normal * 4
    done = rounded(values, 3)
    there = values != 0
    error = np.abs(done[there] / values[there].astype("f8") - 1)
    assert np.all(error <= 2.0**-4)
