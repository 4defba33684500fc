from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from napari_emd_flatfield.writing.deflating import Deflater

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.integers(0, 256, 200_000).astype("u1")
ROWS = np.tile(NOISE[:2048], 100)
STEPS = (np.arange(200_000) // 900).astype("u1")
NOTHING = NOISE[:0]

KINDS = {"noise": NOISE, "rows": ROWS, "steps": STEPS, "nothing": NOTHING}


def deflated(*pieces: np.ndarray) -> bytes:
    stream = Deflater()
    return b"".join([*map(stream.compress, pieces), stream.flush()])


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 200_000)), max_size=7
    )
)
def test_zlib_reads_whatever_follows_whatever(chosen: list[tuple[str, int]]) -> None:
    pieces = [KINDS[kind][:length] for kind, length in chosen]
    stream = deflated(*pieces)
    assert zlib.decompress(stream) == b"".join(p.tobytes() for p in pieces)


@pytest.mark.parametrize("bits", range(1, 9))
def test_it_packs_as_well_as_without_looking_for_noise(bits: int) -> None:
    values = RANDOM.integers(0, 2**bits, 200_000).astype("u1")
    expected = len(isal_zlib.compress(values, 1))
    assert len(deflated(values)) <= 1.001 * expected


def test_noise_is_stored_as_it_is() -> None:
    stream = deflated(STEPS, NOISE, STEPS)
    assert NOISE[:65535].tobytes() in stream
    assert len(stream) < NOISE.size + 2 * STEPS.size // 20


@pytest.mark.parametrize("regular", [ROWS, STEPS, ROWS[::-1].copy()])
def test_what_repeats_is_no_noise(regular: np.ndarray) -> None:
    assert len(deflated(regular)) < regular.size / 10


def test_it_does_not_hide_damage() -> None:
    stream = bytearray(deflated(NOISE))
    stream[100_000] ^= 1
    with pytest.raises(zlib.error, match="incorrect data check"):
        zlib.decompress(bytes(stream))
