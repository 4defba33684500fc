"""Names of axes decide how an array is turned for display."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emd_flatfield import Axis
from napari_emd_flatfield.formats.display import display_order, in_display_order
from napari_emd_flatfield.lazy import adapt


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        # Nothing told: as stored.
        ("", ""),
        ("y x", "y x"),
        ("z y x", "z y x"),
        ("angle y x", "angle y x"),
        ("t c z y x", "t c z y x"),
        ("energy width height", "energy width height"),
        ("x", "x"),
        ("x z", "x z"),
        ("index matrix", "index matrix"),
        ("x x", "x x"),
        # The walk-through, HyperSpy, tomviz: x first, the slowest axis last.
        ("x y", "y x"),
        ("X Y", "Y X"),
        ("x y angle", "angle y x"),
        ("x y z", "z y x"),
        ("x y z t", "t z y x"),
        # Frames last, or in between.
        ("y x angle", "angle y x"),
        ("y x z t", "z t y x"),
        ("z x y", "z y x"),
        ("x z y", "z y x"),
        ("y z x", "z y x"),
        # Spectra: the map is the image.
        ("energy y x", "energy y x"),
        ("y x energy", "energy y x"),
        ("x y energy", "energy y x"),
        # Scanned diffraction: the pattern is the image.
        ("R_x R_y Q_x Q_y", "R_y R_x Q_y Q_x"),
        ("R_y R_x Q_y Q_x", "R_y R_x Q_y Q_x"),
        ("Rx Ry Qx Qy", "Ry Rx Qy Qx"),
        ("y x ky kx", "y x ky kx"),
        ("kx ky x y", "y x ky kx"),
        ("dx dy x y", "y x dy dx"),
        ("scanY scanX colour detY detX", "scanY scanX colour detY detX"),
        ("scan_x scan_y det_x det_y", "scan_y scan_x det_y det_x"),
        ("x y scan_x scan_y", "scan_y scan_x y x"),
        # Colours lead, as napari and EMD have them.
        ("y x rgb", "rgb y x"),
        ("rgb y x", "rgb y x"),
    ],
)
def test_order(stored: str, shown: str) -> None:
    names = stored.split()
    assert [names[axis] for axis in display_order(names)] == shown.split()


@pytest.mark.parametrize("names", [(" x ", "y\n"), ("pos. x", "pos. y")])
def test_blanks_around_names_change_nothing(names: tuple[str, str]) -> None:
    assert display_order(names) == (1, 0)


@given(st.lists(st.sampled_from(["", "x", "y", "z", "Qx", "Qy", "scan_x", "rgb"])))
def test_any_names_give_a_permutation(names: list[str]) -> None:
    assert sorted(display_order(names)) == list(range(len(names)))


@given(st.permutations(["x", "y", "z", "Energy"]))
def test_x_and_y_end_up_last_from_wherever_they_are(names: list[str]) -> None:
    assert [names[axis] for axis in display_order(names)][-2:] == ["y", "x"]


@given(st.lists(st.text(max_size=5), max_size=6))
def test_no_name_makes_it_raise(names: list[str]) -> None:
    assert sorted(display_order(names)) == list(range(len(names)))


def test_data_and_axes_turn_together() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    axes = [Axis("x", "nm", [0, 1]), Axis.index(3, "y"), Axis.index(4, "z")]
    data, shown = in_display_order(adapt(array), axes)
    np.testing.assert_array_equal(data, array.T)
    assert shown == tuple(reversed(axes))


def test_a_file_that_says_its_frame_is_last_is_believed() -> None:
    array = np.zeros((2, 3, 4, 5))
    axes = [Axis.index(n, name) for n, name in ((2, "x"), (3, "y"), (4, ""), (5, ""))]
    data, shown = in_display_order(adapt(array), axes, by_name=False)
    assert data.shape == array.shape
    assert shown == tuple(axes)


@pytest.mark.parametrize(
    "write", ["{} (nm)", "{} [µm]", "{}[px]", "{}-axis", "{} Axis"]
)
def test_what_stands_beside_a_letter_is_no_part_of_the_name(write: str) -> None:
    names = tuple(write.format(letter) for letter in "xyz")
    assert display_order(names) == (2, 1, 0)
    assert display_order(names[::-1]) == (0, 1, 2)
