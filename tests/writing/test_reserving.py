from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from napari_emd_flatfield.writing.reserving import reserve

MANY = 4 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can")
def test_room_is_there_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb", buffering=0) as file:
        file.write(b"begun")
        reserve(file, 5, MANY)
        assert path.stat().st_blocks * 512 >= MANY
    assert path.read_bytes() == b"begun" + bytes(MANY)


def test_where_no_room_can_be_found_nothing_happens() -> None:
    with Path(os.devnull).open("wb", buffering=0) as file:
        reserve(file, 0, MANY)
        assert file.write(b"still") == 5


def test_little_is_not_worth_asking_for(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb", buffering=0) as file:
        reserve(file, 0, 1000)
    assert (tmp_path / "x").stat().st_size == 0
