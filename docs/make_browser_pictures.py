"""Make the pictures of the HDF5 browser, by running napari.

    python docs/make_browser_pictures.py

Like ``make_pictures.py``, it opens real windows.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import make_pictures
import numpy as np

if TYPE_CHECKING:
    import napari
    from qtpy.QtGui import QImage

    from napari_emd_flatfield.plugin.browser import BrowserWidget

DOCK = "HDF5 browser"
DOCK_WIDTH = 470  # pixels
TALL = (1240, 620)  # pixels, of the window whose docks are pictured alone


def main() -> None:
    """Write ``docs/images/browser*.png``."""
    with tempfile.TemporaryDirectory() as folder:
        # A fresh settings file: nobody's theme or window state, nobody's changed.
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        scan = make_pictures.write_scan(Path(folder) / "scan.emd")
        picture_browser(scan, _write_beamtime(Path(folder) / "beamtime.nxs"))


def picture_browser(scan: Path, beamtime: Path) -> None:
    """Picture the browser beside a layer, and its states side by side.

    Parameters
    ----------
    scan
        An EMD file with ``/data/raw``.
    beamtime
        A file with links of all kinds, as `_write_beamtime` writes it.
    """
    viewer, browser = _open(make_pictures.WINDOW)
    browser.open(scan)
    _select(browser, "/data/raw/data")
    browser.add_button.click()
    make_pictures.settle(2)
    make_pictures.picture_window(viewer, "browser")
    viewer.close()

    viewer, browser = _open(TALL)
    viewer.theme = "light"
    browser.open(beamtime)
    _select(browser, "/entry/data/frames")
    make_pictures.settle(1)
    links = _pixels(browser.parentWidget().grab())
    _select(browser, "/entry/probe")
    make_pictures.settle(1)
    menu = _with_menu(browser)
    browser.filter.setText("temperature")
    browser.search()
    make_pictures.settle(2)
    found = _pixels(browser.parentWidget().grab())
    make_pictures.save(np.concatenate((links, menu, found), axis=1), "browser_states")
    viewer.close()


def _write_beamtime(path: Path) -> Path:
    """Write a file as a beamline might, some of it in other files."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[-64:64, -64:64] / 24
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        detector = file.create_group("entry/instrument/detector")
        frames = detector.create_dataset(
            "data",
            data=random.poisson(400 * np.exp(-0.3 * (x**2 + y**2)), (60, 128, 128)),
            dtype="u2",
            chunks=(1, 128, 128),
            compression="gzip",
            shuffle=True,
        )
        frames.attrs["units"] = "counts"
        frames.attrs["long_name"] = "Transmitted intensity"
        detector["x_pixel_size"] = 0.65
        file["entry/data/frames"] = h5py.SoftLink("/entry/instrument/detector/data")
        file["entry/data/darks"] = h5py.ExternalLink("scan.emd", "/data/dark/data")
        file["entry/data/flats"] = h5py.ExternalLink("flats_0042.h5", "/entry/data")
        file["entry/probe"] = np.exp(-(x**2) - y**2 + 2j * x * y).astype("c8")
        file["entry/title"] = "Diatom, 60 projections"
        for i in range(2000):
            log = file.create_group(f"log/{i:04}")
            log["current"] = random.normal(200, 1)
            if i % 250 == 0:
                log["temperature"] = random.normal(293, 0.1)
        remarks = file.create_group("comments")
        remarks.attrs["2025-03-04 10:12:07 (UTC)"] = "Beam lost at frame 41."
    return path


def _open(size: tuple[int, int]) -> tuple[napari.Viewer, BrowserWidget]:
    from napari import Viewer
    from qtpy.QtCore import Qt

    viewer = Viewer()
    window = viewer.window._qt_window
    window.resize(*size)
    dock, browser = viewer.window.add_plugin_dock_widget(make_pictures.PLUGIN, DOCK)
    make_pictures.settle()
    window.resizeDocks([dock], [DOCK_WIDTH], Qt.Orientation.Horizontal)
    make_pictures.settle()
    return viewer, browser


def _select(browser: BrowserWidget, path: str) -> None:
    row = browser.filtered.mapFromSource(browser.model.reveal(path))
    browser.tree.expand_above(row)
    browser.tree.select([row])


def _with_menu(browser: BrowserWidget) -> np.ndarray:
    """The dock with its menu painted in: a menu is a window of its own."""
    from qtpy.QtGui import QPainter

    picture = browser.parentWidget().grab()
    place = browser.tree.visualRect(browser.tree.currentIndex()).bottomLeft()
    browser.tree.customContextMenuRequested.emit(place)
    make_pictures.settle()
    painter = QPainter(picture)
    corner = browser.parentWidget().mapFromGlobal(browser.menu.pos())
    painter.drawPixmap(corner, browser.menu.grab())
    painter.end()
    browser.menu.hide()
    return _pixels(picture)


def _pixels(picture: Any) -> np.ndarray:
    from qtpy.QtGui import QImage

    image: QImage = picture.toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.bits().asarray(image.sizeInBytes()), np.uint8)
    return rows.reshape(image.height(), image.width(), 4).copy()


if __name__ == "__main__":
    main()
