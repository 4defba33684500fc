"""The dock on layers of all origins, and as people handle it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari._qt import qt_main_window
from napari.settings import get_plugin_settings
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog, QLabel, QScrollArea

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.lazy.indexing import selected_shape
from napari_emd_flatfield.plugin import flatfield_widget
from napari_emd_flatfield.plugin.options import Options
from napari_emd_flatfield.plugin.resolutions import full_resolution
from napari_emd_flatfield.synthetic import make_scan

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.canvas
PLUGIN = "napari-emd-flatfield"


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Any:
    return make_napari_viewer()


@pytest.fixture
def dock(viewer: Any) -> Any:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    return widget


def level(value: float, *shape: int) -> np.ndarray:
    return np.full(shape, value)


def settle(dock: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not dock.is_busy, timeout=20_000)


def press_correct(dock: Any, qtbot: Any) -> None:
    dock.correct_button.click()
    settle(dock, qtbot)


def middle(dock: Any) -> np.ndarray:
    data = np.asarray(full_resolution(dock.corrected_layer.data))
    return data[..., data.shape[-2] // 2, data.shape[-1] // 2]


def as_zarr(array: np.ndarray) -> Any:
    return pytest.importorskip("zarr").array(array)


@pytest.mark.parametrize("make", [np.asarray, da.asarray, as_zarr])
def test_arrays_of_any_kind(viewer: Any, dock: Any, qtbot: Any, make: Any) -> None:
    viewer.add_image(make(level(2, 8, 8)), name="flat")
    viewer.add_image(make(level(1, 8, 8)), name="dark")
    viewer.add_image(make(level(4, 5, 8, 8)), name="sample", contrast_limits=(0, 9))
    press_correct(dock, qtbot)
    np.testing.assert_allclose(middle(dock), (4 - 1) / (2 - 1))


@pytest.mark.parametrize("order", ["flats first", "sample first"])
def test_flats_lie_at_their_world_coordinates(
    viewer: Any, dock: Any, qtbot: Any, order: str
) -> None:
    sample = {"data": level(8, 9, 8, 8), "name": "sample"}
    if order == "sample first":
        viewer.add_image(**sample)
        dock.inputs.raw.value = viewer.layers["sample"]
    viewer.add_image(level(2, 1, 8, 8), name="flat before")
    viewer.add_image(level(4, 1, 8, 8), name="flat after", translate=(8, 0, 0))
    if order == "flats first":
        viewer.add_image(**sample)
    assert dock.inputs.positions.native.placeholderText() == "0, 8"
    press_correct(dock, qtbot)
    np.testing.assert_allclose(middle(dock), 8 / np.linspace(2, 4, 9), rtol=1e-6)


def test_flats_nobody_has_put_anywhere_need_positions(
    viewer: Any, dock: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    viewer.add_image(np.stack([level(2, 8, 8), level(4, 8, 8)]), name="flats")
    viewer.add_image(level(8, 9, 8, 8), name="sample")
    press_correct(dock, qtbot)
    assert "give their positions" in told[0]
    dock.inputs.positions.value = "0, 8"
    press_correct(dock, qtbot)
    np.testing.assert_allclose(middle(dock), 8 / np.linspace(2, 4, 9), rtol=1e-6)


def test_flats_of_another_file_do_not_join(
    viewer: Any, dock: Any, tmp_path: Path
) -> None:
    scan = make_scan(frames=3, shape=(16, 16))
    for name in ("one", "two"):
        path = nef.write(tmp_path / f"{name}.emd", [scan.raw, scan.flats, scan.dark])
        viewer.open(path, plugin=PLUGIN)
    assert [layer.name for layer in dock.inputs.flats.value] == ["flats"]


def test_what_cannot_be_corrected_is_not_offered(viewer: Any, dock: Any) -> None:
    viewer.add_image(np.zeros((40, 40, 3), "u1"), rgb=True, name="raw colours")
    viewer.add_labels(np.zeros((40, 40), int))
    viewer.add_points(np.zeros((2, 3)))
    assert dock.inputs.raw.choices == (None,)
    viewer.add_image(level(1, 2, 3, 40, 40), name="raw")
    viewer.add_image(level(1, 2, 3, 40, 40), name="flat map")
    assert dock.inputs.raw.value is viewer.layers["raw"]
    assert dock.inputs.flats.count() == 0


@pytest.mark.parametrize("shape", [(8, 8), (3, 8, 8), (2, 3, 8, 8)])
def test_scans_of_any_dimension(
    viewer: Any, dock: Any, qtbot: Any, shape: tuple[int, ...]
) -> None:
    viewer.add_image(level(2, 8, 8), name="flat")
    dock.inputs.raw.value = viewer.add_image(level(6, *shape), name="sample")
    dock.plots.expand()
    press_correct(dock, qtbot)
    np.testing.assert_array_equal(middle(dock), np.full(shape[:-2], 3))
    for axis in range(len(shape) - 2):
        viewer.dims.set_current_step(axis, 1)
    settle(dock, qtbot)


def test_level_0_of_multiscale_layers_is_corrected(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    fine = np.random.default_rng(0).random((4, 32, 32)) + 1
    viewer.add_image([fine, fine[:, ::2, ::2]], name="raw", multiscale=True)
    flat = [level(2, 32, 32), level(2, 16, 16)]
    viewer.add_image(flat, name="flat", multiscale=True)
    dock.plots.expand()
    press_correct(dock, qtbot)
    layer = dock.corrected_layer
    np.testing.assert_allclose(full_resolution(layer.data)[3], fine[3] / 2, rtol=1e-6)
    _, counts = dock.plots.plots._bars.getData()
    assert counts.sum() > 0.9 * fine[0].size
    dock.save(tmp_path / "x.emd")
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    (saved,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_allclose(saved.data[3], fine[3] / 2, rtol=1e-6)


def test_the_status_line_says_what_is_next(viewer: Any, dock: Any, qtbot: Any) -> None:
    assert dock.status.text() == "choose the layer with the raw frames"
    viewer.add_image(level(6, 3, 8, 8), name="sample")
    assert dock.status.text() == "tick the layers with the flats"
    viewer.add_image(level(2, 8, 8), name="flat")
    assert "press Correct" in dock.status.text()
    press_correct(dock, qtbot)
    assert "8×8 pixels" in dock.status.text()
    viewer.layers.remove("corrected_sample")
    assert "press Correct" in dock.status.text()


def test_frames_outside_the_flats_are_said(viewer: Any, dock: Any, qtbot: Any) -> None:
    viewer.add_image(np.stack([level(2, 8, 8), level(4, 8, 8)]), name="flats")
    viewer.add_image(level(8, 9, 8, 8), name="sample")
    dock.inputs.positions.value = "2, 6"
    press_correct(dock, qtbot)
    assert "4 frames outside them, the nearest flat holds" in dock.status.text()
    np.testing.assert_allclose(
        middle(dock), 8 / np.interp(range(9), [2, 6], [2, 4]), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        ("linear", np.linspace(2, 4, 9)),
        ("nearest", [2, 2, 2, 2, 2, 4, 4, 4, 4]),
        ("mean", np.full(9, 3)),
        ("first", np.full(9, 2)),
    ],
)
def test_the_flat_is_drawn_as_it_is_interpolated(
    viewer: Any, dock: Any, qtbot: Any, interpolation: str, expected: Any
) -> None:
    viewer.add_image(np.stack([level(2, 8, 8), level(4, 8, 8)]), name="flats")
    viewer.add_image(level(8, 9, 8, 8), name="sample")
    dock.inputs.positions.value = "0, 8"
    dock.options.interpolation.value = interpolation
    dock.plots.expand()
    press_correct(dock, qtbot)
    _, drawn = dock.plots.plots._flat.getData()
    np.testing.assert_allclose(drawn, expected)
    np.testing.assert_allclose(8 / middle(dock), expected, rtol=1e-6)


def test_repeated_flats_are_drawn_as_one_whatever_their_order(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    flats = np.stack([level(value, 8, 8) for value in (4, 1, 3)])
    viewer.add_image(flats, name="flats")
    viewer.add_image(level(8, 9, 8, 8), name="sample")
    dock.inputs.positions.value = "8, 0, 0"
    dock.plots.expand()
    press_correct(dock, qtbot)
    _, drawn = dock.plots.plots._flat.getData()
    np.testing.assert_allclose(drawn, np.linspace(2, 4, 9))
    where, means = dock.plots.plots._flats.getData()
    np.testing.assert_array_equal([where, means], [[0, 8], [2, 4]])


def test_raw_and_corrected_take_turns_whoever_hides_them(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    viewer.add_image(level(2, 8, 8), name="flat")
    raw = viewer.add_image(level(6, 3, 8, 8), name="sample", visible=False)
    press_correct(dock, qtbot)
    dock.compare_button.click()
    assert raw.visible
    assert not dock.corrected_layer.visible
    dock.corrected_layer.visible = True
    assert not dock.compare_button.isChecked()


def test_napari_preferences_reach_an_open_dock(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    viewer.add_image(np.stack([level(2, 8, 8), level(4, 8, 8)]), name="flats")
    viewer.add_image(level(8, 9, 8, 8), name="sample")
    dock.inputs.positions.value = "0, 8"
    press_correct(dock, qtbot)
    preferences = get_plugin_settings(PLUGIN).flatfield
    preferences.update({"interpolation": "first", "absorbance": True})
    assert dock.options.interpolation.value == "first"
    settle(dock, qtbot)
    np.testing.assert_allclose(middle(dock), np.full(9, -np.log(4)), rtol=1e-6)
    dock.options.reset()
    assert preferences.interpolation == "linear"


def test_napari_preferences_do_not_reach_a_dock_that_is_gone(viewer: Any) -> None:
    options = Options()
    options.deleteLater()
    QApplication.sendPostedEvents(options, QEvent.Type.DeferredDelete)
    assert not isalive(options)
    preferences = get_plugin_settings(PLUGIN).flatfield
    preferences.interpolation = "first"
    assert preferences.interpolation == "first"


def test_removing_and_renaming_what_is_in_use(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    viewer.add_image(level(2, 8, 8), name="flat")
    viewer.add_image(level(6, 3, 8, 8), name="sample")
    press_correct(dock, qtbot)
    viewer.layers["corrected_sample"].name = "kept"
    assert not dock.compare_button.isEnabled()
    press_correct(dock, qtbot)
    assert {"kept", "corrected_sample"} <= {layer.name for layer in viewer.layers}
    viewer.layers.remove("sample")
    assert "choose the layer with the raw frames" in dock.status.text()
    dock.options.interpolation.value = "first"
    settle(dock, qtbot)
    np.testing.assert_array_equal(viewer.layers["kept"].data[:, 4, 4], [3, 3, 3])


def test_a_file_that_is_gone_is_said(
    viewer: Any,
    dock: Any,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    scan = make_scan(frames=3, shape=(16, 16))
    path = nef.write(tmp_path / "scan.emd", [scan.raw, scan.flats, scan.dark])
    viewer.open(path, plugin=PLUGIN)
    for layer in viewer.layers:
        layer.data.close()
    path.unlink()
    press_correct(dock, qtbot)
    assert len(told) == 1
    assert "does not exist" in told[0]
    assert len(viewer.layers) == 3


def test_two_viewers_have_a_dock_each(make_napari_viewer: Any, qtbot: Any) -> None:
    docks = []
    for value in (2, 4):
        viewer = make_napari_viewer()
        _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
        viewer.add_image(level(value, 8, 8), name="flat")
        viewer.add_image(level(8, 3, 8, 8), name="sample")
        docks.append(dock)
    for dock in docks:
        press_correct(dock, qtbot)
    assert [middle(dock)[0] for dock in docks] == [4, 2]


class Slow(LazyArray):
    """Ones that take their time."""

    def __init__(self, frames: int) -> None:
        super().__init__((frames, 48, 64), "u2")
        self.pause = 0.0

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        shape = selected_shape(slices)
        time.sleep(self.pause * shape[0])
        return np.ones(shape, "u2")


@pytest.fixture
def saving(viewer: Any, dock: Any, qtbot: Any, tmp_path: Path) -> Any:
    """A dock in the middle of a save that takes two seconds."""
    slow = Slow(1000)
    viewer.add_image(level(2, 48, 64), name="flat")
    raw = viewer.add_image(slow, name="sample", contrast_limits=(0, 1))
    dock.inputs.raw.value = raw
    press_correct(dock, qtbot)
    slow.pause = 0.002
    dock.save(tmp_path / "x.emd")
    qtbot.waitUntil(lambda: dock.save_bar.bar.value() > 0, timeout=10_000)
    return dock


def is_there(path: Path) -> bool:
    return [file.name for file in path.parent.iterdir()] == [path.name]


class ClosedByHand(QCloseEvent):
    def spontaneous(self) -> bool:
        return True


def test_napari_asks_before_it_closes_during_a_save(
    viewer: Any,
    saving: Any,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class No(QDialog):
        def __init__(self, *_: Any, extra_info: str = "", **__: Any) -> None:
            asked.append(extra_info)
            super().__init__()

        def exec_(self) -> Any:
            return QDialog.DialogCode.Rejected

    monkeypatch.setattr(qt_main_window, "ConfirmCloseDialog", No)
    event = ClosedByHand()
    viewer.window._qt_window.closeEvent(event)
    assert not event.isAccepted()
    assert [f"the saving of {tmp_path / 'x.emd'}" in text for text in asked] == [True]
    qtbot.waitUntil(lambda: is_there(tmp_path / "x.emd"), timeout=20_000)
    qtbot.waitUntil(saving.save_button.isEnabled)


def test_layers_may_go_during_a_save(
    viewer: Any, saving: Any, qtbot: Any, tmp_path: Path
) -> None:
    viewer.layers.clear()
    assert "saving x.emd" in saving.status.text()
    qtbot.waitUntil(lambda: is_there(tmp_path / "x.emd"), timeout=20_000)
    qtbot.waitUntil(saving.save_button.isEnabled)
    assert "saved" in saving.status.text()


def test_a_save_outlives_the_dock(
    viewer: Any, saving: Any, qtbot: Any, tmp_path: Path
) -> None:
    viewer.window.remove_dock_widget(saving)
    qtbot.waitUntil(lambda: is_there(tmp_path / "x.emd"), timeout=20_000)
    status = viewer.window._task_status_manager
    qtbot.waitUntil(lambda: not status.is_busy(), timeout=5_000)
    (saved,) = nef.read(tmp_path / "x.emd")
    assert saved.shape == (1000, 48, 64)
    np.testing.assert_array_equal(saved.data[999], np.full((48, 64), 0.5))


def reached_by_tab(dock: Any) -> set[Any]:
    dock.inputs.raw.native.setFocus()
    reached = set()
    while (focused := QApplication.focusWidget()) not in reached:
        if focused is None or not dock.isAncestorOf(focused):
            break
        reached.add(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    return reached


def test_everything_is_reached_by_keyboard(make_napari_viewer: Any, qtbot: Any) -> None:
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    viewer.add_image(level(2, 8, 8), name="flat")
    viewer.add_image(level(4, 8, 8), name="white")
    viewer.add_image(level(6, 3, 8, 8), name="sample")
    dock.inputs.positions.value = "0, 2"  # buttons that are greyed out are passed by
    press_correct(dock, qtbot)
    folded = dock.findChild(flatfield_widget.Folded)
    folded.expand()
    viewer.window._qt_window.activateWindow()
    qtbot.wait(100)
    wanted = {
        dock.inputs.raw.native,
        dock.inputs.flats,
        dock.inputs.positions.native,
        dock.inputs.dark.native,
        dock.options.interpolation.native,
        dock.correct_button,
        dock.compare_button,
        dock.save_button,
        folded.toggleButton(),
        dock.plots.toggleButton(),
        dock.options.reset_button.native,
        dock.options.clip.native,
    }
    missing = wanted - reached_by_tab(dock)
    assert not missing, [type(widget).__name__ for widget in missing]
    before = dock.inputs.flats.value
    dock.inputs.flats.setFocus()
    dock.inputs.flats.setCurrentRow(0)
    QTest.keyClick(dock.inputs.flats, Qt.Key.Key_Space)
    assert dock.inputs.flats.value != before


def test_every_label_leads_to_its_field(dock: Any) -> None:
    labels = [
        label
        for part in (dock.inputs, dock.options)
        for label in part.findChildren(QLabel)
        if label.text()
    ]
    assert len(labels) >= 9
    for label in labels:
        assert label.buddy() is not None, label.text()
        assert label.buddy().toolTip(), label.text()


def test_a_wide_dock_shows_all_and_a_narrow_or_low_one_scrolls(
    make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    window.resize(1200, 800)
    outer, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    qtbot.waitUntil(lambda: window.width() == 1200)
    scroll = dock.findChild(QScrollArea)
    across, down = scroll.horizontalScrollBar(), scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: (across.maximum(), down.maximum()) == (0, 0))
    # napari's own docks keep the window higher than this one when it is folded.
    dock.findChild(flatfield_widget.Folded).expand()
    dock.plots.expand()
    window.resize(700, 300)
    window.resizeDocks([outer], [100], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: min(across.maximum(), down.maximum()) > 0)
    down.setValue(down.maximum())
    below = dock.plots.mapTo(scroll.viewport(), dock.plots.rect().bottomLeft()).y()
    assert 0 < below <= scroll.viewport().height()
