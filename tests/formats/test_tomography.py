"""Tomography scans: raw frames, flats and darks, whoever wrote them."""

from __future__ import annotations

import h5py
import numpy as np
import pint
import pytest
from nxtomo.application.nxtomo import NXtomo
from nxtomo.nxobject.nxdetector import ImageKey

from napari_emd_flatfield import correct, read

RNG = np.random.default_rng(3)
FRAMES = RNG.integers(500, 900, (12, 4, 5)).astype(np.uint16)
DARK, FLAT, RAW, BAD = (
    ImageKey.DARK_FIELD,
    ImageKey.FLAT_FIELD,
    ImageKey.PROJECTION,
    ImageKey.INVALID,
)
KEYS = [FLAT, DARK, DARK, RAW, RAW, RAW, BAD, RAW, RAW, FLAT, FLAT, RAW]


@pytest.fixture
def nxtomo(tmp_path):
    """A scan written by the package that ESRF writes its scans with."""
    ureg = pint.get_application_registry()
    scan = NXtomo()
    frames = FRAMES.copy()
    frames[[1, 2]] = 100
    scan.instrument.detector.data = frames
    scan.instrument.detector.image_key_control = KEYS
    scan.instrument.detector.x_pixel_size = 6.5e-6 * ureg.meter
    scan.instrument.detector.y_pixel_size = 7.5e-6 * ureg.meter
    scan.sample.rotation_angle = np.arange(12) * 15.0 * ureg.degree
    path = tmp_path / "scan.nx"
    scan.save(str(path), "entry0000")
    return path, frames


def test_nxtomo_is_split_by_image_key(nxtomo):
    path, frames = nxtomo
    with pytest.warns(UserWarning, match=r"scan\.nx:.*1 of 12 frames are left out"):
        raw, flats, darks = read(path)

    assert [s.role for s in (raw, flats, darks)] == ["raw", "flat", "dark"]
    assert [s.name for s in (raw, flats, darks)] == ["projections", "flats", "darks"]
    for signal, numbers in (
        (raw, [3, 4, 5, 7, 8, 11]),
        (flats, [0, 9, 10]),
        (darks, [1, 2]),
    ):
        np.testing.assert_array_equal(signal.axes[0].values, numbers)
        np.testing.assert_array_equal(signal.data, frames[numbers])
        np.testing.assert_array_equal(
            signal.metadata["rotation_angle"], 15.0 * np.array(numbers)
        )
        y, x = signal.axes[1:]
        assert (y.name, y.units, x.name, x.units) == ("y", "m", "x", "m")
        assert y.scale == pytest.approx(7.5e-6)
        assert x.scale == pytest.approx(6.5e-6)
    assert raw.metadata["rotation_angle_units"] == "degree"


@pytest.mark.filterwarnings("ignore:.*frames are left out")
def test_nxtomo_is_corrected_between_its_flats(nxtomo):
    path, frames = nxtomo
    raw, flats, darks = read(path)

    corrected = correct(raw, flats, darks)

    # Frame 5 of the acquisition is frame 2 of the raw ones. Flats 9 and 10 follow
    # each other, so they are one series, averaged at 9.5.
    share = 5 / 9.5
    flat = frames[0] * (1 - share) + frames[[9, 10]].mean(0) * share
    np.testing.assert_allclose(
        corrected.data[2], (frames[5] - 100.0) / (flat - 100.0), rtol=1e-5
    )


def test_nxtomo_with_a_key_too_short_is_opened_unsplit(tmp_path):
    path = tmp_path / "broken.nx"
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry/instrument/detector")
        detector.attrs["NX_class"] = "NXdetector"
        detector["data"] = FRAMES
        detector["image_key"] = [0, 0, 1]

    with pytest.warns(UserWarning, match=r"broken\.nx:/entry/instrument/detector"):
        [signal] = read(path)

    np.testing.assert_array_equal(signal.data, FRAMES)


def test_two_scans_in_a_file_are_told_apart(tmp_path):
    path = tmp_path / "two.nx"
    with h5py.File(path, "w") as file:
        for number in range(2):
            detector = file.create_group(f"entry{number}/instrument/detector")
            detector.attrs["NX_class"] = "NXdetector"
            detector["data"] = FRAMES + number
            detector["image_key"] = [1] + [0] * 11

    names = {signal.name: signal for signal in read(path)}

    assert list(names) == [
        "entry0/projections",
        "entry1/projections",
        "entry0/flats",
        "entry1/flats",
    ]
    np.testing.assert_array_equal(names["entry1/projections"].data, FRAMES[1:] + 1)


def test_data_exchange(tmp_path):
    path = tmp_path / "aps.h5"
    with h5py.File(path, "w") as file:
        file["implements"] = "exchange:measurement"
        file["exchange/data"] = FRAMES
        file["exchange/data"].attrs["axes"] = "theta:y:x"
        file["exchange/data_white"] = FRAMES[:3] + 1
        file["exchange/data_dark"] = FRAMES[:2] + 2
        file["exchange/theta"] = np.arange(12) * 0.5
        file["exchange/theta"].attrs["units"] = "deg"
        file["measurement/instrument/detector/pixel_size_x"] = [3.45]
        file["measurement/instrument/detector/pixel_size_x"].attrs["units"] = "um"

    raw, flats, darks = read(path)

    assert [s.role for s in (raw, flats, darks)] == ["raw", "flat", "dark"]
    np.testing.assert_array_equal(raw.data, FRAMES)
    np.testing.assert_array_equal(flats.data, FRAMES[:3] + 1)
    np.testing.assert_array_equal(darks.data, FRAMES[:2] + 2)
    np.testing.assert_array_equal(raw.axes[0].values, np.arange(12))
    np.testing.assert_array_equal(raw.metadata["rotation_angle"], np.arange(12) * 0.5)
    assert raw.axes[2].scale == pytest.approx(3.45)
    assert raw.axes[2].units == "µm"
    assert flats.axes[0].is_index  # the file does not say when they were recorded


def test_fxi(tmp_path):
    path = tmp_path / "fxi.h5"
    with h5py.File(path, "w") as file:
        file["img_tomo"] = FRAMES
        file["img_bkg"] = FRAMES[:2]
        file["img_bkg_avg"] = FRAMES[:1] + 1.5
        file["img_dark_avg"] = FRAMES[0] - 0.5
        file["angle"] = np.linspace(0, 180, 12)

    raw, flats, darks = read(path)

    assert [s.role for s in (raw, flats, darks)] == ["raw", "flat", "dark"]
    np.testing.assert_array_equal(raw.data, FRAMES)
    np.testing.assert_array_equal(flats.data, FRAMES[:1] + 1.5)
    np.testing.assert_array_equal(darks.data, FRAMES[0] - 0.5)
    np.testing.assert_allclose(raw.metadata["rotation_angle"], np.linspace(0, 180, 12))


@pytest.mark.parametrize("stacked", [False, True], ids=["frames", "stacks"])
def test_esrf_flats_lie_where_their_names_say(tmp_path, stacked):
    path = tmp_path / "esrf.h5"
    first, last = FRAMES[:2] + 1, FRAMES[2:4] + 2
    with h5py.File(path, "w") as file:
        file["scan1/instrument/data"] = FRAMES
        file["scan1/dark/data"] = FRAMES[0] - 400
        file["scan1/flat_500/data"] = last if stacked else last[0]
        file["scan1/flat_000/data"] = first if stacked else first[0]

    raw, flats, dark = read(path)

    assert [s.role for s in (raw, flats, dark)] == ["raw", "flat", "dark"]
    np.testing.assert_array_equal(raw.data, FRAMES)
    np.testing.assert_array_equal(raw.axes[0].values, np.arange(12))
    np.testing.assert_array_equal(dark.data, FRAMES[0] - 400)
    if stacked:
        np.testing.assert_array_equal(flats.axes[0].values, [0, 0, 500, 500])
        np.testing.assert_array_equal(flats.data, np.concatenate([first, last]))
    else:
        np.testing.assert_array_equal(flats.axes[0].values, [0, 500])
        np.testing.assert_array_equal(flats.data, np.stack([first[0], last[0]]))
    assert flats.axes[0].units == raw.axes[0].units


def test_esrf_scan_is_corrected_between_its_flats(tmp_path):
    path = tmp_path / "esrf.h5"
    with h5py.File(path, "w") as file:
        file["scan1/instrument/data"] = FRAMES
        file["scan1/dark/data"] = np.full((4, 5), 100, np.uint16)
        file["scan1/flat_000/data"] = FRAMES[0] + 10
        file["scan1/flat_500/data"] = FRAMES[1] + 90

    corrected = correct(*read(path))

    share = 7 / 500
    flat = (FRAMES[0] + 10.0) * (1 - share) + (FRAMES[1] + 90.0) * share
    expected = (FRAMES[7] - 100.0) / (flat - 100.0)
    np.testing.assert_allclose(corrected.data[7], expected, rtol=1e-5)
