"""Coordinates that fall along an axis, in a real napari window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, Signal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.canvas


@pytest.mark.parametrize("ndisplay", [2, 3])
def test_they_are_drawn_as_the_reversed_array_is_along_rising_ones(
    make_napari_viewer: Any, tmp_path: Path, ndisplay: int
) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (5, 20, 30)).astype("u1")
    z, y = 50 - 10.0 * np.arange(5), 20 - 0.5 * np.arange(20)
    axes = Axis("z", "nm", z), Axis("y", "nm", y), Axis("x", "nm", np.arange(30) / 2)
    path = nef.write(tmp_path / "falling.emd", [Signal("s", frames, axes)])
    viewer = make_napari_viewer(show=True)
    viewer.open(path, plugin="napari-emd-flatfield")
    (ours,) = viewer.layers
    assert viewer.dims.range[0] == (10, 50, 10)
    for k, height in enumerate(z):
        viewer.dims.set_point(0, height)
        for j, row in enumerate(y):
            assert ours.get_value((height, row, 3.5), world=True) == frames[k, j, 7]
    reversed_ = viewer.add_image(
        frames[::-1, ::-1],
        scale=(10, 0.5, 0.5),
        translate=(z[-1], y[-1], 0),
        units="nm",
        contrast_limits=ours.contrast_limits,
    )
    viewer.dims.ndisplay = ndisplay

    def drawn(layer: Any) -> np.ndarray:
        ours.visible, reversed_.visible = layer is ours, layer is reversed_
        return np.asarray(viewer.screenshot(flash=False))

    for height in z:
        viewer.dims.set_point(0, height)
        picture = drawn(ours)
        assert len(np.unique(picture)) > 100
        np.testing.assert_array_equal(picture, drawn(reversed_))
