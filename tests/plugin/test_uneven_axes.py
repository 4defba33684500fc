"""Coordinates that are not evenly spaced, which napari cannot show as they are."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from napari_emd_flatfield import Axis, Signal
from napari_emd_flatfield.plugin.layers import layer_data

EVEN = Axis("y", "nm", np.arange(3) / 2)


def scan(name: str, values: list[float]) -> Signal:
    along = Axis("position", "nm", np.array(values))
    data = np.zeros((len(values), 3, 3))
    return Signal(name, data, (along, EVEN, EVEN), path=Path("scan.emd"))


def test_they_are_warned_of_once_a_file() -> None:
    signals = [scan("one", [0, 1, 5]), scan("even", [0, 1, 2]), scan("two", [0, 3, 4])]
    with pytest.warns(UserWarning, match="spaced") as warned:
        layers = {kwargs["name"]: kwargs for _, kwargs, _ in layer_data(signals)}
    (message,) = [str(each.message) for each in warned]
    assert message.startswith("scan.emd has coordinates that are not evenly spaced")
    assert "(position of one, position of two)" in message
    assert layers["one"]["scale"][0] == 2.5
    np.testing.assert_array_equal(
        layers["one"]["metadata"]["signal"].axes[0].values, [0, 1, 5]
    )


def test_evenly_spaced_ones_are_not() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer_data([scan("even", [0, 1, 2]), scan("backwards", [2, 1, 0])])
