"""The plugin inside a real napari window."""

from __future__ import annotations

import gc
import re
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil
import pytest
from napari.layers import Image
from napari.settings import get_plugin_settings
from qtpy.QtCore import Qt

import napari_emd_flatfield as nef
from napari_emd_flatfield import Signal
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.lazy.indexing import selected_shape
from napari_emd_flatfield.plugin import flatfield_widget
from napari_emd_flatfield.plugin.markup import tooltip
from napari_emd_flatfield.plugin.options import Options
from napari_emd_flatfield.plugin.reader import read_layers
from napari_emd_flatfield.plugin.sampling import Profile
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


def press_correct(dock: Any, qtbot: Any) -> None:
    dock.correct_button.click()
    settle(dock, qtbot)


def settle(dock: Any, qtbot: Any) -> None:
    """Wait until the dock has done what was asked of it."""
    qtbot.waitUntil(lambda: not dock.is_busy, timeout=20_000)


def test_dock_preselects_by_role_and_corrects_lazily(
    viewer: Any, dock: Any, qtbot: Any, scan_path: Path
) -> None:
    assert dock.inputs.raw.value is viewer.layers["raw"]
    assert dock.inputs.flats.value == [viewer.layers["flats"]]
    assert dock.inputs.dark.value is viewer.layers["dark"]
    assert dock.inputs.positions.native.placeholderText() == "0, 500"
    press_correct(dock, qtbot)
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
    dead = np.isnan(plain_formula(scan_path, 0)).sum()
    assert "48×64 pixels; 2 flats at 0, 500 nm" in dock.status.text()
    assert f"{dead} dead pixels" in dock.status.text()


def test_what_is_half_typed_is_no_error_yet(
    viewer: Any, dock: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    press_correct(dock, qtbot)
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    dock.inputs.positions.value = "0, "
    settle(dock, qtbot)
    assert "need one position each" in dock.status.text()
    assert told == []
    press_correct(dock, qtbot)
    assert len(told) == 1


def test_the_corrected_layer_is_calibrated_as_the_raw_one_is_now(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    press_correct(dock, qtbot)
    raw, corrected = viewer.layers["raw"], viewer.layers["corrected_raw"]
    raw.scale = raw.scale * (1, 3, 3)
    press_correct(dock, qtbot)
    np.testing.assert_array_equal(corrected.scale, raw.scale)
    corrected.translate = (0, 5, 7)
    dock.save(tmp_path / "x.emd")
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    (saved,) = nef.read(tmp_path / "x.emd")
    assert [axis.offset for axis in saved.axes] == [0, 5, 7]
    assert [axis.scale for axis in saved.axes] == pytest.approx(list(raw.scale))


def test_a_corrected_file_that_is_open_stays_what_it_is(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    path = nef.write(
        tmp_path / "x.emd", Signal("corrected_raw", np.ones((6, 48, 64), "f4"))
    )
    (opened,) = viewer.open(path, plugin=PLUGIN)
    assert opened.name == "corrected_raw"
    assert dock.corrected_layer is None
    press_correct(dock, qtbot)
    press_correct(dock, qtbot)
    assert len(viewer.layers) == 5
    assert dock.corrected_layer.name == "corrected_raw [1]"
    assert opened.data[3].min() == 1
    dock.save(tmp_path / "y.emd")
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    (saved,) = nef.read(tmp_path / "y.emd")
    np.testing.assert_array_equal(saved.data[3], dock.corrected_layer.data[3])


def frame(viewer: Any, index: int) -> np.ndarray:
    return np.asarray(viewer.layers["corrected_raw"].data[index])


def test_the_layer_follows_each_setting(
    viewer: Any, dock: Any, qtbot: Any, scan_path: Path
) -> None:
    press_correct(dock, qtbot)
    layer = viewer.layers["corrected_raw"]
    limits = layer.contrast_limits
    raw, flats, dark = (np.asarray(s.data, float) for s in nef.read(scan_path))
    with np.errstate(divide="ignore", invalid="ignore"):
        by_first = (raw[5] - dark) / (flats[0] - dark)
    alive = flats[0] > dark

    dock.options.interpolation.value = "first"
    settle(dock, qtbot)
    np.testing.assert_allclose(frame(viewer, 5)[alive], by_first[alive], rtol=1e-5)
    assert layer.contrast_limits == limits

    dock.options.dead_pixels.value = "1"
    settle(dock, qtbot)
    assert (frame(viewer, 5)[~alive] == 1).all()

    dock.options.clip.value = "0.2, 0.9"
    settle(dock, qtbot)
    expected = by_first[alive].clip(0.2, 0.9)
    np.testing.assert_allclose(frame(viewer, 5)[alive], expected, rtol=1e-5)

    dock.options.clip.value = ""
    dock.options.absorbance.value = True
    settle(dock, qtbot)
    np.testing.assert_allclose(
        frame(viewer, 5)[alive], -np.log(by_first[alive]), rtol=1e-4, atol=1e-5
    )
    assert layer.contrast_limits != limits
    assert layer.contrast_limits_range == layer.contrast_limits

    dock.options.reset_button.native.click()
    settle(dock, qtbot)
    np.testing.assert_allclose(frame(viewer, 3), plain_formula(scan_path, 3), rtol=1e-5)
    assert len(viewer.layers) == 4


def test_settings_are_kept_for_the_next_session(viewer: Any, qtbot: Any) -> None:
    def session() -> Options:
        options = Options()
        qtbot.addWidget(options)
        return options

    first = session()
    first.interpolation.value = "nearest"
    first.threshold.value = 12
    second = session()
    assert second.interpolation.value == "nearest"
    assert second.threshold.value == 12
    second.reset()
    assert session().interpolation.value == "linear"


def test_raw_and_corrected_are_compared_in_place(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    assert not dock.compare_button.isEnabled()
    press_correct(dock, qtbot)
    dock.compare_button.click()
    assert not viewer.layers["corrected_raw"].visible
    dock.compare_button.click()
    assert viewer.layers["corrected_raw"].visible


def test_plots_show_the_scan_and_the_frame_in_view(
    viewer: Any, dock: Any, qtbot: Any, scan_path: Path
) -> None:
    dock.plots.expand()
    press_correct(dock, qtbot)
    settle(dock, qtbot)
    raw, *_ = nef.read(scan_path)
    positions, drawn = dock.plots.plots._raw.getData()
    np.testing.assert_array_equal(positions, raw.axes[0].values)
    np.testing.assert_allclose(drawn, np.asarray(raw.data).mean((1, 2)))
    _, level = dock.plots.plots._corrected.getData()
    assert np.ptp(level) < 0.1 * level.mean()
    viewer.dims.set_current_step(0, 4)
    settle(dock, qtbot)
    assert dock.plots.plots._marks[0].value() == raw.axes[0].values[4]
    edges, counts = dock.plots.plots._bars.getData()
    good = np.isfinite(frame(viewer, 4))
    assert 0.99 * good.sum() <= counts.sum() <= good.sum()
    assert edges[0] <= np.median(frame(viewer, 4)[good]) <= edges[-1]


def test_layers_of_other_origin_are_corrected_at_given_positions(
    make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    random = np.random.default_rng(0)
    flats, raw = random.random((2, 8, 8)) + 1, random.random((3, 8, 8))
    viewer.add_image(flats, name="white field")
    viewer.add_image(raw, name="sample", scale=(10, 1, 1))
    viewer.add_image(np.ones((2, 9, 8)), name="flats of another detector")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    assert dock.inputs.raw.value.name == "sample"
    assert [layer.name for layer in dock.inputs.flats.value] == ["white field"]
    assert dock.inputs.flats.count() == 1
    assert dock.inputs.dark.value is None
    dock.inputs.positions.value = "0, 20"
    press_correct(dock, qtbot)
    np.testing.assert_allclose(
        viewer.layers["corrected_sample"].data[1], raw[1] / flats.mean(0), rtol=1e-6
    )


def test_flats_may_be_several_layers(make_napari_viewer: Any, qtbot: Any) -> None:
    viewer = make_napari_viewer()
    for name, level in (("flat before", 2.0), ("flat after", 4.0)):
        viewer.add_image(np.full((8, 8), level), name=name)
    viewer.add_image(np.full((3, 8, 8), 6.0), name="sample")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    assert len(dock.inputs.flats.value) == 2
    dock.inputs.positions.value = "0; 2"
    press_correct(dock, qtbot)
    middle = viewer.layers["corrected_sample"].data[:, 4, 4]
    np.testing.assert_allclose(middle, [3, 2, 1.5])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda dock: setattr(dock.inputs.flats, "value", []), "tick the layers"),
        (
            lambda dock: setattr(dock.inputs.positions, "value", "0, a"),
            "must be numbers",
        ),
        (lambda dock: setattr(dock.inputs.positions, "value", "0"), "position"),
        (lambda dock: setattr(dock.options.clip, "value", "1"), "two numbers"),
    ],
)
def test_mistakes_are_said_and_nothing_is_added(
    viewer: Any,
    dock: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    change: Any,
    said: str,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    change(dock)
    press_correct(dock, qtbot)
    assert len(viewer.layers) == 3
    assert len(told) == 1
    assert said in told[0]
    assert dock.status.text() == told[0]
    dock.options.reset()


def test_choices_follow_layers_being_added_renamed_and_removed(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    viewer.layers.remove("dark")
    assert dock.inputs.dark.value is None
    viewer.add_image(np.zeros((48, 64)), name="background")
    assert dock.inputs.dark.value is viewer.layers["background"]
    viewer.layers["raw"].name = "renamed"
    press_correct(dock, qtbot)
    assert "corrected_renamed" in viewer.layers
    viewer.layers.remove("flats")
    settle(dock, qtbot)
    viewer.layers.clear()
    assert dock.inputs.raw.value is None


def test_users_choice_survives_new_layers(viewer: Any, dock: Any) -> None:
    chosen = viewer.add_image(np.ones((6, 48, 64)), name="other")
    dock.inputs.raw.value = chosen
    dock.inputs.dark.value = None
    viewer.add_image(np.ones((6, 48, 64)), name="newest")
    assert dock.inputs.raw.value is chosen
    assert dock.inputs.dark.value is None


def test_dock_saves_in_the_background_and_opens_what_it_saved(
    viewer: Any,
    dock: Any,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "corrected.emd"
    monkeypatch.setattr(flatfield_widget, "ask_where", lambda _: target)
    press_correct(dock, qtbot)
    dock.save_button.click()
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    assert str(target) in dock.status.text()
    (saved,) = nef.read(target)
    assert saved.name == "corrected_raw"
    np.testing.assert_array_equal(saved.data, viewer.layers["corrected_raw"].data)
    assert any("linear" in text for text in saved.metadata["comments"].values())
    dock.open_button.click()
    assert len(viewer.layers) == 5


def test_dock_adds_to_the_file_the_raw_layer_came_from(
    viewer: Any,
    dock: Any,
    qtbot: Any,
    scan_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    path = Path(shutil.copy(scan_path, tmp_path / "source.emd"))
    viewer.layers.clear()
    viewer.open(path, plugin=PLUGIN)
    before = {signal.name: signal.data[...] for signal in nef.read(path)}
    press_correct(dock, qtbot)
    dock.save_buttons.into_source.click()
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    assert told == []
    saved = {signal.name: signal.data[...] for signal in nef.read(path)}
    assert saved.keys() - before.keys() == {"corrected_raw"}
    layer = viewer.layers["corrected_raw"]
    for name, data in (before | {"corrected_raw": layer.data[...]}).items():
        np.testing.assert_array_equal(saved[name], data)
    dock.inputs.raw.value = viewer.add_image(np.ones((6, 48, 64)), name="nowhere")
    dock.save_buttons.into_source.click()
    assert "not read from a file" in told.pop()


def test_a_save_that_fails_says_why(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(flatfield_widget, "show_error", told.append)
    dock.save_button.click()
    assert "press Correct first" in told.pop()
    press_correct(dock, qtbot)
    dock.save(tmp_path / "no" / "such" / "folder.emd")
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=10_000)
    assert "there is no folder" in told.pop()


def test_a_save_can_be_cancelled_and_leaves_nothing(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    slow = Slow(5000)
    raw = viewer.add_image(slow, name="slow", contrast_limits=(0, 1))
    dock.inputs.raw.value = raw
    dock.inputs.positions.value = "0, 5000"
    press_correct(dock, qtbot)
    slow.pause = 0.002
    dock.save(tmp_path / "x.emd")
    qtbot.waitUntil(lambda: dock.save_bar.bar.value() > 0, timeout=10_000)
    said = dock.save_bar.bar.format()
    assert re.fullmatch(r"\d+/5000, [\d.]+ .?B/s, .*\d+ s left", said)
    dock.save_bar.cancel_button.click()
    qtbot.waitUntil(dock.save_button.isEnabled, timeout=5_000)
    assert slow.frames < 4000
    assert list(tmp_path.iterdir()) == []
    assert "cancelled" in dock.status.text()


def test_closing_napari_during_a_save_leaves_nothing(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    slow = Slow(5000)
    dock.inputs.raw.value = viewer.add_image(slow, name="slow", contrast_limits=(0, 1))
    dock.inputs.positions.value = "0, 5000"
    press_correct(dock, qtbot)
    slow.pause = 0.002
    dock.save(tmp_path / "x.emd")
    qtbot.waitUntil(lambda: slow.frames > 200, timeout=10_000)
    viewer.close()
    qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [], timeout=10_000)
    assert slow.frames < 4000


class Slow(LazyArray):
    """Ones that take their time, and count how many frames were read."""

    def __init__(self, frames: int) -> None:
        super().__init__((frames, 48, 64), "u2")
        self.pause = 0.0
        self.frames = 0

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        shape = selected_shape(slices)
        time.sleep(self.pause * shape[0])
        self.frames += shape[0]
        return np.ones(shape, "u2")


def test_removing_a_layer_in_use_leaves_the_dock_usable(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    dock.plots.expand()
    press_correct(dock, qtbot)
    viewer.layers.remove("corrected_raw")
    viewer.dims.set_current_step(0, 2)
    press_correct(dock, qtbot)
    assert "corrected_raw" in viewer.layers
    viewer.layers.remove("raw")
    settle(dock, qtbot)
    viewer.dims.set_current_step(0, 1)


def test_closing_the_dock_lets_go_of_the_viewer(
    viewer: Any, dock: Any, qtbot: Any
) -> None:
    press_correct(dock, qtbot)
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(50)
    viewer.dims.set_current_step(0, 2)
    viewer.theme = "light"


def test_napari_saves_selected_layers(
    viewer: Any, dock: Any, qtbot: Any, tmp_path: Path
) -> None:
    press_correct(dock, qtbot)
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


def test_sample_data_opens_ready_to_correct(
    make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample(PLUGIN, "synthetic_scan")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    press_correct(dock, qtbot)
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


def test_corrected_frame_is_drawn(
    make_napari_viewer: Any, qtbot: Any, scan_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.open(scan_path, plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    qtbot.wait(300)  # until docks and canvas have found their sizes
    raw = viewer.screenshot(canvas_only=True)[..., 0].astype(float)
    press_correct(dock, qtbot)
    corrected = viewer.screenshot(canvas_only=True)[..., 0].astype(float)
    inside = (raw > 0) & (corrected > 0)
    assert inside.mean() > 0.5

    def roll_off(picture: np.ndarray) -> float:
        return float(picture[inside].std() / picture[inside].mean())

    assert roll_off(corrected) < roll_off(raw)


def test_other_files_are_shown_when_the_settings_allow_it(
    viewer: Any, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    path = tmp_path / "home" / "x.h5"
    with h5py.File(tmp_path / "other.h5", "w") as other, h5py.File(path, "w") as file:
        other["image"] = file["image"] = np.ones((8, 8))
        file["linked"] = h5py.ExternalLink("../other.h5", "/image")
    with pytest.warns(UserWarning, match="is not shown whole: /linked"):
        assert len(read_layers(str(path))) == 1
    get_plugin_settings(PLUGIN).reading.follow_external = True
    assert len(read_layers(str(path))) == 2


def test_an_error_or_a_warning_is_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    evil = "<h1>big<\\h1> <img src='x'>\x1b[2J"
    with h5py.File(path, "w") as file:
        file[evil] = np.ones((3, 4))
        layout = h5py.VirtualLayout((3, 4), "f8")
        layout[...] = h5py.VirtualSource("<b>gone<b>.h5", "d", (3, 4))
        file.create_virtual_dataset("mapped", layout)
    with pytest.warns(UserWarning, match="missing") as told:
        signals = nef.read(path)
    shown = [str(each.message) for each in told]
    whole = next(signal for signal in signals if evil in str(signal.dataset))
    path.write_bytes(bytes(100))
    with pytest.raises(nef.EmdFlatfieldError) as caught:
        whole.data[0]
    shown.append(str(caught.value))
    with pytest.raises(nef.NoSignalError) as missing:
        nef.read(nef.write(tmp_path / "y.emd", Signal("a", np.ones((2, 2)))), evil)
    shown.append(str(missing.value))
    assert "‹b>gone" in shown[0]
    assert "‹h1>" in shown[-1]
    for text in shown:
        assert not Qt.mightBeRichText(text)
        assert text.isprintable()


def test_names_of_files_are_no_markup_in_tooltips(viewer: Any, tmp_path: Path) -> None:
    evil = "<img src='x'>\x1b[2J"
    path = nef.write(tmp_path / "x.emd", Signal(evil, np.ones((3, 4, 5))))
    (layer,) = viewer.open(path, plugin="napari-emd-flatfield")
    assert not Qt.mightBeRichText(layer.get_source_str())
    assert layer.name.isprintable()
    saved = layer.save(str(tmp_path / "y.emd"), plugin="napari-emd-flatfield")
    assert nef.read(saved[0])[0].name == evil


def test_text_of_files_is_no_markup(viewer: Any, dock: Any, qtbot: Any) -> None:
    press_correct(dock, qtbot)
    dock.status.setText("<b>bold</b>")
    assert dock.status.textFormat() == Qt.TextFormat.PlainText
    assert tooltip("<b>bold</b>") == "<qt>&lt;b&gt;bold&lt;/b&gt;</qt>"
    dock.plots.plots.show_profile(Profile("<img src='x'>", *[np.arange(3.0)] * 6))
    assert "<img" not in dock.plots.plots.after.getAxis("bottom").labelText
