"""``napari-emd-flatfield demo``: the whole road on a small synthetic scan."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from .errors import WriteError
from .flatfield import correct
from .formats import read
from .synthetic import make_scan, non_uniformity
from .writing import write

if TYPE_CHECKING:
    from pathlib import Path

    from .signal import Signal

_MARGIN, _CAPTION = 16, 34


def run(folder: Path, no_napari: bool = False) -> None:
    """Make a scan, correct it, save it, read it back and show it.

    Parameters
    ----------
    folder
        Where the files go; made if need be.
    no_napari
        Write a picture instead of opening napari, even with a display.

    Raises
    ------
    WriteError
        If the folder or a file in it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"folder {folder} cannot be made ({error.strerror}); choose another with "
            "--folder"
        ) from error
    scan = make_scan()
    scan_path = write(folder / "scan.emd", [scan.raw, scan.flats, scan.dark])
    print(f"Scan written to    {scan_path.resolve()}")

    raw, flats, dark = read(scan_path)
    for signal in (raw, flats, dark):
        span = f"{signal.shape} {signal.dtype}"
        print(f"  opened {signal.role:4}      {signal.name}, {span}, {_extent(signal)}")

    corrected_path = write(folder / "corrected_scan.emd", [correct(raw, flats, dark)])
    print(f"Corrected scan in  {corrected_path.resolve()}")
    (corrected,) = read(corrected_path)
    frames = np.asarray(corrected.data)

    before = non_uniformity(np.asarray(raw.data, float) - np.asarray(dark.data), scan)
    after = non_uniformity(frames, scan)
    alive = ~scan.dead
    off = np.sqrt(np.mean((frames - scan.truth)[:, alive] ** 2, dtype=float))
    gained = before / after
    print(f"Background uneven  {before:.1%} before, {after:.1%} after: {gained:.0f}×")
    print(f"  off the truth    {off:.1%} (root mean square; photon noise included)")
    print(f"  dead pixels      {np.isnan(frames[0]).sum()} of {scan.dead.sum()} found")

    reason = "--no-napari was given" if no_napari else display_problem()
    if reason is None:
        print("Opening napari: press Correct in the dock; close the window to end.")
        _open_napari(scan_path)
        return
    picture = folder / "raw_and_corrected.png"
    middle = len(frames) // 2
    _write_picture(picture, raw.data[middle], frames[middle])
    print(f"Not opening napari: {reason}")
    print(f"Picture written to {picture.resolve()}")


def display_problem() -> str | None:
    """Say why no window can be opened here, or None if one can.

    Returns
    -------
    str or None
        A missing display or library ends a Qt program outright, so this asks in
        a process of its own.
    """
    headless = not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if sys.platform.startswith("linux") and headless:
        return "there is no display (DISPLAY is not set)"
    probe = (
        "import napari, qtpy.QtWidgets as q; a = q.QApplication([]);"
        "assert a.platformName() not in ('offscreen', 'minimal'), a.platformName()"
    )
    try:
        outcome = subprocess.run(
            [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return "the display does not answer"
    if outcome.returncode == 0:
        return None
    said = [line for line in outcome.stderr.splitlines() if line.strip()]
    if any("No module named" in line for line in said):
        return (
            'napari is not installed; pip install "napari-emd-flatfield[all]" adds it'
        )
    return f"no window can be opened here ({said[0] if said else 'Qt failed'})"


def _extent(signal: Signal) -> str:
    return " × ".join(
        f"{axis.values[0]:g}…{axis.values[-1]:g} {axis.units}" for axis in signal.axes
    )


def _open_napari(path: Path) -> None:
    import napari

    viewer = napari.Viewer(title="napari-emd-flatfield demo")
    viewer.open(path, plugin="napari-emd-flatfield")
    viewer.window.add_plugin_dock_widget(
        "napari-emd-flatfield", "Flat-field correction"
    )
    napari.run()


def _write_picture(path: Path, raw: np.ndarray, corrected: np.ndarray) -> None:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise WriteError(
            f"{path} needs Pillow to be drawn; pip install "
            '"napari-emd-flatfield[all]" adds it'
        ) from error
    panels = [("raw", _grey(raw)), ("flat-field corrected", _grey(corrected))]
    height, width = raw.shape
    sheet = Image.new(
        "RGB", (2 * width + 3 * _MARGIN, height + _CAPTION + 2 * _MARGIN), "#1e1f22"
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for i, (caption, pixels) in enumerate(panels):
        left = _MARGIN + i * (width + _MARGIN)
        sheet.paste(Image.fromarray(pixels), (left, _MARGIN))
        draw.text((left, height + _MARGIN + 8), caption, fill="#d7d9dd", font=font)
    sheet.save(path)


def _grey(image: np.ndarray) -> np.ndarray:
    values = image.astype(float)
    low, high = np.nanpercentile(values, (0.1, 99.9))
    grey = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(np.nan_to_num(grey) * 255, np.uint8)
