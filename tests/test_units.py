"""Units as found in files mean what they mean, and unknown ones survive."""

from __future__ import annotations

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emd_flatfield import units

# As written in a file; what it is to pint; the short common way; the EMD way.
KNOWN = [
    *[(text, "nanometer", "nm", "[n_m]") for text in ("[n_m]", "n_m", "nm", "[nm]")],
    *[(text, "nanometer", "nm", "[n_m]") for text in (" nm\n", "Nanometer")],
    *[
        (text, "micrometer", "µm", "[u_m]")
        for text in ("[u_m]", "um", "\u00b5m", "\u03bcm", "micron", "microns")
    ],
    ("[p_m]", "picometer", "pm", "[p_m]"),
    ("[m]", "meter", "m", "[m]"),
    *[
        (text, "angstrom", "Å", "[Å]")
        for text in ("[Å]", "\u212b", "A", "[A]", "angstrom", "Angstroms", "Ångström")
    ],
    *[
        (text, "1/nanometer", "1/nm", "[1_/_n_m]")
        for text in ("[1_/_n_m]", "1/nm", "nm^-1", "[n_m^-1]", "nm⁻¹", "nm-1", "1 / nm")
    ],
    *[
        (text, "1/angstrom", "1/Å", "[1_/_Å]")
        for text in ("[Å^-1]", "A^-1", "1/A", "A-1", "Å⁻¹")
    ],
    ("1/Å^2", "1/angstrom**2", "1/Å**2", "[1_/_Å^2]"),
    ("nm²", "nanometer**2", "nm**2", "[n_m^2]"),
    *[(text, "pixel", "pixel", "[px]") for text in ("[px]", "px", "pix", "Pixels")],
    ("1/px", "1/pixel", "1/pixel", "[1_/_pixel]"),
    *[(text, "degree", "deg", "[deg]") for text in ("[deg]", "deg", "°", "Degrees")],
    ("[rad]", "radian", "rad", "[rad]"),
    *[(text, "milliradian", "mrad", "[m_rad]") for text in ("[mrad]", "[m_rad]")],
    *[(text, "electron_volt", "eV", "[eV]") for text in ("[eV]", "[e_V]", "eV")],
    ("[k_e_V]", "kiloelectron_volt", "keV", "[k_eV]"),
    ("[s]", "second", "s", "[s]"),
    ("sec", "second", "s", "[s]"),
    ("ms", "millisecond", "ms", "[m_s]"),
    ("µA", "microampere", "µA", "[u_A]"),
    *[
        (text, "ampere", "ampere", "[ampere]")
        for text in ("ampere", "amperes", "Ampere")
    ],
    ("1A", "angstrom", "Å", "[Å]"),
    ("e/A^2", "elementary_charge/angstrom**2", "e/Å**2", "[e_/_Å^2]"),
    ("N*m", "newton*meter", "m*N", "[N*m]"),
    *[(text, "dimensionless", "", "[]") for text in ("[]", "", " ", "1")],
]
UNKNOWN = [
    *("?/m", "unit1", "colour_index", "a.u.", "arb. units", "<undefined>", "None"),
    *("unknown", "10 nm", "0.5", "points", "pts", "dpi", "frames", "n/a", "/nm", "[°°"),
    *("nm(", "\udcb5m", "\x00", "日本", "1/0", "nan", "inf", "e-", "@", "%@"),
]


@pytest.mark.parametrize(("text", "meaning", "short", "emd"), KNOWN)
def test_known_units(text: str, meaning: str, short: str, emd: str) -> None:
    assert units.parse(text) == pint.get_application_registry().Unit(meaning)
    assert units.canonical(text) == short
    assert units.to_emd(text) == emd


@pytest.mark.parametrize("text", sorted({short for _, _, short, _ in KNOWN}))
def test_what_is_written_is_read_back(text: str) -> None:
    assert units.canonical(text) == text
    assert units.canonical(units.to_emd(text)) == text


# Worked out, these have millions of digits and more.
ENDLESS = [
    *("9^9^9", "9**9**9 nm", "nm^(9^9^9)", "(9)^9^9", "((9)^99)^99^99", "m^9^9^9^9"),
    *("m**9999999999", "9⁹⁹⁹⁹⁹⁹⁹⁹⁹ m", "m^9 ^9^9^9", "(1+8)^(9^9)"),
    "m" + "*m" * 10**5,
]


@pytest.mark.parametrize("text", ENDLESS)
def test_no_unit_takes_for_ever(text: str) -> None:
    assert units.parse(text) is None
    assert units.canonical(text) == text


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_units_are_kept(text: str) -> None:
    assert units.parse(text) is None
    assert units.canonical(text) == units.to_emd(text) == text


@given(st.text("[]_nmuÅA^-1/ .*()²⁻¹°%eVpx", max_size=12) | st.text(max_size=8))
def test_no_text_makes_it_raise(text: str) -> None:
    if "**" in text or text.count("^") > 1:
        return  # 9**9**9 is a sum to sit out
    short = units.canonical(text)
    assert units.canonical(short) == short
    assert units.canonical(units.to_emd(text)) == short


def test_units_are_those_of_the_registry_napari_uses() -> None:
    nanometre = pint.get_application_registry().nm
    assert (5 * units.parse("[n_m]")).to("pm").magnitude == pytest.approx(5000)
    assert 1 * units.parse("[n_m]") == 1 * nanometre
