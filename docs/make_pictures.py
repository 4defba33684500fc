"""Make the pictures of the documentation, by running napari.

    python docs/make_pictures.py

Those of the browser are made by ``make_browser_pictures.py``. Both open real
windows; without a screen, run them under
``xvfb-run -a -s "-screen 0 1600x1000x24 -dpi 96"``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import napari
    from PIL import Image
    from qtpy.QtWidgets import QWidget

IMAGES = Path(__file__).parent / "images"
PLUGIN, DOCK = "napari-emd-flatfield", "Flat-field correction"
WINDOW = (1240, 690)  # pixels
DOCK_WIDTH = 362  # pixels
TILE_SCALE = 0.8  # pixels of the picture to one of the data
FRAMES = (0, 25, 50)  # at the first flat, half-way, at the last
GREYS = 86
LARGEST = 200_000  # bytes


def main() -> None:
    """Write ``docs/images/*.png``."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # A fresh settings file: nobody's theme or window state, nobody's changed.
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        scan = write_scan(Path(folder) / "scan.emd")
        _picture_everything(scan)


def write_scan(path: Path) -> Path:
    import napari_emd_flatfield as nef
    from napari_emd_flatfield.synthetic import make_scan

    scan = make_scan()
    return nef.write(path, [scan.raw, scan.flats, scan.dark])


def _picture_everything(scan: Path) -> None:
    from napari import Viewer
    from qtpy.QtCore import Qt

    viewer = Viewer()
    window = viewer.window._qt_window
    window.resize(*WINDOW)
    viewer.open(scan, plugin=PLUGIN)
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.dims.set_current_step(0, FRAMES[1])
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
    window.resizeDocks([dock], [DOCK_WIDTH], Qt.Orientation.Horizontal)
    picture_window(viewer, "opened")

    widget.correct_button.click()
    finish(widget)
    window.resizeDocks([dock], [DOCK_WIDTH], Qt.Orientation.Horizontal)
    picture_window(viewer, "corrected")

    window.resize(WINDOW[0], 2 * WINDOW[1] - 320)
    widget.plots.expand()
    finish(widget)
    picture_window(viewer, "plots")
    widget.plots.collapse()
    window.resize(*WINDOW)

    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.shape = (2, 1)
    picture_window(viewer, "raw_and_corrected")
    viewer.canvas.grid.enabled = False

    picture_frames(viewer, "along_the_scan")
    picture_preview(viewer, widget, "preview")
    viewer.close()


def picture_window(viewer: napari.Viewer, name: str) -> None:
    from qtpy.QtWidgets import QLabel

    settle()
    viewer.reset_view()
    # napari makes these one digit too narrow where fonts are as wide as here.
    dims = viewer.window._qt_viewer.dims
    for label in dims.findChildren(QLabel, "slice_label"):
        label.setFixedWidth(label.sizeHint().width())
    settle()
    save(viewer.screenshot(canvas_only=False, flash=False), name)


def picture_frames(viewer: napari.Viewer, name: str) -> None:
    """Raw frames above corrected ones: at the first flat, between, at the last."""
    viewer.canvas.overlays.scale_bar.visible = False
    caption = viewer.canvas.overlays.text
    caption.visible = True
    caption.font_size = 8
    raw, corrected = viewer.layers["raw"], viewer.layers["corrected_raw"]
    rows = []
    for layer in (raw, corrected):
        raw.visible, corrected.visible = layer is raw, layer is corrected
        row = []
        for frame in FRAMES:
            viewer.dims.set_current_step(0, frame)
            caption.text = f"{layer.name} at {viewer.dims.point[0]:g} nm"
            settle()
            row.append(viewer.export_figure(scale_factor=TILE_SCALE, flash=False))
        rows.append(np.concatenate(row, axis=1))
    save(np.concatenate(rows), name)


def picture_preview(viewer: napari.Viewer, widget: Any, name: str) -> None:
    """One frame as settings change: what the live preview shows, side by side."""
    options = widget.options
    caption = viewer.canvas.overlays.text
    viewer.dims.set_current_step(0, FRAMES[1])

    def show_raw() -> None:
        widget.compare_button.setChecked(True)

    def show_corrected() -> None:
        widget.compare_button.setChecked(False)

    def fill_dead_pixels() -> None:
        options.dead_pixels.value = "median of neighbours"

    def take_logarithm() -> None:
        options.absorbance.value = True

    row = []
    for text, change in (
        ("Show raw", show_raw),
        ("corrected", show_corrected),
        ("dead pixels filled", fill_dead_pixels),
        ("absorbance", take_logarithm),
    ):
        change()
        finish(widget)
        caption.text = text
        settle()
        row.append(viewer.export_figure(scale_factor=TILE_SCALE, flash=False))
    save(np.concatenate(row, axis=1), name)


def finish(widget: QWidget) -> None:
    """Wait until the dock has done what was asked of it."""
    settle(0.3)
    while widget.is_busy:
        settle(0.1)


def settle(seconds: float = 0.5) -> None:
    """Let Qt lay out and draw what has changed, and delete what is done with."""
    from qtpy.QtTest import QTest

    QTest.qWait(int(1000 * seconds))


def save(pixels: np.ndarray, name: str) -> None:
    from PIL import Image

    path = IMAGES / f"{name}.png"
    picture = Image.fromarray(pixels[..., :3])
    picture = picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(IMAGES.parent)}: {picture.size}, {size} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path} is too large: {size} bytes, at most {LARGEST}")


def _palette(picture: Image.Image) -> Image.Image:
    """256 colours that keep greys grey: half the file, the same to the eye."""
    from PIL import Image

    pixels = np.asarray(picture).reshape(-1, 3)
    coloured = pixels[np.ptp(pixels, axis=1) > 0]
    greys = np.linspace(0, 255, GREYS).astype(np.uint8)
    colours = (
        Image.fromarray(coloured[np.newaxis])
        .quantize(256 - GREYS, dither=Image.Dither.NONE)
        .getpalette()
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette([*np.repeat(greys, 3).tolist(), *colours])
    return palette


if __name__ == "__main__":
    main()
