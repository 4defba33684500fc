"""A display for the tests that draw, and no widget left behind by any."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


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
def _no_widget_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("canvas") is None:
        return
    from qtpy.QtWidgets import QApplication

    QApplication.processEvents()
    gc.collect()
    left = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    assert not left, f"widgets left open: {left}"
