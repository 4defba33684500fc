"""Layers ▸ Data ▸ Reload from file: frames recorded since are there, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info

from ..errors import EmdFlatfieldError, ReadError
from ..flatfield.corrected import CorrectedArray
from ..signal import Signal
from .layers import SHOWN, SIGNAL, shown_as, signal_of_layer
from .resolutions import show_in
from .unit_system import continued

if TYPE_CHECKING:
    import napari.viewer


def reload_layers(viewer: napari.viewer.Viewer) -> None:
    """Show layers as their files have them now, in place.

    Parameters
    ----------
    viewer
        The selected layers this package has opened are reloaded, or all of them
        when none is selected; so are those corrected from them. What was set by
        hand stays, and so does the frame in view. What fails is shown as a
        notification.
    """
    ours = [layer for layer in viewer.layers if _was_read(layer)]
    selected = [layer for layer in ours if layer in viewer.layers.selection]
    if not ours:
        show_error("nothing to reload: no layer was opened by napari-emd-flatfield")
        return
    step = viewer.dims.current_step
    said = []
    for layer in selected or ours:
        try:
            said.append(_reload(layer, viewer.layers))
        # A file that is gone is a plain OSError.
        except (EmdFlatfieldError, OSError) as error:
            show_error(str(error))
    viewer.dims.current_step = step
    if said:
        show_info("\n".join(said))


def _reload(layer: Any, layers: Any) -> str:
    before = layer.metadata[SIGNAL]
    _show(layer, before.refreshed())
    raw = signal_of_layer(layer)
    for other in layers:
        corrected = _corrected(other)
        if corrected is not None and corrected.source is before.data:
            _show(other, corrected.flatfield.correct(raw))
    more = raw.shape[0] - before.shape[0]
    return f"{layer.name}: {f'{more:+d} frames' if more else 'nothing new'}"


def _was_read(layer: Any) -> bool:
    signal = layer.metadata.get(SIGNAL)
    return isinstance(signal, Signal) and signal.path is not None


def _corrected(layer: Any) -> CorrectedArray | None:
    signal = layer.metadata.get(SIGNAL)
    data = signal.data if isinstance(signal, Signal) else None
    return data if isinstance(data, CorrectedArray) else None


def _show(layer: Any, after: Signal) -> None:
    before = layer.metadata[SIGNAL]
    if len(after.shape) != len(before.shape):
        raise ReadError(
            f"{after.origin} has {len(after.shape)} axes now, layer {layer.name!r} "
            f"has {len(before.shape)}; open the file again"
        )
    is_calibrated_as_read = signal_of_layer(layer).axes == before.axes
    shown = layer.metadata.get(SHOWN) or before.axes
    axes = tuple(map(continued, before.axes, shown, after.axes))
    data, kwargs = shown_as(after, axes)
    show_in(layer, data)
    layer.metadata = {**layer.metadata, **kwargs["metadata"]}
    if is_calibrated_as_read:
        # The mean step of uneven coordinates changes with each one that is added.
        for key in ("scale", "translate", "units"):
            setattr(layer, key, kwargs[key])
