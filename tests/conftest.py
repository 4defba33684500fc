"""A display for the tests that draw; no widget and no file left behind by any."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import h5py
import psutil
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_FILES = (
    h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_GROUP | h5py.h5f.OBJ_DATASET | h5py.h5f.OBJ_ATTR
)

# A read takes as long as the disk needs: no example is too slow.
settings.register_profile("files", deadline=None)
settings.load_profile("files")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("canvas") is None or has_display():
        return
    reason = "needs a display: install Xvfb (Debian: apt-get install xvfb)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def has_display() -> bool:
    # On Linux pytest-xvfb has set DISPLAY by now if it could start Xvfb.
    headless = sys.platform.startswith("linux") and not os.environ.get("DISPLAY")
    return not headless and os.environ.get("QT_QPA_PLATFORM") != "offscreen"


@pytest.fixture(autouse=True)
def _no_file_left_open(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    folder = str(tmp_path_factory.getbasetemp())
    # Fixtures of wider scope may keep files open.
    before = _open_files(folder)
    yield
    request.node.funcargs.clear()  # pytest itself holds on to them a bit longer
    if _open_files(folder) - before:
        gc.collect()
    left = _open_files(folder) - before
    assert not left, f"files left open: {left}"


def _open_files(folder: str) -> set[str]:
    """Files open to the process, and those HDF5 has any object of."""
    known = h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, _IN_FILES)
    to_hdf5 = {os.fsdecode(h5py.h5f.get_name(thing)) for thing in known}
    to_system = {file.path for file in psutil.Process().open_files()}
    return to_hdf5 | {path for path in to_system if path.startswith(folder)}


@pytest.fixture(autouse=True)
def _no_widget_leaks(
    request: pytest.FixtureRequest, _no_file_left_open: None
) -> Iterator[None]:
    # Widgets hold layers and layers hold files, so these are looked at later.
    yield
    if request.node.get_closest_marker("canvas") is None:
        return
    from qtpy.QtWidgets import QApplication

    QApplication.processEvents()
    gc.collect()
    left = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    assert not left, f"widgets left open: {left}"


@pytest.fixture(autouse=True)
def _own_settings(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Keep what a test sets in the dock from the next one, and from the user's."""
    if request.node.get_closest_marker("canvas") is None:
        yield
        return
    from napari import settings

    config = tmp_path_factory.mktemp("config") / "settings.yaml"
    monkeypatch.setattr(settings, "_CFG_PATH", str(config))
    settings._clear_plugin_settings_cache()
    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture(autouse=True)
def _own_notifications(request: pytest.FixtureRequest) -> None:
    """Let no test see what napari told in those before it."""
    if request.node.get_closest_marker("canvas") is None:
        return
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()
