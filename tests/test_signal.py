"""Axis and Signal: immutable values that describe an array."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import napari_emd_flatfield as nef
from factories import beamline
from napari_emd_flatfield import Axis, Signal

if TYPE_CHECKING:
    from pathlib import Path

reasonable = st.floats(-100, 100).map(lambda value: round(value, 3))
steps = reasonable.filter(bool)


@given(reasonable, steps, st.integers(2, 50), st.sampled_from(["f4", "f8"]))
def test_scale_and_offset_of_a_uniform_axis(
    offset: float, step: float, size: int, dtype: str
) -> None:
    values = (offset + step * np.arange(size)).astype(dtype)
    axis = Axis("x", "nm", values)
    rounding = float(np.abs(values).max() * np.finfo(dtype).eps)
    assert axis.offset == values[0]
    assume(rounding < 1e-4 * abs(step))
    assert axis.scale == pytest.approx(step, rel=1e-9, abs=4 * rounding)
    assert axis.is_uniform


@pytest.mark.parametrize(
    ("values", "scale", "offset", "uniform"),
    [
        pytest.param([], 1, 0, True, id="empty"),
        pytest.param([7.5], 1, 7.5, True, id="one"),
        pytest.param([3, 1], -2, 3, True, id="decreasing"),
        pytest.param([0, 100, 200, 299, 400, 500], 100, 0, False, id="beamline"),
        pytest.param([5, 5, 5], 1, 5, False, id="constant"),
        pytest.param([0, 5, 0], 1, 0, False, id="there and back"),
        pytest.param([0, np.nan, 2], 1, 0, False, id="NaN inside"),
    ],
)
def test_scale_of_any_axis(
    values: list[float], scale: float, offset: float, uniform: bool
) -> None:
    axis = Axis("x", "nm", np.array(values))
    assert (axis.scale, axis.offset, axis.is_uniform) == (scale, offset, uniform)


def test_an_axis_without_calibration_counts_pixels() -> None:
    axis = Axis.index(4, "x")
    assert axis == Axis("x", "px", np.arange(4))
    assert axis.is_index
    assert str(axis.unit) == "pixel"


@pytest.mark.parametrize(
    ("axis", "counts"),
    [
        (Axis("", "", np.arange(3)), True),
        (Axis("", "nm", np.arange(3)), False),
        (Axis("", "px", np.arange(3) + 1), False),
        (Axis("", "px", np.arange(3) * 2), False),
    ],
)
def test_what_only_counts(axis: Axis, counts: bool) -> None:
    assert axis.is_index == counts


def test_an_axis_keeps_coordinates_of_its_own() -> None:
    given_values = np.arange(3)
    axis = Axis("x", "nm", given_values)
    given_values[0] = 9
    assert axis.values.dtype == np.float64
    np.testing.assert_array_equal(axis.values, [0, 1, 2])
    with pytest.raises(ValueError, match="read-only"):
        axis.values[0] = 5
    with pytest.raises(FrozenInstanceError):
        axis.name = "y"  # type: ignore[misc]


def test_axes_are_equal_when_they_say_the_same() -> None:
    axis = Axis("x", "[n_m]", np.arange(3))
    assert axis == Axis("x", "nm", [0.0, 1.0, 2.0])
    assert axis != Axis("y", "nm", np.arange(3))
    assert axis != Axis("x", "um", np.arange(3))
    assert axis != Axis("x", "nm", np.arange(4))
    assert axis != "x"


@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.array(3.0)])
def test_coordinates_are_one_dimensional(values: np.ndarray) -> None:
    with pytest.raises(nef.SignalError, match=r"'x'.*shape"):
        Axis("x", "nm", values)


def test_a_unit_pint_does_not_know_is_kept() -> None:
    axis = Axis("x", "a.u.", np.arange(3))
    assert axis.units == "a.u."
    assert axis.unit is None


def test_a_signal_counts_pixels_unless_told_otherwise() -> None:
    signal = Signal("a", np.zeros((2, 3, 4), "u2"))
    assert signal.axes == (Axis.index(2), Axis.index(3), Axis.index(4))
    assert signal.shape == (2, 3, 4)
    assert signal.frame_shape == (3, 4)
    assert signal.dtype == np.uint16
    assert signal.origin == "a (in memory)"


@pytest.mark.parametrize(
    "axes", [(Axis.index(2),), (Axis.index(3), Axis.index(2)), (Axis.index(2),) * 3]
)
def test_axes_must_fit_the_data(axes: tuple[Axis, ...]) -> None:
    with pytest.raises(nef.SignalError, match=r"'a' has shape \(2, 3\)"):
        Signal("a", np.zeros((2, 3)), axes)


def test_a_signal_cannot_be_changed_but_replaced() -> None:
    metadata: dict[str, Any] = {"voltage": 300}
    signal = Signal("a", np.zeros((2, 3)), metadata=metadata)
    metadata["voltage"] = 80
    assert signal.metadata["voltage"] == 300
    with pytest.raises(TypeError):
        signal.metadata["voltage"] = 80  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        signal.name = "b"  # type: ignore[misc]
    renamed = replace(signal, name="b")
    assert (renamed.name, renamed.data) == ("b", signal.data)
    assert renamed.metadata == signal.metadata


def test_signals_travel(tmp_path: Path) -> None:
    for signal in nef.read(beamline(tmp_path / "x.h5", (4, 5))):
        for other in (pickle.loads(pickle.dumps(signal)), copy.deepcopy(signal)):
            assert (other.name, other.role, other.axes, dict(other.metadata)) == (
                *(signal.name, signal.role, signal.axes),
                dict(signal.metadata),
            )
            assert (other.path, other.dataset) == (signal.path, signal.dataset)
            np.testing.assert_array_equal(other.data, signal.data)
        assert copy.deepcopy(signal).data is signal.data


def test_a_signal_says_where_it_comes_from(tmp_path: Path) -> None:
    path = beamline(tmp_path / "x.h5", (4, 5))
    signal = nef.read(path)[0]
    assert signal.origin == f"{path}:/data"
    assert repr(signal) == (
        "Signal('data', raw, shape=(6, 4, 5), dtype=uint16, axes=(position, y, x))"
    )
    assert repr(signal.axes[0]) == "Axis('position', '', 0 … 500, n=6)"


@pytest.mark.parametrize(
    "units", ["[n_m]", b"nm", np.bytes_("nm"), pint.get_application_registry().nm]
)
def test_an_axis_takes_units_as_scripts_have_them(units: Any) -> None:
    assert Axis(b"x", units, [0, 1]) == Axis("x", "nm", np.array([0.0, 1.0]))  # type: ignore[arg-type]


def test_an_axis_without_name_and_units() -> None:
    assert Axis(None, None, [0, 1]) == Axis("", "", np.array([0.0, 1.0]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Axis("x", "nm", ["a", "b"]), "'x' needs numbers"),  # type: ignore[arg-type]
        (lambda: Axis("x", "nm", None), "'x' needs one coordinate"),  # type: ignore[arg-type]
        (lambda: Signal("a", [[1, 2]]), "'a' needs an array, not list"),  # type: ignore[arg-type]
        (lambda: Signal("a", np.ones((2, 2)), role="white"), "'raw', 'flat', 'dark'"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_signal_is_said(make: Any, said: str) -> None:
    with pytest.raises(nef.SignalError, match=said):
        make()
