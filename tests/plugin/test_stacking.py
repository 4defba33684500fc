"""Files opened as one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.plugin.layers import signal_of_layer
from napari_emd_flatfield.plugin.reader import read_layers

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "napari-emd-flatfield"
FRAMES = np.random.default_rng(0).integers(0, 99, (3, 4, 16, 20)).astype("u2")
AXES = (
    nef.Axis("angle", "deg", np.arange(4) * 0.5),
    nef.Axis("y", "nm", np.arange(16) * 2.0),
    nef.Axis("x", "nm", np.arange(20) * 2.0),
)


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return [
        str(
            nef.write(
                tmp_path / f"{i}.emd",
                [nef.Signal("raw", data, AXES), nef.Signal("flat", data, AXES, "flat")],
            )
        )
        for i, data in enumerate(FRAMES)
    ]


@pytest.mark.canvas
def test_files_are_stacked_lazily(make_napari_viewer: Any, paths: list[str]) -> None:
    viewer = make_napari_viewer()
    flat, raw = viewer.open(paths, stack=True, plugin=PLUGIN)
    np.testing.assert_array_equal(np.asarray(raw.data), FRAMES)
    assert not isinstance(raw.data, np.ndarray)
    assert flat.data.shape == FRAMES.shape
    assert not flat.visible
    assert raw.axis_labels == ("file", "angle", "y", "x")
    np.testing.assert_array_equal(raw.scale, (1, 0.5, 2, 2))
    said = signal_of_layer(raw).metadata["comments"].values()
    stacked = next(text for text in said if text.startswith("stacked"))
    assert all(path in stacked for path in paths)
    # Without being told to, each is opened by itself.
    assert len(viewer.open(paths, plugin=PLUGIN)) == 6


def test_files_that_hold_something_else_are_not_stacked(
    tmp_path: Path, paths: list[str]
) -> None:
    odd = nef.write(tmp_path / "odd.emd", nef.Signal("raw", FRAMES[0, :2]))
    with pytest.raises(nef.ReadError, match=r"odd\.emd cannot be stacked on .*0\.emd"):
        read_layers([*paths, str(odd)])
