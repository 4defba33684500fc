"""A file shows parts of other files only where they lie with it, or when allowed."""

from __future__ import annotations

import copy
import os
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import plain
from napari_emd_flatfield import NoSignalError, ReadError
from napari_emd_flatfield.cli import main
from napari_emd_flatfield.formats.describing import described
from napari_emd_flatfield.lazy.files import SharedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)
SECRET = IMAGE + 7000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of the file that is opened; a secret lies beside it."""
    plain(tmp_path / "secret.h5", image=SECRET, group__image=SECRET)
    (tmp_path / "secret.raw").write_bytes(SECRET.tobytes())
    home = tmp_path / "home"
    home.mkdir()
    return home


def external_link(file: h5py.File, secret: Path) -> None:
    file["linked"] = h5py.ExternalLink(str(secret / "secret.h5"), "/image")


def relative_link(file: h5py.File, secret: Path) -> None:
    file["linked"] = h5py.ExternalLink("../secret.h5", "/image")


def soft_link_through_an_external_one(file: h5py.File, secret: Path) -> None:
    file["outside"] = h5py.ExternalLink("../secret.h5", "/group")
    file["linked"] = h5py.SoftLink("/outside/image")


def link_by_way_of_a_neighbour(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret / "home" / "neighbour.h5", "w") as other:
        other["there"] = h5py.ExternalLink("../secret.h5", "/image")
    file["linked"] = h5py.ExternalLink("neighbour.h5", "/there")


def symbolic_link(file: h5py.File, secret: Path) -> None:
    (secret / "home" / "harmless.h5").symlink_to(secret / "secret.h5")
    file["linked"] = h5py.ExternalLink("harmless.h5", "/image")


def raw_storage(file: h5py.File, secret: Path) -> None:
    raw = [(str(secret / "secret.raw"), 0, SECRET.nbytes)]
    file.create_dataset("linked", SECRET.shape, "u2", external=raw)


def virtual(
    file: h5py.File, secret: Path, name: str = "../secret.h5", to: str = "linked"
) -> None:
    layout = h5py.VirtualLayout(SECRET.shape, "u2")
    layout[...] = h5py.VirtualSource(name, "image", SECRET.shape)
    file.create_virtual_dataset(to, layout)


def virtual_of_a_virtual(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret / "home" / "neighbour.h5", "w") as other:
        virtual(other, secret)
        other["image"] = h5py.SoftLink("/linked")
    virtual(file, secret, "neighbour.h5")


def virtual_of_raw_storage_in_itself(file: h5py.File, secret: Path) -> None:
    raw = [(str(secret / "secret.raw"), 0, SECRET.nbytes)]
    file.create_dataset("hidden/image", SECRET.shape, "u2", external=raw)
    layout = h5py.VirtualLayout(SECRET.shape, "u2")
    layout[...] = h5py.VirtualSource(".", "/hidden/image", SECRET.shape)
    file.create_virtual_dataset("linked", layout)


WAYS = [
    external_link,
    relative_link,
    soft_link_through_an_external_one,
    link_by_way_of_a_neighbour,
    symbolic_link,
    raw_storage,
    virtual,
    virtual_of_a_virtual,
    virtual_of_raw_storage_in_itself,
]


def made(home: Path, way: Callable[[h5py.File, Path], None]) -> Path:
    path = plain(home / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        way(file, home.parent)
    return path


@pytest.mark.parametrize("way", WAYS)
def test_nothing_outside_is_shown_and_that_is_said(home: Path, way: Any) -> None:
    path = made(home, way)
    with pytest.warns(
        UserWarning, match=r"x\.h5 is not shown whole: /.*secret"
    ) as told:
        (signal,) = nef.read(path)
    assert signal.name == "image"
    assert "secret." in str(told[0].message)
    assert "follow_external=True" in str(told[0].message)
    with pytest.raises(NoSignalError), warnings.catch_warnings(action="ignore"):
        nef.read(path, "/linked")
    file = SharedFile.of(path)
    with pytest.raises(ReadError, match="is not followed"):
        described(file, "/linked")
    with pytest.raises(ReadError, match="is not followed"):
        file.read("/linked", (slice(0, 3), slice(0, 4)))


@pytest.mark.parametrize("way", WAYS)
def test_all_is_shown_when_allowed(home: Path, way: Any) -> None:
    path = made(home, way)
    signals = {s.name: s for s in nef.read(path, follow_external=True)}
    linked = signals.get("linked") or signals["outside/image"]
    np.testing.assert_array_equal(linked.data, SECRET)
    np.testing.assert_array_equal(linked.refreshed().data, SECRET)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(linked.data)), SECRET)
    np.testing.assert_array_equal(copy.deepcopy(linked).data, SECRET)


def test_a_folder_below_is_followed(home: Path) -> None:
    below = home / "parts"
    below.mkdir()
    plain(below / "part.h5", image=SECRET)
    path = plain(home / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file["linked"] = h5py.ExternalLink("parts/part.h5", "/image")
    signals = {signal.name: signal for signal in nef.read(path)}
    np.testing.assert_array_equal(signals["linked"].data, SECRET)


def test_metadata_and_coordinates_come_from_nowhere_else(home: Path) -> None:
    path = nef.write(home / "x.emd", nef.Signal("a", IMAGE))
    numbers = np.array([70.5, 71.5, 72.5])
    (home.parent / "secret.raw").write_bytes(numbers.tobytes())
    with h5py.File(path, "r+") as file:
        group = file["data/a"]
        del group["dim1"]
        for place in ("data/a/dim1", "microscope/secret"):
            raw = [(str(home.parent / "secret.raw"), 0, numbers.nbytes)]
            file.create_dataset(place, (3,), "f8", external=raw)
    with pytest.warns(UserWarning, match="is not shown whole"):
        (signal,) = nef.read(path)
    assert 70.5 not in signal.axes[0].values
    assert "70.5" not in str(signal.metadata)


def image_key_outside(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret / "secret.h5", "r+") as other:
        other["keys"] = [0, 0, 1]
    file["scan/image_key"] = h5py.ExternalLink("../secret.h5", "/keys")


def image_key_of_itself(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((3,), "i4")
    layout[...] = h5py.VirtualSource(".", "/scan/image_key", (3,))
    file.create_virtual_dataset("scan/image_key", layout)


def image_key_that_is_a_group(file: h5py.File, secret: Path) -> None:
    file.create_group("scan/image_key")


@pytest.mark.parametrize(
    "way", [image_key_outside, image_key_of_itself, image_key_that_is_a_group]
)
def test_frames_are_sorted_by_nothing_from_elsewhere(home: Path, way: Any) -> None:
    path = plain(home / "x.h5", scan__data=np.stack([IMAGE] * 3))
    with h5py.File(path, "r+") as file:
        file["scan"].attrs["NX_class"] = "NXdetector"
        way(file, home.parent)
    with pytest.warns(UserWarning, match="/scan") as told:
        signals = nef.read(path)
    said = "\n".join(str(each.message) for each in told)
    assert "/scan is left out: its image_key cannot be read" in said
    assert {signal.role for signal in signals} == {"raw"}


def test_a_pipe_is_not_waited_for(home: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names")
    os.mkfifo(home / "pipe.h5")
    with pytest.raises(nef.FileOpenError, match="is not a file"):
        nef.read(home / "pipe.h5")
    path = plain(home / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file["linked"] = h5py.ExternalLink("pipe.h5", "/image")
    with h5py.File(path, "r+") as file:
        virtual(file, home, "pipe.h5", "mapped")
    for everywhere in (False, True):
        with pytest.warns(UserWarning, match=r"not shown whole") as told:
            assert len(nef.read(path, follow_external=everywhere)) == 1
        for name in ("linked", "mapped"):
            assert f"/{name} (it shows data of {home}/pipe.h5" in str(told[0].message)


def test_a_circle_is_left_out_wherever_it_leads(home: Path) -> None:
    path = plain(home / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        virtual(file, home, "x.h5", "image2")
        file["image3"] = h5py.SoftLink("image2")
    with h5py.File(path, "r+") as file:
        del file["image2"]
        layout = h5py.VirtualLayout(SECRET.shape, "u2")
        layout[...] = h5py.VirtualSource("x.h5", "image3", SECRET.shape)
        file.create_virtual_dataset("image2", layout)
    for everywhere in (False, True):
        with pytest.warns(UserWarning, match="image2.* is made of itself"):
            assert len(nef.read(path, follow_external=everywhere)) == 1


def test_the_command_line_asks_too(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(home, relative_link)
    with pytest.warns(UserWarning, match="is not shown whole"):
        assert main(["info", str(path)]) == 0
    assert "1 signal\n" in capsys.readouterr().out
    assert main(["info", str(path), "--follow-external"]) == 0
    assert "2 signals" in capsys.readouterr().out


def test_names_do_not_steer_a_terminal(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = plain(home / "x.h5", image=IMAGE, flat=np.ones((3, 4)))
    with h5py.File(path, "r+") as file:
        evil = "\x1b]0;gone\x07\x1b[2J"
        file[evil] = IMAGE
        file[f"lost{evil}"] = h5py.ExternalLink("../secret.h5", "/image")
        file["image"].attrs["units"] = evil
    to = ["-o", str(home / "c.emd")]
    calls = [
        ["info", str(path)],
        ["correct", str(path), "--raw", f"/{evil}", "--flats", "/flat", *to],
        ["correct", str(path), "--raw", "/\x1b[2J", *to],
    ]
    with pytest.warns(UserWarning, match="not shown whole") as told:
        assert [main(arguments) for arguments in calls] == [0, 0, 1]
    out, err = capsys.readouterr()
    assert "\\x1b[2J" in out
    assert "\x1b" not in out + err + "".join(str(each.message) for each in told)
