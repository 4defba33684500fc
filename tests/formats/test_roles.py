"""What a signal is for, told from the names people give."""

from __future__ import annotations

import pytest

from napari_emd_flatfield.formats.roles import role_of

FLAT = [
    *("flat", "flats", "flatfield", "flat_field", "FlatField", "flat-field", "FLAT"),
    *("flat_000", "flat0500", "flats_before", "flatFieldImages", "Flat Field 2"),
    *("ff", "FF", "ff_01", "white", "data_white", "whitefield", "mean_white_field"),
    *("gain", "gain_map", "reference_gain", "image_flat", "post_flat", "flat_mean"),
    *("raw_flats", "flat_raw"),
]
DARK = [
    *("dark", "darks", "darkfield", "dark_field", "DarkCurrent", "dark-frame", "DARK"),
    *("dark_0000", "data_dark", "img_dark_avg", "background", "Background", "bias"),
    *("dark_raw", "backgrounds", "pre_dark", "bias_frame", "mean_background_image"),
]
RAW = [
    *("data", "raw", "scan", "image", "projections", "sample", "0000", "", "frames"),
    # Only words count, not letters inside them.
    *("diff", "diffraction", "buffer", "again", "flow", "biased", "offset", "off"),
    # Results, whatever they were made with.
    *("flat_corrected", "corrected_flatfield", "background_subtracted", "dark_removed"),
    *("flat_fielded", "flattened", "gain_normalised", "bias-corrected"),
    # Images of their own right.
    *("annular_dark_field", "virtual_darkfield", "HAADF", "bright_field"),
]


@pytest.mark.parametrize("name", FLAT)
def test_flats(name: str) -> None:
    assert role_of(name) == "flat"


@pytest.mark.parametrize("name", DARK)
def test_darks(name: str) -> None:
    assert role_of(name) == "dark"


@pytest.mark.parametrize("name", RAW)
def test_raw(name: str) -> None:
    assert role_of(name) == "raw"


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/flatfield/0000", "flat"),
        ("/dark/0000", "dark"),
        ("/scan1/flat_000/data", "flat"),
        ("/scan1/dark/data", "dark"),
        ("/scan1/instrument/data", "raw"),
        ("/exchange/data_white", "flat"),
        ("/flats/dark", "dark"),
        ("/dark_matter_2024/flat", "flat"),
        ("/dark_matter_2024/raw/data", "raw"),
        ("/white_cells/corrected/data", "raw"),
    ],
)
def test_the_part_nearest_the_end_decides(path: str, role: str) -> None:
    assert role_of(path) == role
