"""What cannot be opened: one clear error that names the file and a way out."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import beamline, berkeley, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


def failure(path: Path | str, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        nef.read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), id="PNG"),
        pytest.param(b"II*\x00" + bytes(100), id="TIFF"),
        pytest.param(b"a,b\n1,2\n", id="text"),
        pytest.param(b"x", id="one byte"),
        pytest.param(bytes(4096), id="zeros"),
    ],
)
def test_not_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.emd"
    path.write_bytes(content)
    message = failure(path, nef.FileOpenError)
    assert "not an HDF5 file" in message
    assert repr(content[:8]) in message


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "x.emd").touch()
    assert "0 bytes" in failure(tmp_path / "x.emd", nef.FileOpenError)


def test_missing(tmp_path: Path) -> None:
    message = failure(tmp_path / "typo.emd", FileNotFoundError)
    assert "does not exist" in message


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in failure(tmp_path, nef.FileOpenError)


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "x.emd").symlink_to(tmp_path / "gone.emd")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        nef.read(tmp_path / "x.emd")


@pytest.mark.parametrize("factory", [beamline, berkeley], ids=["plain", "emd"])
def test_truncated_anywhere(tmp_path: Path, factory: object) -> None:
    whole = tmp_path / "whole.h5"
    if factory is beamline:
        beamline(whole, (6, 8))
    else:
        berkeley(whole, np.zeros((3, 6, 8)), [(np.arange(3.0), {"name": "z"})])
    content = whole.read_bytes()
    cut = tmp_path / "cut.h5"
    for size in range(1, len(content), 97):
        cut.write_bytes(content[:size])
        message = failure(cut, nef.FileOpenError)
        assert "truncated" in message or size < 200


@pytest.mark.parametrize("seed", range(20))
def test_damage_gives_our_errors_only(tmp_path: Path, seed: int) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, [(np.arange(3.0), {"name": "y"})])
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(96, len(content), 20):
        content[place] = random.integers(0, 256)
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what is left out
        try:
            for signal in nef.read(path):
                np.asarray(signal.data)
        except nef.EmdFlatfieldError as error:
            message = str(error)
        else:
            return
    assert str(path) in message


def test_no_image_inside(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", spectrum=np.arange(9.0), text="hello")
    message = failure(path, nef.NoSignalError)
    assert "holds no image" in message
    assert "info" in message


def test_nothing_inside(tmp_path: Path) -> None:
    assert "holds no image" in failure(plain(tmp_path / "x.h5"), nef.NoSignalError)


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that others may enter, and the rights of nobody in particular."""
    if sys.platform == "win32":
        pytest.skip("Windows has no permission bits")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    if os.geteuid() != os.getuid():
        os.seteuid(os.getuid())
    folder.chmod(0o755)
    shutil.rmtree(folder)


def drop_rights() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_unreadable_file(as_nobody: Path) -> None:
    path = plain(as_nobody / "secret.h5", image=IMAGE)
    path.chmod(0)
    drop_rights()
    message = failure(path, nef.FileOpenError)
    assert "Permission denied" in message
    assert "check its permissions" in message


def test_unreadable_folder(as_nobody: Path) -> None:
    path = plain(as_nobody / "secret.h5", image=IMAGE)
    as_nobody.chmod(0)
    drop_rights()
    assert "Permission denied" in failure(path, nef.FileOpenError)


def test_all_errors_are_ours_and_of_a_kind_napari_shows() -> None:
    for name in nef.__all__:
        error = getattr(nef, name)
        if name.endswith("Error") and error is not nef.EmdFlatfieldError:
            assert issubclass(error, nef.EmdFlatfieldError)
            assert issubclass(error, OSError | TypeError)
            assert not issubclass(error, ValueError | RuntimeError)


def test_a_file_may_be_named_as_text_bytes_or_path(tmp_path: Path) -> None:
    path = plain(tmp_path / "Wolfram µ 山.h5", image=IMAGE)
    for name in (path, str(path), os.path.relpath(path)):
        (signal,) = nef.read(name)
        assert signal.path == path.resolve()
        np.testing.assert_array_equal(signal.data, IMAGE)


def test_hdf5_behind_a_user_block(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["image"] = IMAGE
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file")
    np.testing.assert_array_equal(nef.read(path)[0].data, IMAGE)


@pytest.mark.parametrize("path", [["a.emd", "b.emd"], None, 5, "a\0b", b"a\0b"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(nef.FileOpenError, match="one file at a time") as caught:
        nef.read(path)
    assert repr(path) in str(caught.value)


def test_paths_may_be_bytes_and_start_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plain(tmp_path / "x.h5", a=IMAGE)
    plain(tmp_path / "~no such user", a=IMAGE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in (bytes(path), "~/x.h5", "x.h5", "~no such user", Path("x.h5")):
        (signal,) = nef.read(given)
        assert signal.path is not None
        assert signal.path.parent == tmp_path


def test_attributes_that_ask_for_too_much_hide_no_image(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["image"] = IMAGE
        file["image"].attrs["table"] = np.zeros((1000, 1000))
        file["image"].attrs["axistags"] = "[" * 50_000
        file["image"].attrs["few"] = np.arange(3)
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)
    assert signal.metadata["table"] == "(1000, 1000) values of float64, not read"
    assert list(signal.metadata["few"]) == [0, 1, 2]


def test_endless_json_costs_velox_only_its_scale(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    endless = np.frombuffer(b'{"a":' * 50_000, "u1")[:, None]
    with h5py.File(path, "w") as file:
        file["Data/Image/0/Data"] = IMAGE[..., None]
        file["Data/Image/0/Metadata"] = endless
        file["Version"] = np.array([b'{"format": "Velox", "version": "11"}'])
    with pytest.warns(UserWarning, match="Metadata is damaged, so nothing is calib"):
        (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)
