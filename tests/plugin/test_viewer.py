"""The plugin inside a real napari window."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from napari.layers import Image

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.plugin import flatfield_widget
from napari_emd_flatfield.synthetic import make_scan

pytestmark = pytest.mark.canvas
PLUGIN = "napari-emd-flatfield"


@pytest.fixture(scope="session")
def scan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scan = make_scan(frames=6, shape=(48, 64))
    path = tmp_path_factory.mktemp("scan") / "scan.emd"
    return nef.write(path, [scan.raw, scan.flats, scan.dark])


@pytest.fixture
def viewer(make_napari_viewer: Any, scan_path: Path) -> Any:
    viewer = make_napari_viewer()
    viewer.open(scan_path, plugin=PLUGIN)
    return viewer


@pytest.fixture
def dock(viewer: Any) -> Any:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    return widget


def plain_formula(path: Path, index: int) -> np.ndarray:
    raw, flats, dark = (np.asarray(s.data, float) for s in nef.read(path))
    share = nef.read(path)[0].axes[0].values[index] / 500
    flat = flats[0] * (1 - share) + flats[1] * share
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flat > dark, (raw[index] - dark) / (flat - dark), np.nan)


def test_opening_shows_the_raw_frames_over_hidden_references(viewer: Any) -> None:
    assert [layer.name for layer in viewer.layers] == ["dark", "flats", "raw"]
    assert viewer.layers["raw"].source.reader_plugin == PLUGIN
    viewer.dims.set_current_step(0, 3)
    shown = viewer.layers["raw"]._slice.image.raw
    np.testing.assert_array_equal(shown, viewer.layers["raw"].data[3])


def test_dock_preselects_by_role_and_corrects_lazily(
    viewer: Any, dock: Any, scan_path: Path
) -> None:
    assert [dock.raw.value.name, dock.flats.value.name, dock.dark.value.name] == [
        "raw",
        "flats",
        "dark",
    ]
    dock.correct_button.native.click()
    assert [layer.name for layer in viewer.layers][-2:] == ["raw", "corrected_raw"]
    raw, corrected = viewer.layers["raw"], viewer.layers["corrected_raw"]
    assert isinstance(corrected.data, LazyArray)
    for attribute in ("scale", "translate", "units", "axis_labels"):
        np.testing.assert_array_equal(
            getattr(corrected, attribute), getattr(raw, attribute)
        )
    for index in range(6):
        np.testing.assert_allclose(
            corrected.data[index], plain_formula(scan_path, index), rtol=1e-5
        )


def test_correcting_again_updates_the_layer_in_place(viewer: Any, dock: Any) -> None:
    dock.correct_button.native.click()
    linear = viewer.layers["corrected_raw"].data[3]
    dock.interpolation.value = "first"
    dock.correct_button.native.click()
    assert len(viewer.layers) == 4
    assert not np.array_equal(viewer.layers["corrected_raw"].data[3], linear)


def test_layers_of_other_origin_are_corrected_at_given_positions(
    make_napari_viewer: Any,
) -> None:
    viewer = make_napari_viewer()
    random = np.random.default_rng(0)
    flats, raw = random.random((2, 8, 8)) + 1, random.random((3, 8, 8))
    viewer.add_image(flats, name="white field")
    viewer.add_image(raw, name="sample", scale=(10, 1, 1))
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    assert dock.raw.value.name == "sample"
    assert dock.flats.value.name == "white field"
    assert dock.dark.value is None
    dock.positions.value = "0, 20"
    dock.correct_button.native.click()
    np.testing.assert_allclose(
        viewer.layers["corrected_sample"].data[1], raw[1] / flats.mean(0), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda dock: setattr(dock.flats, "value", None), "choose the layer"),
        (lambda dock: setattr(dock.positions, "value", "0, a"), "must be numbers"),
        (lambda dock: setattr(dock.positions, "value", "0"), "need one position each"),
    ],
)
def test_mistakes_are_said_and_nothing_is_added(
    viewer: Any, dock: Any, monkeypatch: pytest.MonkeyPatch, change: Any, said: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    change(dock)
    dock.correct_button.native.click()
    assert len(viewer.layers) == 3
    assert len(told) == 1
    assert said in told[0]
    assert dock.status.text() == told[0]


def test_choices_follow_layers_being_added_renamed_and_removed(
    viewer: Any, dock: Any
) -> None:
    viewer.layers.remove("dark")
    assert dock.dark.value is None
    viewer.add_image(np.zeros((48, 64)), name="background")
    assert dock.dark.value is viewer.layers["background"]
    viewer.layers["raw"].name = "renamed"
    dock.correct_button.native.click()
    assert "corrected_renamed" in viewer.layers
    viewer.layers.clear()
    assert dock.raw.value is None


def test_users_choice_survives_new_layers(viewer: Any, dock: Any) -> None:
    chosen = viewer.add_image(np.ones((6, 48, 64)), name="other")
    dock.raw.value = chosen
    viewer.add_image(np.ones((6, 48, 64)), name="newest")
    assert dock.raw.value is chosen


def test_dock_saves_in_the_background(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "corrected.emd"
    monkeypatch.setattr(flatfield_widget, "ask_where", lambda _: target)
    dock.correct_button.native.click()
    dock.save_button.native.click()
    qtbot.waitUntil(lambda: dock.save_button.enabled, timeout=10_000)
    assert str(target) in dock.status.text()
    (saved,) = nef.read(target)
    assert saved.name == "corrected_raw"
    np.testing.assert_array_equal(saved.data, viewer.layers["corrected_raw"].data)
    assert any("linear" in text for text in saved.metadata["comments"].values())


def test_a_save_that_fails_says_why(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    dock.save_button.native.click()
    assert "press Correct first" in told.pop()
    dock.correct_button.native.click()
    dock.save(tmp_path / "no" / "such" / "folder.emd")
    qtbot.waitUntil(lambda: dock.save_button.enabled, timeout=10_000)
    assert "there is no folder" in told.pop()


def test_napari_saves_selected_layers(viewer: Any, dock: Any, tmp_path: Path) -> None:
    dock.correct_button.native.click()
    one = tmp_path / "one.emd"
    assert viewer.layers["corrected_raw"].save(str(one), plugin=PLUGIN) == [str(one)]
    viewer.layers.selection = {viewer.layers["raw"], viewer.layers["corrected_raw"]}
    two = tmp_path / "two.emd"
    assert viewer.layers.save(str(two), selected=True, plugin=PLUGIN) == [str(two)]
    assert {signal.name for signal in nef.read(two)} == {"raw", "corrected_raw"}


def test_saving_over_the_file_in_view_keeps_the_view(
    viewer: Any, scan_path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.emd"
    copy.write_bytes(scan_path.read_bytes())
    (raw,) = (
        layer for layer in viewer.open(copy, plugin=PLUGIN) if "raw" in layer.name
    )
    before = np.asarray(raw.data)
    raw.save(str(copy), plugin=PLUGIN)
    np.testing.assert_array_equal(raw.data, before)
    (saved,) = nef.read(copy)
    np.testing.assert_array_equal(saved.data, before)


def test_a_layer_can_be_duplicated(viewer: Any) -> None:
    from napari.layers._layer_actions import _duplicate_layer

    viewer.layers.selection = {viewer.layers["raw"]}
    _duplicate_layer(viewer.layers)
    copy = viewer.layers["raw copy"]
    np.testing.assert_array_equal(copy.data[2], viewer.layers["raw"].data[2])


def test_a_layers_file_closes_with_the_layer(
    make_napari_viewer: Any, scan_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "scan.emd"
    path.write_bytes(scan_path.read_bytes())

    def is_open() -> bool:
        gc.collect()
        files = {Path(f.path) for f in psutil.Process().open_files()}
        return path.resolve() in files

    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    assert is_open()
    viewer.layers.clear()
    assert not is_open()


def test_sample_data_opens_ready_to_correct(make_napari_viewer: Any) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample(PLUGIN, "synthetic_scan")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    dock.correct_button.native.click()
    assert isinstance(viewer.layers["corrected_raw"], Image)


def test_filter_menu_opens_the_dock(viewer: Any) -> None:
    from app_model.types import MenuItem
    from napari._app_model import get_app_model

    items = [
        item
        for item in get_app_model().menus.get_menu("napari/layers/filter")
        if isinstance(item, MenuItem) and item.command.id.startswith(PLUGIN)
    ]
    assert len(items) == 1
    get_app_model().commands.execute_command(items[0].command.id)
    docks = viewer.window.dock_widgets
    assert any("Flat-field correction" in name for name in docks)


def test_corrected_frame_is_drawn(make_napari_viewer: Any, scan_path: Path) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.open(scan_path, plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    raw = viewer.screenshot(canvas_only=True)[..., 0].astype(float)
    dock.correct_button.native.click()
    corrected = viewer.screenshot(canvas_only=True)[..., 0].astype(float)
    inside = (raw > 0) & (corrected > 0)
    assert inside.mean() > 0.5

    def roll_off(picture: np.ndarray) -> float:
        return float(picture[inside].std() / picture[inside].mean())

    assert roll_off(corrected) < roll_off(raw)
