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
# Runs one after the other, as starting Python and napari takes longest. Closes each
# window as soon as it is there, and says what was in it.
CODE = """
import runpy, sys, traceback
from napari._qt.qt_event_loop import get_qapp
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget

def close():
    docks = [d.windowTitle() for w in app.topLevelWidgets() if w.isVisible()
             for d in w.findChildren(QDockWidget) if d.isVisible()]
    if docks:
        print(docks, flush=True)
        app.closeAllWindows()
    else:
        QTimer.singleShot(50, close)

app = get_qapp()
for module in sys.argv[1:]:
    for stream in (sys.stdout, sys.stderr):
        print("module:", module, file=stream, flush=True)
    QTimer.singleShot(50, close)
    try:
        runpy.run_module(
            "napari_emd_flatfield.plugin." + module, run_name="__main__", alter_sys=True
        )
    except Exception:
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What each module wrote to stdout, and to stderr."""
    folder = tmp_path_factory.mktemp("trying")
    done = subprocess.run(
        [sys.executable, "-c", CODE, *RUNNABLE],
        env={
            **os.environ,
            "NAPARI_CONFIG": str(folder / "settings.yaml"),
            "TMPDIR": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [by_module(done.stdout), by_module(done.stderr)]


def by_module(text: str) -> dict[str, str]:
    parts = text.split("module: ")[1:]
    return {name: rest for name, _, rest in (part.partition("\n") for part in parts)}


def test_the_widgets_are_there() -> None:
    assert {"flatfield_widget", "browser", "plots", "inputs", "options"} <= {*RUNNABLE}


@pytest.mark.canvas
@pytest.mark.parametrize("module", RUNNABLE)
def test_it_runs(module: str, said: list[dict[str, str]]) -> None:
    out, err = (stream[module] for stream in said)
    assert "Traceback" not in err, err
    assert "layer list" in out
    assert out.count("',") >= 2, "there is no dock of the widget"
