"""A napari to try a widget in: ``python -m`` the module of any widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget


def try_out(
    make: Callable[[napari.Viewer], QWidget], title: str, sample: bool = True
) -> None:
    """Show a widget in napari until its window is closed.

    Parameters
    ----------
    make
        Makes the widget.
    title
        Of its dock.
    sample
        Whether to open the synthetic scan first.
    """
    viewer = napari.Viewer()
    if sample:
        viewer.open_sample("napari-emd-flatfield", "synthetic_scan")
    viewer.window.add_dock_widget(make(viewer), name=title)
    napari.run()
