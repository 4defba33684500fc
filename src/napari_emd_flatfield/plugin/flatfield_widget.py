"""The "Flat-field correction" dock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error, show_info
from napari.utils.theme import get_theme
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from ..errors import EmdFlatfieldError
from ..flatfield import FlatField
from .inputs import PREFIX, Inputs
from .latest import Latest
from .layers import SIGNAL, shown_as
from .options import Options, add_row
from .plots import Plots
from .sampling import describe, sample_histogram, sample_profile
from .saving import SaveBar, ask_where

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer
    from napari.layers import Image

    from ..signal import Signal

# Long enough to type a number, short enough to seem at once.
_PAUSE_MS = 150

_CALIBRATION = ("scale", "translate", "units", "axis_labels")


@dataclass(frozen=True, eq=False)
class _Corrected:
    """What a worker makes of the dock's settings."""

    raw_name: str
    signal: Signal
    kwargs: dict[str, Any]
    quantity: tuple[Any, ...]
    description: str
    sample_profile: Any


class FlatFieldWidget(QWidget):
    """Choose raw, flats and dark layers, correct, compare, save.

    Once there is a corrected layer it follows every change of the settings.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are corrected.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._quantity: tuple[Any, ...] | None = None
        self._sample_profile: Any = None
        self.inputs = Inputs(napari_viewer)
        self.options = Options()
        self.correct_button = QPushButton("Correct")
        self.correct_button.setToolTip(
            "Add the corrected layer. It is computed as you look, and follows "
            "every change you make here."
        )
        self.compare_button = QPushButton("Show raw")
        self.compare_button.setCheckable(True)
        self.compare_button.setToolTip("Hide the corrected layer, to compare.")
        self.save_button = QPushButton("Save as EMD…")
        self.save_button.setToolTip("Save the corrected layer, frame by frame.")
        self.open_button = QPushButton("Open saved file")
        self.open_button.hide()
        self.save_bar = SaveBar()
        self.status = QLabel()
        self.status.setWordWrap(True)
        policy = self.status.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
        self.status.setSizePolicy(policy)  # a long path must not widen the dock
        self.plots = Plots()
        self._lay_out()

        self._correcting = Latest(self)
        self._profiling = Latest(self)
        self._counting = Latest(self)
        self._settled = self._timer(self._correct)
        self._stepped = self._timer(self._count)
        self._connect()
        self._on_layers_changed()
        self._on_theme()

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; napari calls it when they change."""
        self.inputs.refresh()
        self._on_layers_changed()

    @property
    def corrected_layer(self) -> Image | None:
        """The corrected layer of the raw layer chosen, if there is one."""
        raw = self.inputs.raw.value
        name = f"{PREFIX}{raw.name}" if raw is not None else ""
        if name not in self._viewer.layers:
            return None
        layer = self._viewer.layers[name]
        return layer if SIGNAL in layer.metadata else None

    def correct(self) -> None:
        """Add the corrected layer, or bring the one there is up to date."""
        try:
            raw, flats, dark = self.inputs.signals()
            positions = self.inputs.flat_positions()
            settings = self.options.settings()
        except EmdFlatfieldError as error:
            self._fail(str(error))
            return
        self.status.setText("reading flats and dark…")
        quantity = self.options.quantity
        self._correcting.run(
            partial(_build, raw, flats, dark, positions, settings, quantity)
        )

    def save(self, path: Path) -> None:
        """Save the corrected layer in the background.

        Parameters
        ----------
        path
            The EMD file to write.
        """
        layer = self.corrected_layer
        if layer is None:
            self._fail("nothing to save yet: press Correct first")
            return
        self.save_button.setEnabled(False)
        self.open_button.hide()
        self.status.setText(f"saving {path.name}…")
        self.save_bar.save(path, layer.metadata[SIGNAL])

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.correct_button, 1)
        buttons.addWidget(self.compare_button, 1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.inputs)
        add_row(self.inputs.form, self.options.interpolation)
        column.addWidget(_folded("Options", self.options))
        column.addLayout(buttons)
        column.addWidget(self.save_button)
        column.addWidget(self.save_bar)
        column.addWidget(self.status)
        column.addWidget(self.open_button)
        self._drawings = _folded("Plots", self.plots)
        column.addWidget(self._drawings)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _timer(self, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(_PAUSE_MS)
        timer.timeout.connect(slot)
        return timer

    def _connect(self) -> None:
        self.inputs.changed.connect(self._on_changed)
        self.options.changed.connect(self._on_changed)
        self.correct_button.clicked.connect(self.correct)
        self.compare_button.toggled.connect(self._on_compare)
        self.save_button.clicked.connect(self._on_save)
        self.open_button.clicked.connect(self._on_open)
        self.save_bar.succeeded.connect(self._on_saved)
        self.save_bar.failed.connect(self._on_save_failed)
        self._drawings.toggled.connect(self._on_drawings_toggled)
        self._correcting.done.connect(self._on_corrected)
        self._correcting.failed.connect(self._fail)
        self._profiling.done.connect(self.plots.show_profile)
        self._profiling.failed.connect(self._fail)
        self._counting.done.connect(lambda counted: self.plots.show_histogram(*counted))
        self._counting.failed.connect(self._fail)
        self._viewer.dims.events.point.connect(self._on_step)
        self._viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(
            partial(_disconnect, self._viewer, self._on_step, self._on_theme)
        )

    def _on_changed(self) -> None:
        self._on_layers_changed()
        if self.corrected_layer is not None:
            self._settled.start()

    def _correct(self) -> None:
        if self.corrected_layer is not None:
            self.correct()

    def _on_layers_changed(self) -> None:
        layer = self.corrected_layer
        self.compare_button.setEnabled(layer is not None)
        if layer is None:
            self._sample_profile = None  # or it would keep the layer's file open
        else:
            self.compare_button.setChecked(not layer.visible)

    def _on_corrected(self, made: _Corrected) -> None:
        raw = self.inputs.raw.value
        if raw is None or raw.name != made.raw_name:
            return
        layer = self.corrected_layer
        if layer is None:
            as_raw = {key: getattr(raw, key) for key in _CALIBRATION}
            layer = self._viewer.add_image(
                made.signal.data, **{**made.kwargs, **as_raw}
            )
            layers = self._viewer.layers
            layers.move(layers.index(layer), layers.index(raw) + 1)
        else:
            layer.data = made.signal.data
            layer.metadata = made.kwargs["metadata"]
            if made.quantity != self._quantity:
                layer.contrast_limits = made.kwargs["contrast_limits"]
        self._quantity = made.quantity
        self.status.setText(made.description)
        self._sample_profile = made.sample_profile
        self._on_layers_changed()
        self._draw()

    def _draw(self) -> None:
        if self._drawings.isExpanded() and self._sample_profile is not None:
            self._profiling.run(self._sample_profile)
            self._on_step()
            self._count()

    def _on_drawings_toggled(self) -> None:
        self._draw()

    def _on_step(self, *_: Any) -> None:
        layer = self.corrected_layer
        if layer is None or not self._drawings.isExpanded():
            return
        signal: Signal = layer.metadata[SIGNAL]
        if layer.ndim > 2:
            self.plots.mark(float(signal.axes[0].values[self._index(layer)[0]]))
        self._stepped.start()

    def _count(self) -> None:
        layer = self.corrected_layer
        if layer is not None and self._drawings.isExpanded():
            frame = partial(_frame, layer.data, self._index(layer))
            self._counting.run(lambda: sample_histogram(frame()))

    def _index(self, layer: Image) -> tuple[int, ...]:
        """Leading indices of the frame in view."""
        point = layer.world_to_data(self._viewer.dims.point[-layer.ndim :])
        highest = np.array(layer.data.shape[:-2]) - 1
        index = np.rint(point[:-2]).clip(0, highest) if len(highest) else ()
        return tuple(int(i) for i in index)

    def _on_compare(self, show_raw: bool) -> None:
        layer = self.corrected_layer
        if layer is not None:
            layer.visible = not show_raw

    def _on_theme(self, *_: Any) -> None:
        theme = get_theme(self._viewer.theme)
        self.plots.set_colors(theme.background.as_hex(), theme.text.as_hex())

    def _on_save(self) -> None:
        layer = self.corrected_layer
        if layer is None:
            self._fail("nothing to save yet: press Correct first")
            return
        path = ask_where(f"{layer.name}.emd")
        if path is not None:
            self.save(path)

    def _on_saved(self, path: str) -> None:
        self.save_button.setEnabled(True)
        self.status.setText(f"saved {path}")
        self._saved = path
        self.open_button.show()
        show_info(f"Saved {path}")

    def _on_save_failed(self, reason: str) -> None:
        self.save_button.setEnabled(True)
        if reason:
            self._fail(reason)
        else:
            self.status.setText("saving was cancelled; nothing was written")

    def _on_open(self) -> None:
        self.open_button.hide()
        self._viewer.open(self._saved, plugin="napari-emd-flatfield")

    def _fail(self, reason: str) -> None:
        self.status.setText(reason)
        show_error(reason)


def _build(
    raw: Signal,
    flats: list[Signal],
    dark: Signal | None,
    positions: list[float] | None,
    settings: dict[str, Any],
    quantity: tuple[Any, ...],
) -> _Corrected:
    references = flats[0] if len(flats) == 1 else flats
    flatfield = FlatField(references, dark, positions=positions, **settings)
    corrected = flatfield.correct(raw)
    _, kwargs = shown_as(corrected, corrected.axes)
    return _Corrected(
        raw_name=raw.name,
        signal=corrected,
        kwargs=kwargs,
        quantity=quantity,
        description=describe(flatfield, corrected),
        sample_profile=partial(
            sample_profile,
            raw,
            flats,
            flatfield.flat_positions,
            flatfield.interpolation,
            corrected,
        ),
    )


def _frame(data: Any, index: tuple[int, ...]) -> np.ndarray:
    return np.asarray(data[index])


def _folded(title: str, inside: QWidget) -> QCollapsible:
    fold = QCollapsible(title)
    fold.setDuration(0)
    fold.addWidget(inside)
    return fold


def _disconnect(
    viewer: napari.viewer.Viewer, on_step: Any, on_theme: Any, *_: Any
) -> None:
    viewer.dims.events.point.disconnect(on_step)
    viewer.events.theme.disconnect(on_theme)
