"""What is accepted as flats and darks, and what is refused and how."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal

FRAME = 3, 4


def stack(name, values, positions=None, units="nm", role="flat"):
    data = np.full((len(values), *FRAME), np.reshape(values, (-1, 1, 1)), np.uint16)
    if positions is None:
        return Signal(name, data, role=role)
    axes = Axis("position", units, positions), *map(Axis.index, FRAME)
    return Signal(name, data, axes, role)


def test_positions_come_from_the_leading_axis_of_the_flats():
    ff = FlatField(stack("flats", [100, 300], [0, 500]))
    assert ff.flat_positions == (0, 500)
    np.testing.assert_array_equal(ff(np.full(FRAME, 200), at=250), np.ones(FRAME))


def test_given_positions_go_before_those_of_the_axis():
    ff = FlatField(stack("flats", [100, 300], [0, 500]), positions=[10, 20])
    assert ff.flat_positions == (10, 20)


def test_flats_that_only_count_have_no_position():
    with pytest.raises(FlatFieldError, match=r"give their positions.*'mean'"):
        FlatField(stack("flats", [100, 300]))


def test_arrays_of_flats_have_no_position():
    with pytest.raises(FlatFieldError, match=r"give their positions.*'mean'"):
        FlatField(np.ones((2, *FRAME)))


@pytest.mark.parametrize("positions", [[0], [0, 1, 2], [[0, 1]]])
@pytest.mark.parametrize("interpolation", ["linear", "mean"])
def test_each_flat_has_one_position(positions, interpolation):
    with pytest.raises(FlatFieldError, match="one position each"):
        FlatField(
            np.ones((2, *FRAME)), positions=positions, interpolation=interpolation
        )


def test_positions_are_numbers_on_the_scan():
    with pytest.raises(FlatFieldError, match="finite"):
        FlatField(np.ones((2, *FRAME)), positions=[0, np.nan])


def test_dark_and_flats_must_show_the_same_area():
    with pytest.raises(FlatFieldError, match=r"4×3 pixels.*3×4"):
        FlatField(np.ones(FRAME), np.ones(FRAME[::-1]))


@pytest.mark.parametrize("shape", [(), (4,), (0, 3, 4), (1, 2, 3, 4)])
def test_references_are_images(shape):
    with pytest.raises(FlatFieldError, match=r"\(y, x\) or \(n, y, x\)"):
        FlatField(np.ones(shape))


@pytest.mark.parametrize("flats", [np.ones(FRAME, complex), np.full(FRAME, "a")])
def test_references_are_real_numbers(flats):
    with pytest.raises(FlatFieldError, match="real number"):
        FlatField(flats)


def test_flats_of_different_shapes_do_not_mix():
    with pytest.raises(FlatFieldError, match=r"different shapes|pixels"):
        FlatField([np.ones((3, 4)), np.ones((4, 3))], positions=[0, 1])


@pytest.mark.parametrize(
    "setting",
    [{"interpolation": "cubic"}, {"dtype": "complex64"}],
)
def test_unknown_settings_are_refused(setting):
    with pytest.raises(FlatFieldError, match=r"cubic|complex64"):
        FlatField(np.ones(FRAME), **setting)


def test_positions_are_converted_between_units():
    flats = stack("flats", [100, 300], [0, 1], units="µm")
    positions = Axis("position", "nm", [0, 250, 1500])
    axes = positions, *map(Axis.index, FRAME)
    raw = Signal("raw", np.full((3, *FRAME), 150, np.uint16), axes)
    corrected = FlatField(flats).correct(raw).data[...]
    np.testing.assert_allclose(corrected[:, 0, 0], [1.5, 1.0, 0.5], rtol=1e-6)


def test_positions_in_units_that_do_not_convert_are_refused():
    flats = stack("flats", [100, 300], [0, 1], units="rad")
    axes = Axis("position", "nm", [0, 250, 1500]), *map(Axis.index, FRAME)
    raw = Signal("raw", np.ones((3, *FRAME)), axes)
    with pytest.raises(FlatFieldError, match=r"'rad'.*'nm'"):
        FlatField(flats).correct(raw)


@pytest.mark.parametrize("units", ["", "rad"])
def test_given_positions_count_in_the_units_of_the_raw_frames(units):
    ff = FlatField(np.full((2, *FRAME), [[[100]], [[300]]]), positions=[0, 500])
    axes = Axis("position", units, [250, 500]), *map(Axis.index, FRAME)
    corrected = ff.correct(Signal("raw", np.full((2, *FRAME), 200), axes))
    np.testing.assert_allclose(corrected.data[:, 0, 0], [1, 2 / 3], rtol=1e-6)
