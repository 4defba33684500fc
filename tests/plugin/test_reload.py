"""The command "Reload from file", as napari's menu runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.utils.notifications import notification_manager
from psygnal import EmitLoopError

import napari_emd_flatfield as nef
from napari_emd_flatfield.plugin.layers import shown_as, signal_of_layer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.canvas
PLUGIN = "napari-emd-flatfield"


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Any:
    return make_napari_viewer()


def reload() -> None:
    get_app_model().commands.execute_command(f"{PLUGIN}.reload")


def notified() -> list[tuple[str, str]]:
    return [(str(r.severity), r.message) for r in notification_manager.records]


def a_scan(path: Path) -> Path:
    """Two frames of 100 and 200 at 0 and 100 nm, a flat of 1000, growing."""
    axes = {"position": np.array([0.0, 100]), "y": np.arange(8) / 2}
    axes["x"] = axes["y"]
    frames = np.full((2, 8, 8), 100, "u2") * np.array([1, 2], "u2")[:, None, None]
    with h5py.File(path, "w") as file:
        for name, data in (("raw", frames), ("flat", np.full((8, 8), 1000, "u2"))):
            group = file.create_group(f"data/{name}")
            group.attrs["emd_group_type"] = 1
            group.create_dataset("data", data=data, maxshape=(None, *data.shape[1:]))
            for number, axis in enumerate(list(axes)[-data.ndim :], 1):
                dim = group.create_dataset(
                    f"dim{number}", data=axes[axis], maxshape=(None,)
                )
                dim.attrs.update(name=axis, units="[n_m]")
    return path


def record(path: Path, value: int, position: float) -> None:
    with h5py.File(path, "a") as file:
        group = file["data/raw"]
        n = len(group["data"])
        group["data"].resize(n + 1, axis=0)
        group["dim1"].resize(n + 1, axis=0)
        group["data"][n], group["dim1"][n] = value, position


def test_it_is_in_the_layers_menu(viewer: Any) -> None:
    items = get_app_model().menus.get_menu("napari/layers/data")
    assert f"{PLUGIN}.reload" in {getattr(i, "command", i).id for i in items}


def test_layers_grow_in_place_with_what_was_corrected_from_them(
    viewer: Any, tmp_path: Path
) -> None:
    path = a_scan(tmp_path / "scan.emd")
    viewer.open(path, plugin=PLUGIN)
    flat, raw = viewer.layers
    corrected = nef.correct(signal_of_layer(raw), signal_of_layer(flat))
    data, kwargs = shown_as(corrected, corrected.axes)
    viewer.add_image(data, **kwargs)
    raw.contrast_limits, raw.colormap = (0, 5000), "viridis"
    raw.metadata = {**raw.metadata, "mine": 1}
    viewer.dims.set_current_step(0, 1)
    record(path, 300, 200)
    record(path, 500, 700)
    viewer.layers.selection.clear()

    reload()

    assert list(viewer.layers) == [flat, raw, viewer.layers["corrected_raw"]]
    assert raw.data.shape == (4, 8, 8)
    np.testing.assert_array_equal(raw.data[:, 0, 0], [100, 200, 300, 500])
    np.testing.assert_allclose(raw.scale, [700 / 3, 0.5, 0.5])
    assert (raw.contrast_limits, raw.colormap.name) == ([0, 5000], "viridis")
    assert raw.metadata["mine"] == 1
    assert viewer.dims.current_step[0] == 1
    assert viewer.dims.nsteps[0] == 4
    np.testing.assert_array_equal(
        signal_of_layer(raw).axes[0].values, [0, 100, 200, 700]
    )
    again = viewer.layers["corrected_raw"]
    np.testing.assert_allclose(again.data[:, 2, 3], [0.1, 0.2, 0.3, 0.5])
    np.testing.assert_allclose(again.scale, raw.scale)
    viewer.dims.set_current_step(0, 3)
    np.testing.assert_array_equal(raw._slice.image.raw, np.full((8, 8), 500))
    assert ("info", "flat: nothing new\nraw: +2 frames") in notified()
    np.testing.assert_array_equal(corrected.data[:, 0, 0], np.float32([0.1, 0.2]))


@pytest.mark.parametrize("is_open", [True, False])
def test_what_was_saved_into_its_source_is_reloaded_from_it(
    viewer: Any, qtbot: Any, tmp_path: Path, is_open: bool
) -> None:
    path = a_scan(tmp_path / "scan.emd")
    viewer.open(path, plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    raw = viewer.layers["raw"]
    dock.correct_button.click()
    qtbot.waitUntil(lambda: not dock.is_busy, timeout=20_000)
    dock.save_buttons.into_source.click()
    qtbot.waitUntil(lambda: "saved" in dock.status.text(), timeout=20_000)
    # The layers still read the file as it was, which has lost its name.
    np.testing.assert_array_equal(raw.data[:, 0, 0], [100, 200])
    if not is_open:
        raw.data.close()
        with pytest.raises(nef.ReadError, match=r"scan\.emd was replaced"):
            raw.data[0]
    record(path, 300, 200)
    viewer.layers.selection.clear()

    reload()

    np.testing.assert_array_equal(raw.data[:, 0, 0], [100, 200, 300])
    corrected = viewer.layers["corrected_raw"]
    np.testing.assert_allclose(corrected.data[:, 2, 3], [0.1, 0.2, 0.3])
    assert not [message for severity, message in notified() if severity == "error"]
    (saved,) = nef.read(path, dataset="/data/corrected_raw")
    np.testing.assert_allclose(saved.data[:, 2, 3], [0.1, 0.2])
    dock.save_buttons.into_source.click()
    qtbot.waitUntil(lambda: len(nef.read(path)) == 4, timeout=20_000)
    qtbot.waitUntil(dock.save_button.isEnabled)
    (saved,) = nef.read(path, dataset="/data/2_corrected_raw")
    np.testing.assert_allclose(saved.data[:, 2, 3], [0.1, 0.2, 0.3])


def test_only_selected_layers_are_reloaded_and_keep_their_own_scale(
    viewer: Any, tmp_path: Path
) -> None:
    one, other = a_scan(tmp_path / "one.emd"), a_scan(tmp_path / "other.emd")
    viewer.open([one, other], plugin=PLUGIN)
    raw, unselected = viewer.layers["raw"], viewer.layers["raw [1]"]
    raw.scale, raw.translate = (3, 2, 2), (5, 0, 0)
    for path in (one, other):
        record(path, 300, 200)
    viewer.layers.selection = {raw}
    reload()
    assert (len(raw.data), len(unselected.data)) == (3, 2)
    np.testing.assert_array_equal(raw.scale, (3, 2, 2))
    np.testing.assert_array_equal(raw.translate, (5, 0, 0))


def test_colour_frames_grow_too(viewer: Any, tmp_path: Path) -> None:
    path = tmp_path / "colour.h5"
    frames = np.random.default_rng(0).integers(0, 255, (2, 6, 7, 3)).astype("u1")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("movie", data=frames, maxshape=(None, 6, 7, 3))
        for axis, name in enumerate(["t", "y", "x", "rgb"]):
            data.dims[axis].label = name
    viewer.open(path, plugin=PLUGIN)
    (layer,) = viewer.layers
    assert layer.rgb
    with h5py.File(path, "a") as file:
        file["movie"].resize(3, axis=0)
        file["movie"][2] = 77
    reload()
    assert layer.data.shape == (3, 6, 7, 3)
    assert np.asarray(layer.data[2]).min() == 77


def test_what_fails_is_said_and_hinders_nothing_else(
    viewer: Any, tmp_path: Path
) -> None:
    gone, there = a_scan(tmp_path / "gone.emd"), a_scan(tmp_path / "there.emd")
    viewer.open([gone, there], plugin=PLUGIN)
    gone.unlink()
    record(there, 300, 200)
    viewer.layers.selection.clear()
    reload()
    assert [len(layer.data) for layer in viewer.layers if layer.ndim == 3] == [2, 3]
    errors = [message for severity, message in notified() if severity == "error"]
    assert len(errors) == 2
    assert all("gone.emd does not exist" in message for message in errors)


def test_layers_of_others_are_left_alone(viewer: Any) -> None:
    viewer.add_image(np.zeros((4, 4)))
    reload()
    assert ("error", "nothing to reload: no layer was opened by " + PLUGIN) in (
        notified()
    )


def move_slider(viewer: Any, frame: int) -> str:
    """Move it, and say what napari would notify: any exception that gets to Qt."""
    try:
        viewer.dims.set_current_step(0, frame)
    except (nef.EmdFlatfieldError, EmitLoopError) as error:
        return f"{error} {error.__cause__}"
    return ""


@pytest.mark.parametrize("harm", ["truncated", "replaced", "deleted"])
def test_a_file_that_breaks_while_it_is_shown_is_told_and_comes_back(
    viewer: Any, tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "scan.h5"
    frames = np.arange(4 * 64 * 64, dtype="u2").reshape(4, 64, 64)

    def make(path: Path, scan: np.ndarray) -> None:
        with h5py.File(path, "w") as file:
            file["scan"] = scan

    make(path, frames)
    viewer.open(path, plugin=PLUGIN)
    (layer,) = viewer.layers
    layer.data.close()  # as a network drive that went and came does
    if harm == "truncated":
        with path.open("r+b") as stream:
            stream.truncate(3000)
    elif harm == "deleted":
        path.unlink()
    else:
        make(tmp_path / "other.h5", frames[:, ::-1])
        (tmp_path / "other.h5").replace(path)

    assert "scan.h5" in move_slider(viewer, 2)
    make(path, frames + 1)
    reload()
    assert move_slider(viewer, 3) == ""
    np.testing.assert_array_equal(layer._slice.image.raw, frames[3] + 1)
    assert [severity for severity, _ in notified()] == ["info"]
    layer.data.close()  # the error that was raised keeps the layer alive
