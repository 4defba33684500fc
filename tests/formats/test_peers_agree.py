"""What ncempy or rosettasciio opens, we open with the same values and calibration.

The order of axes may differ: theirs does from one to the other. Everything else
follows whoever reads it.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ncempy.io import emd as ncem
from rsciio import emd as rsciio_emd

import napari_emd_flatfield as nef
from napari_emd_flatfield import Signal, units

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["y x", "x y", "z y x", "x y z", "angles y x", "t z y x", "", "a b c", "Y X"]
UNITS = ["[n_m]", "n_m", "nm", "[1_/_n_m]", "Å", "[u_m]", "deg", "[px]", "", "?/m"]
# How a coordinate vector is stored.
STORED: dict[str, Any] = {
    "each": lambda values: values,
    "single precision": lambda values: values.astype("f4"),
    "a column": lambda values: values[:, np.newaxis],
    "the first two": lambda values: values[:2],
    "big-endian": lambda values: values.astype(">f8"),
}
TEXT: dict[str, Any] = {
    "str": str,
    "bytes": lambda text: np.bytes_(text.encode()),
    "array": lambda text: np.array([text], h5py.string_dtype()),
}


@st.composite
def groups(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.sampled_from(NAMES)).split(" ")
    if names == [""]:
        names = [""] * draw(st.integers(2, 4))
    shape = draw(st.permutations([3, 4, 5, 6]))[: len(names)]
    random = np.random.default_rng(draw(st.integers(0, 99)))
    steps = st.sampled_from([1.0, 0.5, -0.25, 2e-10])
    return {
        "data": random.integers(0, 9999, shape).astype(
            draw(st.sampled_from(["u2", ">u2", "i4", "f4", "f8"]))
        ),
        "dims": [
            (
                draw(steps) * (draw(st.sampled_from([0.0, 7.0])) + np.arange(n)),
                draw(st.sampled_from(list(STORED))),
                name,
                draw(st.sampled_from(UNITS)),
            )
            for n, name in zip(shape, names, strict=True)
        ],
        "text": draw(st.sampled_from(list(TEXT))),
        "marked": draw(st.sampled_from([1, np.int8(1), np.uint32(1)])),
        "version": draw(st.sampled_from([0, "0", np.uint32(0)])),
    }


def write(path: Path, drawn: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = drawn["version"], 2
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = drawn["marked"]
        group["data"] = drawn["data"]
        for number, (values, stored, name, unit) in enumerate(drawn["dims"], 1):
            dim = group.create_dataset(f"dim{number}", data=STORED[stored](values))
            dim.attrs["name"] = TEXT[drawn["text"]](name)
            dim.attrs["units"] = TEXT[drawn["text"]](unit)
    return path


Described = tuple[str, float, float, str]


def by_ncempy(path: Path) -> tuple[np.ndarray, list[Described]] | None:
    with ncem.fileEMD(path) as file:
        try:
            data, dims = file.get_emdgroup(file.list_emds[0])
        except TypeError:  # it could not make sense of a dim
            return None
    flat = [(np.ravel(values), name, unit) for values, name, unit in dims]
    return data, [(n, v[1] - v[0], v[0], unit) for v, n, unit in flat]


def by_rosettasciio(path: Path) -> tuple[np.ndarray, list[Described]] | None:
    try:
        (read,) = rsciio_emd.file_reader(str(path), stack_group=False)
    except (TypeError, AttributeError):  # a column; an array of one text
        return None
    return read["data"], [
        (axis["name"], axis["scale"], axis["offset"], str(axis["units"] or ""))
        for axis in read["axes"]
    ]


def assert_agree(signal: Signal, data: np.ndarray, axes: list[Described]) -> None:
    ours = np.asarray(signal.data)
    orders = [
        order
        for order in permutations(range(data.ndim))
        if np.array_equal(data.transpose(order), ours)
    ]
    assert orders
    for ours_axis, place in zip(signal.axes, orders[0], strict=True):
        name, scale, offset, unit = axes[place]
        assert ours_axis.name == name or not ours_axis.name
        assert ours_axis.scale == pytest.approx(scale, rel=1e-3)
        assert ours_axis.offset == pytest.approx(offset)
        if (known := units.parse(unit)) is not None:
            assert ours_axis.unit == known


@settings(max_examples=30, deadline=None)
@given(groups())
def test_they_agree(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.mktemp("peers") / "x.emd", drawn)
    (signal,) = nef.read(path)
    if (theirs := by_ncempy(path)) is not None:
        assert_agree(signal, *theirs)
    if (theirs := by_rosettasciio(path)) is not None:
        assert_agree(signal, *theirs)
    shown = [axis.name.lower() for axis in signal.axes]
    if {"x", "y"} <= set(shown):
        assert shown[-2:] == ["y", "x"]
    else:
        assert signal.shape == drawn["data"].shape
