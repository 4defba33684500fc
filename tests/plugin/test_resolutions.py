"""Big signals in a real napari window: shown coarse, worked on in full."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.components import ViewerModel
from napari.settings import get_plugin_settings

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import CACHE, pyramid
from napari_emd_flatfield.plugin.layers import shown_as, signal_of_layer
from napari_emd_flatfield.plugin.resolutions import (
    full_resolution,
    resolutions,
    show_in,
)
from napari_emd_flatfield.synthetic import make_scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_emd_flatfield.signal import ArrayLike

pytestmark = pytest.mark.canvas
PLUGIN = "napari-emd-flatfield"
SHAPE = (520, 640)


@pytest.fixture(autouse=True)
def _small_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "_LARGE_SIDE": 512,
        "_COARSEST_FRAME": 128,
        "_VOLUME_SIDE": 64,
        "_CHUNK": 32,
    }.items():
        monkeypatch.setattr(sys.modules[pyramid.__module__], name, value)


@pytest.fixture
def _limit() -> Iterator[None]:
    limit = CACHE.limit
    yield
    CACHE.limit = limit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    scan = make_scan(frames=6, shape=SHAPE)
    return nef.write(tmp_path / "scan.emd", [scan.raw, scan.flats, scan.dark])


@pytest.fixture
def viewer(make_napari_viewer: Any, path: Path) -> Any:
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    return viewer


def stored(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as file:
        found: np.ndarray = file[f"data/{name}/data"][()]
        return found


def plain_formula(path: Path) -> np.ndarray:
    raw, flats, dark = (np.asarray(s.data, float) for s in nef.read(path))
    share = (nef.read(path)[0].axes[0].values / 500)[:, None, None]
    flat = flats[0] * (1 - share) + flats[1] * share
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flat - dark > 1e-9, (raw - dark) / (flat - dark), np.nan)


def test_zoomed_far_out_every_frame_is_the_one_that_is_meant(
    make_napari_viewer: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Volumes of two frames of six.
    module = sys.modules[pyramid.__module__]
    monkeypatch.setattr(module, "_VOLUME_BYTES", 2 * np.prod(SHAPE) * 2)
    monkeypatch.setattr(module, "_ICON_SIDE", 32)
    viewer = make_napari_viewer()
    raw = next(v for v in viewer.open(path, plugin=PLUGIN) if v.visible)
    frames = stored(path, "raw")
    viewer.dims.ndisplay = 3
    assert raw._slice.image.raw.shape == (2, 52, 64)
    viewer.dims.ndisplay = 2
    for index, frame in enumerate(frames):
        viewer.dims.set_current_step(0, index)
        # What the canvas does when the layer is a few pixels on it.
        raw._update_draw(
            scale_factor=1,
            corner_pixels_displayed=np.array([[0, 0], [5200, 6400]]),
            shape_threshold=(20, 20),
        )
        assert raw.data_level == len(raw.data) - 1
        rows = frame[:520:20, :640].reshape(26, 32, 20).mean(axis=2)
        found = np.asarray(raw._slice.image.raw, float)
        assert found.shape == rows.shape
        np.testing.assert_allclose(found, rows, atol=0.5)


def test_each_viewer_shows_what_it_is_to(
    make_napari_viewer: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[pyramid.__module__]
    monkeypatch.setattr(module, "_VOLUME_BYTES", 2 * np.prod(SHAPE) * 2)
    monkeypatch.setattr(module, "_ICON_SIDE", 32)
    viewer, other = make_napari_viewer(), make_napari_viewer()
    raw = next(v for v in viewer.open(path, plugin=PLUGIN) if v.visible)
    other.dims.ndisplay = 3
    assert np.shape(raw.data[-1][4]) == (26, 32)
    other.dims.ndisplay, viewer.dims.ndisplay = 2, 3
    assert raw._slice.image.raw.shape == (2, 52, 64)


def test_a_big_signal_is_shown_coarse_and_zoomed_in_as_it_is(path: Path) -> None:
    signal, frames = nef.read(path)[0], stored(path, "raw")
    viewer = ViewerModel()
    data, kwargs = shown_as(signal, signal.axes)
    raw = viewer.add_image(data, **kwargs)
    assert raw.multiscale
    assert raw.data.shapes[:3] == ((6, 520, 640), (6, 260, 320), (6, 130, 160))
    viewer.dims.set_point(0, raw.data_to_world((4, 0, 0))[0])
    # What the canvas does when zoomed in; it is told in nanometres.
    raw._update_draw(
        scale_factor=1,
        corner_pixels_displayed=np.array([[70, 70], [130, 130]]),
        shape_threshold=(60, 60),
    )
    assert raw.data_level == 0
    (top, left), (bottom, right) = raw.corner_pixels[:, -2:]
    assert bottom - top < SHAPE[0] / 2
    np.testing.assert_array_equal(
        raw._slice.image.raw, frames[4, top : bottom + 1, left : right + 1]
    )
    viewer.dims.ndisplay = 3
    assert raw._slice.image.raw.shape == raw.data.shapes[-1]


def test_a_big_layer_is_saved_in_full(viewer: Any, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.emd"
    viewer.layers["raw"].save(str(target), plugin=PLUGIN)
    np.testing.assert_array_equal(stored(target, "raw"), stored(path, "raw"))


def test_a_big_layer_is_corrected_and_saved_in_full(
    viewer: Any, qtbot: Any, path: Path, tmp_path: Path
) -> None:
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Flat-field correction")
    for dtype in ("float32", "float64"):
        dock.options.dtype.value = dtype
        dock.correct_button.click()
        qtbot.waitUntil(lambda: not dock.is_busy, timeout=20_000)
        corrected = viewer.layers["corrected_raw"]
        assert corrected.data.shapes == viewer.layers["raw"].data.shapes
        assert corrected.dtype == dtype
    expected = plain_formula(path)
    np.testing.assert_allclose(corrected.data[0][3], expected[3], rtol=1e-5)
    target = tmp_path / "corrected.emd"
    dock.save(target)
    qtbot.waitUntil(lambda: dock.save_bar.job is None, timeout=20_000)
    np.testing.assert_allclose(stored(target, "corrected_raw"), expected, rtol=1e-5)


def test_big_layers_grow_in_place(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "growing.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "d", data=np.ones((2, *SHAPE), "u2"), maxshape=(None, *SHAPE)
        )
    (layer,) = viewer.open(path, plugin=PLUGIN)
    viewer.layers.selection = {layer}
    np.testing.assert_array_equal(layer.data[0][1], 1)
    with h5py.File(path, "a") as file:
        file["d"].resize(3, axis=0)
        file["d"][1:] = 7
    get_app_model().commands.execute_command(f"{PLUGIN}.reload")
    assert layer.multiscale
    assert layer.data.shape == (3, *SHAPE)
    np.testing.assert_array_equal(layer.data[0][1:], 7)
    assert signal_of_layer(layer).path == path


def test_a_layer_keeps_having_one_resolution_or_several(viewer: Any) -> None:
    small, big = np.ones((4, 8, 8), "u2"), np.full((4, *SHAPE), 2, "u2")
    single = viewer.add_image(small, name="small")
    several: list[ArrayLike] | ArrayLike = resolutions(big)
    assert isinstance(several, list)
    multiple = viewer.add_image(several, multiscale=True, name="big")
    show_in(single, several)
    assert single.data.shape == big.shape
    show_in(multiple, resolutions(small))
    np.testing.assert_array_equal(full_resolution(multiple.data), small)


@pytest.mark.usefixtures("_limit")
def test_how_much_is_kept_is_a_setting_applied_at_once(viewer: Any) -> None:
    settings = get_plugin_settings(PLUGIN)
    assert CACHE.limit == 512e6
    settings.reading.memory = 64
    assert CACHE.limit == 64e6
    settings.reading.memory = 512
    assert CACHE.limit == 512e6
