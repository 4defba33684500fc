"""Signals as napari layers, and layers as signals."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReadError
from ..formats.display import RGB
from ..formats.roles import role_of
from ..formats.skipping import listed
from ..lazy import adapt
from ..plaintext import message
from ..signal import Axis, Signal
from .contrast import contrast_limits
from .memory import keep_as_set
from .resolutions import full_resolution, resolutions
from .unit_system import factor_between, in_one_system, shown_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LayerData = tuple[Any, dict[str, Any], str]

# Where a layer keeps the signal it shows, and the axes it was first shown with,
# so that saving loses nothing.
SIGNAL, SHOWN = "signal", "shown_axes"


def layer_data(signals: Sequence[Signal]) -> list[LayerData]:
    """Make napari layers of the signals of one file.

    Parameters
    ----------
    signals
        As `napari_emd_flatfield.read` returns them: raw first.

    Returns
    -------
    list of (data, keyword arguments, ``"image"``)
        From the bottom up: hidden references, then raw layers. What cannot be
        read is left out with a warning.

    Raises
    ------
    ReadError
        If none of them can be read.
    """
    keep_as_set()
    layers: list[LayerData] = []
    unreadable = []
    for signal, axes in reversed([*zip(signals, in_one_system(signals), strict=True)]):
        try:
            layers.append((*shown_as(signal, axes), "image"))
        except ReadError as error:
            unreadable.append(error)
    if unreadable and not layers:
        raise unreadable[-1]
    for reason in unreadable:
        warnings.warn(f"left out: {reason}", stacklevel=2)
    _warn_of_uneven_axes(signals)
    return layers


def _warn_of_uneven_axes(signals: Sequence[Signal]) -> None:
    uneven = {
        f"{axis.name or '?'} of {signal.name}": signal
        for signal in signals
        for axis in signal.axes
        if not axis.is_uniform
    }
    if uneven:
        path = next(iter(uneven.values())).path
        warnings.warn(
            f"{path or 'a signal'} has coordinates that are not evenly spaced "
            f"({listed([*uneven])}): napari shows their mean step, corrections and "
            "saved files use each",
            stacklevel=3,
        )


def shown_as(signal: Signal, axes: Sequence[Axis]) -> tuple[Any, dict[str, Any]]:
    """Data and keyword arguments of ``viewer.add_image`` that show a signal.

    Parameters
    ----------
    signal
        The signal; a few of its frames are read for the contrast limits.
    axes
        How to calibrate the layer, in the order of the signal's own axes.

    Returns
    -------
    data, kwargs
        Colours come last, as napari has them, where the signal has any. The data of
        a big signal are a list of its resolutions.
    """
    kwargs = {
        "name": message(signal.name),  # in tooltips Qt would take it for markup
        "visible": signal.role == "raw",
        "metadata": {**signal.metadata, SIGNAL: signal, SHOWN: tuple(axes)},
    }
    if signal.axes[0].name == RGB and signal.shape[0] in (3, 4):
        order = (*range(1, len(signal.shape)), 0)
        kwargs |= {**calibration(axes[1:]), "rgb": True}
        return adapt(signal.data).transpose(*order), kwargs
    kwargs |= {
        **calibration(axes),
        "contrast_limits": contrast_limits(signal.data),
        "rgb": False,
    }
    data = resolutions(signal.data)
    return data, {**kwargs, "multiscale": isinstance(data, list)}


def calibration(axes: Sequence[Axis]) -> dict[str, Any]:
    """Scale, translate, units and axis labels of a layer, from axes.

    Parameters
    ----------
    axes
        One a dimension. Units that pint does not know are shown as pixels, as
        napari accepts no others.
    """
    return {
        "scale": tuple(axis.scale for axis in axes),
        "translate": tuple(axis.offset for axis in axes),
        "units": tuple(str(shown_unit(axis)) for axis in axes),
        "axis_labels": tuple(
            axis.name or str(i - len(axes)) for i, axis in enumerate(axes)
        ),
    }


def signal_of(data: Any, meta: Mapping[str, Any]) -> Signal:
    """Make a signal of a layer, whoever made the layer.

    Parameters
    ----------
    data
        Its data.
    meta
        Its name, scale, translate, units, axis_labels, metadata…, as
        ``layer.as_layer_data_tuple()`` gives them.

    Returns
    -------
    Signal
        With the axes it was read with, unless the layer was recalibrated since.
    """
    metadata = dict(meta.get("metadata") or {})
    source, shown = metadata.pop(SIGNAL, None), metadata.pop(SHOWN, None)
    if meta.get("multiscale"):
        data = full_resolution(data)
    if meta.get("rgb"):
        data = adapt(data).transpose(data.ndim - 1, *range(data.ndim - 1))
    name = str(meta.get("name") or "image")
    axes = _axes_of(data.shape, meta)
    if meta.get("rgb"):
        axes = (Axis.index(data.shape[0], RGB), *axes[1:])
    if not isinstance(source, Signal) or source.shape != tuple(data.shape):
        return Signal(name, data, axes, role_of(name), metadata)
    return replace(
        source,
        name=source.name if name == message(source.name) else name,
        data=data,
        axes=source.axes if _agree(shown or source.axes, axes) else axes,
        metadata=metadata,
    )


def signal_of_layer(layer: Any) -> Signal:
    """Make a signal of a napari layer.

    Parameters
    ----------
    layer
        An image or labels layer.
    """
    data, meta, _ = layer.as_layer_data_tuple()
    return signal_of(data, meta)


def _axes_of(shape: tuple[int, ...], meta: Mapping[str, Any]) -> tuple[Axis, ...]:
    shown = {"scale": 1.0, "translate": 0.0, "units": "pixel", "axis_labels": ""}
    ndim = len(shape)
    columns = []
    for key, default in shown.items():
        given = meta.get(key)
        values = [default] * ndim if given is None else list(given)
        # The colour axis of an rgb image, put first, is known to napari by nothing.
        columns.append([default] * (ndim - len(values)) + values)
    return tuple(
        Axis(
            "" if label == str(i - ndim) else str(label),
            str(unit),
            float(offset) + float(scale) * np.arange(n),
        )
        for i, (n, scale, offset, unit, label) in enumerate(
            zip(shape, *columns, strict=True)
        )
    )


def _agree(source: Sequence[Axis], layer: Sequence[Axis]) -> bool:
    """Whether a layer is calibrated as it was when it showed these axes."""
    return all(
        theirs.name in (ours.name, "") and _same_coordinates(ours, theirs)
        for ours, theirs in zip(source, layer, strict=True)
    )


def _same_coordinates(ours: Axis, theirs: Axis) -> bool:
    if ours.name == RGB:
        return True
    factor = factor_between(theirs.units, ours.units)
    if factor is None:
        return False
    shown = np.array([theirs.scale, theirs.offset]) * factor
    step = abs(ours.scale)
    return bool(
        np.allclose(shown, [ours.scale, ours.offset], rtol=1e-9, atol=1e-9 * step)
    )
