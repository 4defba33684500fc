"""Images with and without calibration in one file, in a real napari window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from napari._app_model import get_app_model

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, Signal
from napari_emd_flatfield.plugin.layers import signal_of_layer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.canvas,
    pytest.mark.filterwarnings("ignore:.*says no unit for some axes"),
]
PLUGIN = "napari-emd-flatfield"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Raw frames in pixels, which grow, with a flat; and a calibrated overview."""
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "raw", data=np.full((2, 8, 8), 300, "u2"), maxshape=(None, 8, 8)
        )
        file["flat"] = np.full((8, 8), 1000, "u2")
        overview = file.create_dataset("overview", data=np.ones((5, 6, 7), "u2"))
        overview.attrs["element_size_um"] = (3.0, 0.5, 0.5)
    return path


def test_they_are_drawn_in_one_unit(make_napari_viewer: Any, path: Path) -> None:
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    assert [str(unit) for unit in viewer.dims.units] == ["micrometer"] * 3
    np.testing.assert_array_equal(viewer.layers["raw"].scale, [1, 1, 1])


def test_reloading_keeps_that(make_napari_viewer: Any, path: Path) -> None:
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    with h5py.File(path, "a") as file:
        file["raw"].resize(4, axis=0)
    viewer.layers.selection.clear()
    get_app_model().commands.execute_command(f"{PLUGIN}.reload")
    raw = viewer.layers["raw"]
    assert len(raw.data) == 4
    assert [str(unit) for unit in viewer.dims.units] == ["micrometer"] * 3
    assert [axis.units for axis in signal_of_layer(raw).axes] == ["pixel"] * 3


def test_so_does_correcting(make_napari_viewer: Any, path: Path, qtbot: Any) -> None:
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    dock.inputs.raw.value = viewer.layers["raw"]
    dock.correct_button.click()
    qtbot.waitUntil(lambda: not dock.is_busy, timeout=20_000)
    corrected = viewer.layers["corrected_raw"]
    assert [str(unit) for unit in corrected.units] == ["micrometer"] * 3
    assert [str(unit) for unit in viewer.dims.units] == ["micrometer"] * 3
    assert signal_of_layer(corrected).axes == nef.read(path, "raw")[0].axes


def test_units_that_turn_up_later_are_shown(
    make_napari_viewer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "late.emd"
    frame = tuple(Axis(name, "nm", np.arange(8)) for name in "yx")
    nef.write(path, [Signal("s", np.ones((8, 8)))])
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    nef.write(path, [Signal("s", np.ones((8, 8)), frame)])
    get_app_model().commands.execute_command(f"{PLUGIN}.reload")
    (layer,) = viewer.layers
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 2
    assert signal_of_layer(layer).axes == frame
