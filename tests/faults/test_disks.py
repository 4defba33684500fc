"""Disks that are full, protected or gone: one clear error, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOISE = np.random.default_rng(0).integers(0, 65535, (8, 512, 512)).astype("u2")
SMALL = nef.Signal("old", NOISE[:1, :50, :50])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "-t", "tmpfs", "-o", "size=3m", "tmpfs"):
        pytest.skip("cannot mount a tmpfs here: needs root on Linux")
    yield folder
    subprocess.run(["umount", folder], check=True)


def mount(folder: Path, *options: str) -> bool:
    if not sys.platform.startswith("linux") or not shutil.which("mount"):
        return False
    done = subprocess.run(["mount", *options, folder], capture_output=True)
    return done.returncode == 0


def assert_fails(target: Path, reason: str, signal: Any = None, **how: Any) -> None:
    """A save fails with one sentence, and changes nothing in the folder."""
    before = {path: path.read_bytes() for path in target.parent.iterdir()}
    with pytest.raises(nef.WriteError, match=reason) as caught:
        nef.write(target, signal or nef.Signal("new", NOISE), **how)
    assert target.name in str(caught.value)
    assert {p: p.read_bytes() for p in target.parent.iterdir()} == before


@pytest.mark.parametrize("compression", ["gzip", None, "bitshuffle-lz4", "zstd"])
@pytest.mark.parametrize("kind", ["new", "overwrite", "append"])
def test_a_full_disk(disk: Path, tally: Any, kind: str, compression: Any) -> None:
    target = disk / "x.emd"
    if kind != "new":
        nef.write(target, SMALL)
    with tally(f"full disk, {kind}").fault():
        assert_fails(
            target,
            "No space left on device",
            mode="a" if kind == "append" else "w",
            compression=compression,
        )


def test_no_room_for_a_copy(disk: Path, tally: Any) -> None:
    target = nef.write(disk / "x.emd", nef.Signal("old", NOISE[:4]))
    with tally("full disk, append").fault():
        assert_fails(target, "make room, or save to a file of its own", mode="a")


@pytest.mark.parametrize("kind", ["new", "overwrite", "append"])
def test_a_read_only_mount(disk: Path, tally: Any, kind: str) -> None:
    target = disk / "x.emd"
    if kind != "new":
        nef.write(target, SMALL)
    assert mount(disk, "-o", "remount,ro")
    with tally("read-only mount").fault():
        reason = "protected against writing" if target.exists() else "Read-only file"
        assert_fails(target, reason, mode="a" if kind == "append" else "w")


@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_name_too_long(tmp_path: Path, tally: Any, mode: Any) -> None:
    with tally("name too long").fault():
        assert_fails(tmp_path / ("x" * 256), "name too long", mode=mode)
    nef.write(tmp_path / ("x" * 255), SMALL, mode=mode)


def test_a_folder_that_goes_during_a_save(tmp_path: Path, tally: Any) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    def remove(now: nef.Progress) -> None:
        if now.frames == 2:
            shutil.rmtree(folder)

    with tally("folder gone").fault():
        with pytest.raises(nef.WriteError, match=r"x\.emd was not written.*folder"):
            nef.write(folder / "x.emd", nef.Signal("new", NOISE), progress=remove)
        assert not folder.exists()


AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
import numpy as np, napari_emd_flatfield as nef

target, when = Path(sys.argv[1]), sys.argv[2]

def lose(now):
    if when == "later" and now.frames == 2:
        os.seteuid(0)
        target.parent.chmod(0o555)
        os.seteuid(65534)

signal = nef.Signal("new", np.ones((8, 64, 64)))
with tempfile.TemporaryDirectory() as folder:
    nef.write(Path(folder) / "x.emd", signal)  # all a save imports is there now
os.seteuid(65534)
try:
    nef.write(target, signal, progress=lose)
except nef.WriteError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can lose")
@pytest.mark.parametrize("protected", ["folder", "file", "later"])
def test_permission_lost(tmp_path: Path, tally: Any, protected: str) -> None:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    target = nef.write(folder / "x.emd", SMALL)
    target.chmod(0o644 if protected == "file" else 0o666)
    before = target.read_bytes()
    if protected == "folder":
        folder.chmod(0o555)
    with tally("permission lost").fault():
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, target, protected],
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        reason = "protected against" if protected == "file" else "Permission denied"
        assert "x.emd" in done.stdout
        assert reason in done.stdout
        assert target.read_bytes() == before
        folder.chmod(0o777)
        nef.write(folder / "y.emd", SMALL)
        assert {path.name for path in folder.iterdir()} == {"x.emd", "y.emd"}
