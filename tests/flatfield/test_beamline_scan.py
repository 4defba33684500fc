"""A beamline file as it is found: frames as datasets named by their number."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

SHAPE = 54, 64
NUMBERS = 0, 100, 200, 299, 400, 500


@pytest.fixture
def scan(tmp_path, random):
    """Path and content of a scan: raw by number, two flats, one dark."""
    dark = random.integers(90, 110, SHAPE, dtype=np.uint16)
    flats = {
        n: random.integers(900, 3000, SHAPE, dtype=np.uint16) + dark for n in (0, 500)
    }
    raw = {n: random.integers(200, 2500, SHAPE, dtype=np.uint16) for n in NUMBERS}
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        for number, frame in raw.items():
            file[f"data/{number:04}"] = frame
        for number, frame in flats.items():
            file[f"flatfield/{number:04}"] = frame
        file["dark/0000"] = dark
    return path, raw, flats, dark


@pytest.fixture
def expected(scan):
    _, raw, flats, dark = scan
    frames = []
    for number, frame in raw.items():
        share = np.clip(number / 500, 0, 1)
        flat = flats[0].astype(float) * (1 - share) + flats[500].astype(float) * share
        frames.append((frame.astype(float) - dark) / (flat - dark))
    return np.stack(frames)


def test_each_frame_follows_the_published_formula(scan, expected):
    corrected = nef.correct(*nef.read(scan[0]))
    np.testing.assert_allclose(corrected.data[...], expected, rtol=1e-6)


def test_the_result_keeps_the_axes_of_the_raw_frames(scan):
    raw, flats, dark = nef.read(scan[0])
    corrected = nef.correct(raw, flats, dark)
    assert corrected.name == "corrected_data"
    assert corrected.axes == raw.axes
    assert corrected.role == "raw"
    assert corrected.dtype == np.float32


def test_the_result_says_how_it_was_made(scan):
    path, *_ = scan
    raw, flats, dark = nef.read(path)
    metadata = nef.correct(raw, flats, dark, fill=0.0).metadata
    settings = metadata["flatfield"]
    assert settings["interpolation"] == "linear"
    assert settings["positions"] == [0, 500]
    assert settings["flats"] == f"{path}:/flatfield"
    assert settings["dark"] == f"{path}:/dark"
    (comment,) = metadata["comments"].values()
    assert "linear" in comment
    assert str(path) in comment
    assert nef.__version__ in comment


def test_a_saved_correction_reads_back(scan, expected, tmp_path):
    target = nef.write(tmp_path / "done.emd", [nef.correct(*nef.read(scan[0]))])
    (back,) = nef.read(target)
    np.testing.assert_allclose(back.data[...], expected, rtol=1e-6)
    assert back.metadata["flatfield"]["positions"] == [0, 500]
