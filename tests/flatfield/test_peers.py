"""The same answers as other packages where they mean the same; their tests skip
where they are not installed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_emd_flatfield import Axis, FlatField, Signal
from napari_emd_flatfield.flatfield import Scaling

SHAPE = 12, 40, 50
INDICES = np.array([0, 5, 90, 100, 260, 333, 480, 499, 500, 501, 700, 900])


@pytest.fixture
def scan(random):
    """Frames by whole number, flats at 0, 500 and 800, a dark; all as float32."""
    raw = random.integers(300, 3000, SHAPE).astype(np.float32)
    flats = random.integers(2000, 4000, (3, *SHAPE[1:])).astype(np.float32)
    dark = random.integers(90, 110, SHAPE[1:]).astype(np.float32)
    return raw, flats, dark


def ours(raw, flats, dark, interpolation="linear"):
    axes = Axis("number", "", INDICES), *map(Axis.index, SHAPE[1:])
    ff = FlatField(flats, dark, positions=[0, 500, 800], interpolation=interpolation)
    return ff.correct(Signal("raw", raw, axes)).data[...]


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_nabu_interpolates_the_same(scan, interpolation):
    nabu = pytest.importorskip("nabu.preproc.flatfield")
    raw, flats, dark = scan
    theirs = raw.copy()
    nabu.FlatField(
        SHAPE,
        dict(zip([0, 500, 800], flats, strict=True)),
        {0: dark},
        radios_indices=INDICES,
        interpolation=interpolation,
    ).normalize_radios(theirs)
    result = ours(raw, flats, dark, interpolation)
    np.testing.assert_allclose(result, theirs, rtol=1e-6)


def test_nabu_divides_by_the_beam_current_the_same(scan):
    nabu = pytest.importorskip("nabu.preproc.flatfield")
    raw, flats, dark = scan
    current = np.linspace(190, 170, SHAPE[0]).astype(np.float32)
    theirs = raw.copy()
    nabu.FlatField(
        SHAPE,
        {0: flats[0]},
        {0: dark},
        radios_indices=INDICES,
        radios_srcurrent=current,
        flats_srcurrent=np.array([200.0], np.float32),
    ).normalize_radios(theirs)
    ff = FlatField(flats[0], dark, scaling=Scaling(flat_monitor=[200]))
    np.testing.assert_allclose(ff(raw, monitor=current), theirs, rtol=1e-6)


def test_algotom_corrects_the_same(scan):
    algotom = pytest.importorskip("algotom.prep.correction")
    raw, flats, dark = scan
    flat = flats.mean(axis=0)
    theirs = algotom.flat_field_correction(raw, flat, dark)
    result = FlatField(flats, dark, interpolation="mean")(raw)
    np.testing.assert_allclose(result, theirs, rtol=1e-6)


def test_algotom_scales_flats_by_exposure_the_same(scan):
    algotom = pytest.importorskip("algotom.prep.correction")
    raw, flats, dark = scan
    theirs = algotom.flat_field_correction(raw, flats[0], dark, ratio=0.4)
    ff = FlatField(flats[0], dark, scaling=Scaling(flat_factor=0.4))
    np.testing.assert_allclose(ff(raw), theirs, rtol=1e-6)


@pytest.mark.parametrize("averaging", ["mean", "median"])
def test_tomopy_corrects_the_same(scan, averaging):
    tomopy = pytest.importorskip("tomopy.prep.normalize")
    raw, flats, dark = scan
    theirs = tomopy.normalize(raw, flats, dark[np.newaxis], averaging=averaging)
    result = FlatField(flats, dark, interpolation=averaging)(raw)
    np.testing.assert_allclose(result, theirs, rtol=1e-6)
