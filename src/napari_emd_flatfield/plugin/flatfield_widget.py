"""The "Flat-field correction" dock."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..errors import EmdFlatfieldError
from .building import Corrected, build, is_live
from .buttons import button
from .folded import Folded
from .inputs import PREFIX, Inputs
from .latest import Latest, single_shot
from .layers import SHOWN, signal_of_layer
from .live_plots import LivePlots
from .markup import tooltip
from .options import Options, add_row
from .resolutions import show_in
from .saving import SaveBar, SaveButtons, ask_where
from .scrolling import Scrolled

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from ..writing.emd import Mode

# Long enough to type a number, short enough to seem at once.
_PAUSE_MS = 150

_CALIBRATION = ("scale", "translate", "units", "axis_labels")


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
        self._saved = ""
        self._was_asked = False
        self.inputs = Inputs(napari_viewer)
        self.options = Options()
        self.correct_button = button(
            "Corr&ect",
            "Add the corrected layer. It is computed as you look, and follows every "
            "change you make here.",
        )
        self.compare_button = button(
            "Show &raw", "Hide the corrected layer, to compare."
        )
        self.compare_button.setCheckable(True)
        self.save_buttons = SaveButtons()
        self.save_button = self.save_buttons.as_emd
        self.open_button = button("&Open saved file", "Open it as layers.")
        self.open_button.hide()
        self.save_bar = SaveBar()
        self.plots = LivePlots(napari_viewer)
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setWordWrap(True)
        policy = self.status.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
        self.status.setSizePolicy(policy)  # a long path must not widen the dock
        self._correcting = Latest(self)
        self._settled = single_shot(self, _PAUSE_MS)
        self._lay_out()
        self._connect()
        self._on_layers_changed()

    @property
    def is_busy(self) -> bool:
        """Whether a change of the settings is still to show."""
        waiting = self._settled.isActive()
        return waiting or self._correcting.is_busy or self.plots.is_busy

    @property
    def corrected_layer(self) -> Image | None:
        """The layer that shows the raw layer chosen corrected, if there is one.

        One opened from a file is not: it shows what was saved, and stays so.
        """
        raw = self.inputs.raw.value
        name = f"{PREFIX}{raw.name}" if raw is not None else ""
        return next((v for v in self._viewer.layers if is_live(v, name)), None)

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; napari calls it when they change."""
        self.inputs.refresh()
        self._on_layers_changed()

    def correct(self) -> None:
        """Add the corrected layer, or bring the one there is up to date."""
        self._was_asked = True
        self._update()

    def _update(self) -> None:
        try:
            raw, flats, dark = self.inputs.signals()
            positions = self.inputs.flat_positions()
            settings = self.options.settings()
        except EmdFlatfieldError as error:
            self._on_not_corrected(str(error))
            return
        self.status.setText("reading flats and dark…")
        self._correcting.run(partial(build, raw, flats, dark, positions, settings))

    def save(self, path: Path, mode: Mode = "w") -> None:
        """Save the corrected layer in the background.

        Parameters
        ----------
        path
            The EMD file to write, or to add to.
        mode
            As for `write`.
        """
        layer = self.corrected_layer
        if layer is None:
            self._fail("nothing to save yet: press Correct first")
            return
        self.save_buttons.setEnabled(False)
        self.open_button.hide()
        self.status.setText(f"saving {path.name}…")
        self.save_bar.save(path, signal_of_layer(layer), mode)

    def _lay_out(self) -> None:
        add_row(self.inputs.form, self.options.interpolation)
        folded = Folded("Options")
        folded.addWidget(self.options)
        buttons = QHBoxLayout()
        buttons.addWidget(self.correct_button, 1)
        buttons.addWidget(self.compare_button, 1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.inputs)
        column.addWidget(folded)
        column.addLayout(buttons)
        column.addWidget(self.save_buttons)
        column.addWidget(self.save_bar)
        column.addWidget(self.status)
        column.addWidget(self.open_button)
        column.addWidget(self.plots)
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolled(inside))

    def _connect(self) -> None:
        self.inputs.changed.connect(self._on_changed)
        self.options.changed.connect(self._on_changed)
        self._settled.timeout.connect(self._on_settled)
        self._correcting.done.connect(self._on_corrected)
        self._correcting.failed.connect(self._on_not_corrected)
        self.plots.failed.connect(self._fail)
        self.correct_button.clicked.connect(self.correct)
        self.compare_button.toggled.connect(self._on_compare)
        self.save_button.clicked.connect(self._on_save)
        self.save_buttons.into_source.clicked.connect(self._on_save_into_source)
        self.open_button.clicked.connect(self._on_open)
        self.save_bar.succeeded.connect(self._on_saved)
        self.save_bar.failed.connect(self._on_save_failed)

    def _on_changed(self) -> None:
        self._on_layers_changed()
        if self.corrected_layer is not None:
            self._settled.start()

    def _on_settled(self) -> None:
        if self.corrected_layer is not None:
            self._was_asked = False
            self._update()

    def _on_layers_changed(self, *_: Any) -> None:
        layer = self.corrected_layer
        self.compare_button.setEnabled(layer is not None)
        if layer is None:
            self.plots.forget()
            if self.save_bar.job is None:
                self._say_what_next()
        else:
            self.compare_button.setChecked(not layer.visible)

    def _say_what_next(self) -> None:
        try:
            self.inputs.signals()
        except EmdFlatfieldError as error:
            self.status.setText(str(error))
        else:
            self.status.setText("press Correct to see the corrected frames")
        self.status.setToolTip("")

    def _on_corrected(self, made: Corrected) -> None:
        raw = self.inputs.raw.value
        if raw is None or raw.name != made.raw.name:
            return
        layer = self.corrected_layer
        quantity = self.options.quantity
        as_raw = {key: getattr(raw, key) for key in _CALIBRATION}
        as_raw["metadata"] = made.kwargs["metadata"] | {SHOWN: raw.metadata.get(SHOWN)}
        if layer is None:
            layer = self._viewer.add_image(made.data, **made.kwargs | as_raw)
            # napari holds the dock weakly, so a closed one is not called.
            layer.events.visible.connect(self._on_layers_changed)
            layers = self._viewer.layers
            layers.move(layers.index(layer), layers.index(raw) + 1)
        else:
            show_in(layer, made.data)
            for key, value in as_raw.items():
                setattr(layer, key, value)
            if quantity != self._quantity:
                # The range first: napari only widens it for limits beyond.
                layer.contrast_limits_range = made.kwargs["contrast_limits"]
                layer.contrast_limits = made.kwargs["contrast_limits"]
        self._quantity = quantity
        self.status.setText(made.description)
        self.status.setToolTip(tooltip(*made.report.splitlines()))
        self._on_layers_changed()
        self.plots.show_layer(layer, made.sample_profile)

    def _on_not_corrected(self, reason: str) -> None:
        # Half a number typed is no mistake yet: no notification pops up for it.
        if self._was_asked:
            self._fail(reason)
        else:
            self.status.setText(reason)

    def _on_compare(self, show_raw: bool) -> None:
        raw, layer = self.inputs.raw.value, self.corrected_layer
        if raw is not None and layer is not None:
            raw.visible = raw.visible or show_raw
            layer.visible = not show_raw

    def _on_save(self) -> None:
        layer = self.corrected_layer
        path = ask_where(f"{layer.name}.emd") if layer is not None else Path()
        if path is not None:
            self.save(path)

    def _on_save_into_source(self) -> None:
        raw = self.inputs.raw.value
        path = signal_of_layer(raw).path if raw is not None else None
        if path is None:
            self._fail("the raw layer was not read from a file: use Save as EMD…")
        else:
            self.save(path, "a")

    def _on_saved(self, path: str) -> None:
        self._saved = path
        self.save_buttons.setEnabled(True)
        self.open_button.show()
        self.status.setText(f"saved {path}")
        show_info(f"Saved {path}")

    def _on_save_failed(self, reason: str) -> None:
        self.save_buttons.setEnabled(True)
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


if __name__ == "__main__":
    from .trying import try_out

    try_out(FlatFieldWidget, "Flat-field correction")
