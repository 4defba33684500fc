"""Plots that follow the corrected layer, the frame in view and the theme."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import Signal as QtSignal

from .folded import Folded
from .latest import Latest, single_shot
from .layers import SIGNAL
from .plots import Plots
from .resolutions import full_resolution
from .sampling import sample_histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image

    from .sampling import Profile

_PAUSE_MS = 100


class LivePlots(Folded):
    """The plots, folded away until wanted; nothing is read before.

    Parameters
    ----------
    viewer
        Its slider says which frame is in view.
    """

    failed = QtSignal(str)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__("Plots")
        self._viewer = viewer
        self._layer: Image | None = None
        self._sample: Callable[[], Profile] | None = None
        self.plots = Plots()
        self.addWidget(self.plots)
        self._profiling = Latest(self)
        self._counting = Latest(self)
        self._stepped = single_shot(self, _PAUSE_MS)
        self._stepped.timeout.connect(self._count)
        self._profiling.done.connect(self.plots.show_profile)
        self._counting.done.connect(self._on_counted)
        self._profiling.failed.connect(self.failed)
        self._counting.failed.connect(self.failed)
        self.toggled.connect(lambda _: self._draw())
        for event, slot in (
            (viewer.dims.events.point, self._on_step),
            (viewer.events.theme, self._on_theme),
        ):
            event.connect(slot)
            self.destroyed.connect(partial(_disconnect, event, slot))
        self._on_theme()

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be drawn."""
        waiting = self._stepped.isActive()
        return waiting or self._profiling.is_busy or self._counting.is_busy

    def show_layer(self, layer: Image, sample: Callable[[], Profile]) -> None:
        """Show what a correction does.

        Parameters
        ----------
        layer
            The corrected layer.
        sample
            Measures its course along the scan, in the background.
        """
        self._layer, self._sample = layer, sample
        self._draw()

    def forget(self) -> None:
        """Let go of the layer, and of the file it reads."""
        self._layer = self._sample = None
        self._profiling.stop()
        self._counting.stop()

    def _draw(self) -> None:
        if self.isExpanded() and self._sample is not None:
            self._profiling.run(self._sample)
            self._on_step()

    def _on_step(self, *_: Any) -> None:
        layer = self._layer
        if layer is None or not self.isExpanded():
            return
        if layer.ndim > 2:
            along = layer.metadata[SIGNAL].axes[0].values
            self.plots.mark(float(along[_frame_in_view(self._viewer, layer)[0]]))
        self._stepped.start()

    def _count(self) -> None:
        if self._layer is not None:
            index = _frame_in_view(self._viewer, self._layer)
            self._counting.run(
                partial(_histogram, full_resolution(self._layer.data), index)
            )

    def _on_counted(self, counted: tuple[np.ndarray, np.ndarray]) -> None:
        self.plots.show_histogram(*counted)

    def _on_theme(self, *_: Any) -> None:
        theme = get_theme(self._viewer.theme)
        self.plots.set_colors(theme.background.as_hex(), theme.text.as_hex())


def _frame_in_view(viewer: napari.viewer.Viewer, layer: Image) -> tuple[int, ...]:
    """Leading indices of the frame that the viewer shows of a layer."""
    point = layer.world_to_data(viewer.dims.point[-layer.ndim :])
    highest = np.array(full_resolution(layer.data).shape[:-2]) - 1
    index = np.rint(point[:-2]).clip(0, highest) if len(highest) else ()
    return tuple(int(i) for i in index)


def _histogram(data: Any, index: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    return sample_histogram(np.asarray(data[index]))


def _disconnect(event: Any, slot: Any, *_: Any) -> None:
    with suppress(AttributeError):  # a viewer that closes empties its events first
        event.disconnect(slot)


if __name__ == "__main__":
    from ..synthetic import make_scan
    from .building import build
    from .trying import try_out

    def _make(viewer: napari.viewer.Viewer) -> LivePlots:
        scan = make_scan()
        made = build(scan.raw, [scan.flats], scan.dark, None, {})
        plots = LivePlots(viewer)
        plots.show_layer(
            viewer.add_image(made.data, **made.kwargs), made.sample_profile
        )
        plots.expand()
        return plots

    try_out(_make, "Plots")
