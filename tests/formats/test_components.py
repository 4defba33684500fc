"""Which part of complex data is shown, whatever the dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.errors import SignalError

if TYPE_CHECKING:
    from pathlib import Path

random = np.random.default_rng(6)
WAVES = (random.normal(size=(3, 4, 5)) + 1j * random.normal(size=(3, 4, 5))).astype(
    "c8"
)
PARTS = [
    ("modulus", np.abs),
    ("phase", np.angle),
    ("real", np.real),
    ("imaginary", np.imag),
]


@pytest.mark.parametrize(("component", "function"), PARTS)
@pytest.mark.parametrize("compound", [False, True])
def test_parts_of_a_plain_dataset(
    tmp_path: Path, component: Any, function: Any, *, compound: bool
) -> None:
    stored = WAVES.view([("re", "f4"), ("im", "f4")]) if compound else WAVES
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["waves"] = stored
        file["counts"] = WAVES.real
    signals = {s.name: s for s in nef.read(tmp_path / "x.h5", component=component)}
    waves, counts = signals["waves"], signals["counts"]
    np.testing.assert_array_equal(waves.data, function(WAVES))
    assert waves.dtype == np.float32
    assert waves.metadata["component"] == component
    # Real data have no parts.
    np.testing.assert_array_equal(counts.data, WAVES.real)
    assert "component" not in counts.metadata


@pytest.mark.parametrize(("component", "function"), PARTS)
def test_parts_of_a_stack_of_numbered_frames(
    tmp_path: Path, component: Any, function: Any
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for i, wave in enumerate(WAVES):
            file[f"data/{i:04}"] = wave
    (signal,) = nef.read(tmp_path / "x.h5", component=component)
    np.testing.assert_array_equal(signal.data, function(WAVES))


def test_modulus_unless_asked_otherwise(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["waves"] = WAVES
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, np.abs(WAVES))


def test_unknown_part(tmp_path: Path) -> None:
    with pytest.raises(SignalError, match=r"'modulus', 'phase'.* not 'colour'"):
        nef.read(tmp_path / "x.h5", component="colour")  # type: ignore[arg-type]
