"""Metadata and names of any kind: nothing is lost, nothing stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import Axis, Signal, read, write

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = np.arange(12.0).reshape(3, 2, 2)


@pytest.mark.parametrize(
    "metadata",
    [
        {"data": np.arange(9000.0)},
        {"dim1": np.arange(9000.0), "dim1_": {"a": 1}},
        {"x/y": "z" * 40_000, "x_y": "w" * 40_000},
        {"x/y": "z" * 40_000, "x_y": {"a": 1}},
        {".": "z" * 40_000, "": {"a": 1}},
    ],
)
def test_metadata_of_any_names_are_kept_apart(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    path = write(tmp_path / "x.emd", Signal("a", FRAMES, metadata=metadata))
    (saved,) = read(path)
    np.testing.assert_array_equal(saved.data[...], FRAMES)
    with h5py.File(path) as file:
        group = file["data/a"]
        found = [group[name] for name in {*group} - {"data", "dim1", "dim2", "dim3"}]
        kept = [
            dict(node.attrs) if isinstance(node, h5py.Group) else _value(node[()])
            for node in found
        ]
    meant = [v if isinstance(v, dict) else _value(v) for v in metadata.values()]
    assert sorted(kept, key=repr) == sorted(meant, key=repr)


def _value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.decode() if isinstance(value, bytes) else value


def test_text_that_is_no_unicode_is_saved_as_python_would_print_it(
    tmp_path: Path,
) -> None:
    # As os.listdir returns names that are no UTF-8.
    axes = tuple(Axis("d\udcb5", "e\udcb5", np.arange(n)) for n in FRAMES.shape)
    signal = Signal("a\udcb5", FRAMES, axes, metadata={"b\udcb5": "c\udcb5"})
    (saved,) = read(write(tmp_path / "x.emd", signal))
    assert saved.name == r"a\udcb5"
    assert saved.metadata[r"b\udcb5"] == r"c\udcb5"
    assert {(axis.name, axis.units) for axis in saved.axes} == {
        (r"d\udcb5", r"e\udcb5")
    }
