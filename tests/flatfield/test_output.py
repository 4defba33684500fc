"""Absorbance, clipping, half floats and integers, against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Output, Pixels

FRAME = 40, 60


@pytest.fixture
def images(random):
    """Raw with zero, negative and bright pixels, a flat with dead ones, a dark."""
    raw = random.integers(80, 3000, FRAME).astype(np.uint16)
    flat = random.integers(900, 1800, FRAME).astype(np.uint16)
    flat[random.random(FRAME) < 0.02] = 0
    return raw, flat, np.full(FRAME, 100, np.uint16)


@pytest.fixture
def quotient(images, truth):
    raw, flat, dark = images
    return truth(raw, flat[np.newaxis], dark, [0], 0)


def test_absorbance_is_minus_the_logarithm_above_a_floor(images, quotient):
    raw, flat, dark = images
    result = FlatField(flat, dark, output=Output(log=True, floor=0.01))(raw)
    expected = -np.log(np.maximum(quotient, 0.01))
    assert (quotient < 0.01).any()
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=2e-7)


def test_the_fill_goes_the_way_of_all_pixels(images):
    raw, flat, dark = images
    result = FlatField(flat, dark, fill=1.0, output=Output(log=True))(raw)
    assert (result[flat == 0] == 0).all()


def test_nothing_is_clipped_unless_asked(images, quotient):
    raw, flat, dark = images
    assert np.nanmin(quotient) < 0
    assert np.nanmax(quotient) > 1.5
    result = FlatField(flat, dark)(raw)
    np.testing.assert_allclose(result, quotient, rtol=1e-6)
    result = FlatField(flat, dark, output=Output(clip=(0, 1.5)))(raw)
    np.testing.assert_allclose(result, np.clip(quotient, 0, 1.5), rtol=1e-6)
    result = FlatField(flat, dark, output=Output(clip=(0, np.inf)))(raw)
    np.testing.assert_allclose(result, np.clip(quotient, 0, None), rtol=1e-6)


def test_a_clip_after_the_logarithm(images, quotient):
    raw, flat, dark = images
    result = FlatField(flat, dark, output=Output(log=True, clip=(-0.2, 1)))(raw)
    expected = np.clip(-np.log(np.maximum(quotient, 1e-6)), -0.2, 1)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=2e-7)


def test_half_floats(images, quotient):
    raw, flat, dark = images
    result = FlatField(flat, dark, dtype="float16")(raw)
    assert result.dtype == np.float16
    np.testing.assert_allclose(result, quotient, rtol=2.0**-11 + 1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", ">u2"])
def test_integers_stretch_over_the_clip_and_their_scale_is_recorded(
    images, quotient, dtype
):
    raw, flat, dark = images
    ff = FlatField(flat, dark, fill=0.0, dtype=dtype, output=Output(clip=(-0.5, 2)))
    corrected = ff.correct(Signal("raw", raw))
    stored = corrected.data[...]
    assert stored.dtype == dtype
    output = corrected.metadata["flatfield"]["output"]
    values = stored * output["scale"] + output["offset"]
    expected = np.clip(np.nan_to_num(quotient, nan=0.0), -0.5, 2)
    np.testing.assert_allclose(values, expected, atol=output["scale"] * 0.501)
    assert stored.min() == 0 or expected.min() > -0.5
    assert output["scale"] == 2.5 / np.iinfo(dtype).max


def test_an_integer_without_any_good_neighbour_is_the_lowest(random):
    flat = np.zeros((20, 20))
    flat[0, 0] = 1
    ff = FlatField(flat, fill="median", dtype="uint8", output=Output(clip=(-1, 1)))
    result = ff(np.zeros((20, 20)))
    assert result[0, 0] == 128
    assert result[19, 19] == 0


def test_floats_have_no_scale(images):
    output = FlatField(images[1]).to_dict()["output"]
    assert (output["scale"], output["offset"]) == (1, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "uint16", "fill": 0.0}, r"output=Output\(clip="),
        (
            {"dtype": "int8", "fill": 0.0, "output": Output(clip=(0, np.inf))},
            r"output=Output\(clip=",
        ),
        ({"dtype": "uint16", "output": Output(clip=(0, 1))}, "cannot hold fill=nan"),
        ({"dtype": "uint32", "fill": 0.0}, "not for results"),
        ({"dtype": "complex64"}, "not for results"),
        ({"dtype": "float16", "output": Output(clip=(0, 1e6))}, "ends at"),
        ({"dtype": "nonsense"}, "dtype='nonsense'"),
        ({"fill": np.inf}, "float32 cannot hold fill=inf"),
        ({"fill": 1e39}, "float32 cannot hold fill=1e"),
        ({"fill": 1e5, "dtype": "float16"}, "float16 cannot hold fill=100000"),
        ({"fill": "mean"}, "fill='mean'"),
    ],
)
def test_a_result_that_its_dtype_cannot_hold_is_refused(options, said):
    with pytest.raises(FlatFieldError, match=said):
        FlatField(np.ones(FRAME), **options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"floor": 0},
        {"floor": np.nan},
        {"floor": "low"},
        {"clip": (1, 1)},
        {"clip": (2, 1)},
        {"clip": 3},
    ],
)
def test_an_output_makes_sense(wrong):
    with pytest.raises(FlatFieldError, match=next(iter(wrong))):
        Output(**wrong)


def test_a_stack_at_once_goes_into_the_array_given(images, quotient):
    raw, flat, dark = images
    stack = np.stack([raw, raw + 1])
    ff = FlatField(flat, dark)
    out = np.empty(stack.shape, np.float32)
    assert ff(stack, out=out) is out
    np.testing.assert_allclose(out[0], quotient, rtol=1e-6)
    np.testing.assert_array_equal(out[1], ff(raw + 1))
    with pytest.raises(FlatFieldError, match=r"out has shape .* float64"):
        ff(stack, out=np.empty(stack.shape))
    for wrong in (out.tolist(), np.broadcast_to(out[:1], out.shape)):
        with pytest.raises(FlatFieldError, match="out is no NumPy array"):
            ff(stack, out=wrong)


def test_an_array_that_is_not_contiguous_is_filled_as_well(images):
    raw, flat, dark = images
    ff = FlatField(flat, dark, pixels=Pixels(zinger=5))
    wide = np.empty((2, FRAME[0], 2 * FRAME[1]), np.float32)
    ff(np.stack([raw, raw]), out=wide[:, :, ::2])
    np.testing.assert_array_equal(wide[1, :, ::2], ff(raw))
