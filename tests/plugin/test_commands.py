"""Every command and menu entry of the manifest, triggered as napari does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from app_model.types import MenuItem
from napari._app_model import get_app_model
from npe2 import PluginManifest

import napari_emd_flatfield as nef
from napari_emd_flatfield import Signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.canvas
PLUGIN = "napari-emd-flatfield"
CONTRIBUTIONS = PluginManifest.from_distribution(PLUGIN).contributions


@pytest.fixture
def path(tmp_path: Path) -> Path:
    frames = np.arange(24, dtype="u2").reshape(2, 3, 4)
    return nef.write(tmp_path / "scan.emd", Signal("raw", frames))


@pytest.fixture
def viewer(make_napari_viewer: Any, path: Path) -> Any:
    viewer = make_napari_viewer()
    viewer.open(path, plugin=PLUGIN)
    return viewer


def has_opened(viewer: Any, path: Path) -> None:
    assert viewer.layers["raw"].data.shape == (2, 3, 4)


def has_saved(viewer: Any, path: Path) -> None:
    copy = path.with_name("copy.emd")
    assert viewer.layers["raw"].save(str(copy), plugin=PLUGIN) == [str(copy)]
    with h5py.File(copy) as file:
        np.testing.assert_array_equal(
            file["data/raw/data"], np.arange(24).reshape(2, 3, 4)
        )


def shows_the_correction(viewer: Any, path: Path) -> None:
    assert any("Flat-field correction" in name for name in viewer.window.dock_widgets)


def shows_the_browser(viewer: Any, path: Path) -> None:
    assert any("HDF5 browser" in name for name in viewer.window.dock_widgets)


def has_the_sample(viewer: Any, path: Path) -> None:
    viewer.layers.clear()
    viewer.open_sample(PLUGIN, "synthetic_scan")
    assert [layer.name for layer in viewer.layers] == ["dark", "flats", "raw"]
    assert viewer.layers["raw"].data.shape == (51, 256, 320)


def has_reloaded(viewer: Any, path: Path) -> None:
    assert viewer.layers["raw"].data.shape == (4, 3, 4)


def nothing(viewer: Any, path: Path) -> None:
    pass


def grow(viewer: Any, path: Path) -> None:
    frames = np.arange(48, dtype="u2").reshape(4, 3, 4)
    nef.write(path, Signal("raw", frames))


def from_plugins_menu(name: str) -> Callable[[Any, Path], None]:
    def trigger(viewer: Any, path: Path) -> None:
        viewer.window.add_plugin_dock_widget(PLUGIN, name)

    return trigger


def reload_layers(viewer: Any, path: Path) -> None:
    grow(viewer, path)
    get_app_model().commands.execute_command(f"{PLUGIN}.reload")


# A command without an entry here fails.
COMMANDS = {
    "read": (nothing, has_opened),
    "write": (nothing, has_saved),
    "correct": (from_plugins_menu("Flat-field correction"), shows_the_correction),
    "browse": (from_plugins_menu("HDF5 browser"), shows_the_browser),
    "sample": (nothing, has_the_sample),
    "reload": (reload_layers, has_reloaded),
}
ENTRIES = {
    "correct": (nothing, shows_the_correction),
    "browse": (nothing, shows_the_browser),
    "reload": (grow, has_reloaded),
}


@pytest.mark.parametrize(
    "command", [command.id.split(".")[-1] for command in CONTRIBUTIONS.commands]
)
def test_command(viewer: Any, path: Path, command: str) -> None:
    trigger, check = COMMANDS[command]
    trigger(viewer, path)
    check(viewer, path)


@pytest.mark.parametrize(
    ("menu", "command"),
    [
        (menu, entry.command.split(".")[-1])
        for menu, entries in CONTRIBUTIONS.menus.items()
        for entry in entries
    ],
)
def test_menu_entry(viewer: Any, path: Path, menu: str, command: str) -> None:
    titles = {c.id: c.title for c in CONTRIBUTIONS.commands}
    (item,) = (
        item
        for item in get_app_model().menus.get_menu(menu)
        if isinstance(item, MenuItem)
        and item.command.id.startswith(PLUGIN)
        and item.command.title.startswith(titles[f"{PLUGIN}.{command}"])
    )
    prepare, check = ENTRIES[command]
    prepare(viewer, path)
    get_app_model().commands.execute_command(item.command.id)
    check(viewer, path)
