"""Each widget runs by itself, to be tried out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_emd_flatfield.plugin

FOLDER = Path(napari_emd_flatfield.plugin.__file__).parent
RUNNABLE = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)
# Closes the window as soon as it is there, and says what was in it.
CODE = """
import runpy, sys
from napari._qt.qt_event_loop import get_qapp
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget

def close():
    docks = [d.windowTitle() for w in app.topLevelWidgets() if w.isVisible()
             for d in w.findChildren(QDockWidget) if d.isVisible()]
    if docks:
        print(docks)
        app.closeAllWindows()
    else:
        QTimer.singleShot(200, close)

app = get_qapp()
QTimer.singleShot(200, close)
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


def test_the_widgets_are_there() -> None:
    assert {"flatfield_widget", "browser", "plots", "inputs", "options"} <= {*RUNNABLE}


@pytest.mark.canvas
@pytest.mark.parametrize("module", RUNNABLE)
def test_it_runs(module: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, f"napari_emd_flatfield.plugin.{module}"],
        env={
            **os.environ,
            "NAPARI_CONFIG": str(tmp_path / "settings.yaml"),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "layer list" in done.stdout
    assert done.stdout.count("',") >= 2, "there is no dock of the widget"
