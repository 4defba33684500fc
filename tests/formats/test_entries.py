"""What a list or a tree says of a file, against h5py and against what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.errors import ReadError
from napari_emd_flatfield.formats.describing import comments, described
from napari_emd_flatfield.formats.entries import Entry, entries, names, root
from napari_emd_flatfield.formats.searching import every_path, groups_above, matches
from napari_emd_flatfield.formats.wording import cells, sentences, size_text
from napari_emd_flatfield.lazy.files import SharedFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> SharedFile:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["far/away"] = np.ones((4, 4), "f8")
    with h5py.File(tmp_path / "all.h5", "w") as file:
        packed = file.create_dataset(
            "images/packed",
            data=np.zeros((8, 64, 64), "u2"),
            chunks=(1, 64, 64),
            compression="gzip",
            shuffle=True,
        )
        packed.attrs["units"] = "counts"
        packed.attrs["lines"] = "one\ntwo"
        file["images/wave"] = np.ones((4, 4), "c8")
        file["vector"] = np.arange(3.0)
        file["text"] = "words"
        file["nothing"] = h5py.Empty("f4")
        file["type"] = np.dtype("i4")
        file["same"] = file["images"]
        file["soft"] = h5py.SoftLink("/images/packed")
        file["circle"] = h5py.SoftLink("/")
        file["lost"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("other.h5", "/far/away")
        file["gone"] = h5py.ExternalLink("gone.h5", "/x")
        file.create_group("comments").attrs["monday"] = "it rained"
    return SharedFile.of(tmp_path / "all.h5")


def at(file: SharedFile, path: str) -> Entry:
    group, _, name = path.rpartition("/")
    (entry,) = entries(file, group or "/", [name])
    return entry


def test_names_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "order.h5", "w", track_order=True) as file:
        for name in ("b", "c", "a"):
            file.create_group(name)
    assert names(SharedFile.of(tmp_path / "order.h5"), "/") == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("path", "kind", "link", "target"),
    [
        ("/images", "group", "hard", ""),
        ("/same", "group", "hard", ""),
        ("/images/packed", "image", "hard", ""),
        ("/vector", "dataset", "hard", ""),
        ("/text", "dataset", "hard", ""),
        ("/nothing", "dataset", "hard", ""),
        ("/type", "datatype", "hard", ""),
        ("/soft", "image", "soft", "/images/packed"),
        ("/circle", "group", "soft", "/"),
        ("/lost", "missing", "soft", "/nowhere"),
        ("/outside", "image", "external", "other.h5:/far/away"),
        ("/gone", "missing", "external", "gone.h5:/x"),
    ],
)
def test_kinds_and_links_are_told_apart(
    file: SharedFile, path: str, kind: str, link: str, target: str
) -> None:
    entry = at(file, path)
    assert (entry.path, entry.kind, entry.link, entry.target) == (
        path,
        kind,
        link,
        target,
    )


def test_storage_is_what_h5py_says(file: SharedFile) -> None:
    stored = at(file, "/images/packed").storage
    assert stored is not None
    with h5py.File(file.path) as opened:
        dataset = opened["images/packed"]
        assert stored.shape == dataset.shape
        assert stored.dtype == dataset.dtype.name
        assert stored.chunks == dataset.chunks
        assert stored.size == dataset.nbytes
        assert stored.stored == dataset.id.get_storage_size()
    assert stored.filters == ("shuffle", "deflate")
    assert stored.ratio == pytest.approx(stored.size / stored.stored)
    assert cells(at(file, "/images/packed"))[:5] == (
        "packed",
        "8×64×64",
        "uint16",
        "1×64×64",
        "shuffle, deflate",
    )


def test_what_is_plain_has_no_ratio(file: SharedFile) -> None:
    assert cells(at(file, "/vector"))[1:] == ("3", "float64", "", "", "24 B", "")
    assert cells(at(file, "/text"))[1:3] == ("scalar", "string")
    assert cells(at(file, "/nothing"))[1:3] == ("empty", "float32")
    assert cells(at(file, "/images"))[:2] == ("images", "2 objects")


def test_links_say_where_they_lead(file: SharedFile) -> None:
    assert cells(at(file, "/soft"))[0] == "soft → /images/packed"
    assert cells(at(file, "/gone"))[:2] == ("gone → gone.h5:/x", "missing")
    said = "; ".join(sentences(at(file, "/gone")))
    assert "external link to gone.h5:/x" in said
    assert "nothing where it points" in said


def test_a_filter_that_is_not_here_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "exotic.h5", "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((4, 4))
        created.set_filter(40000, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4, 4))
        h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_INT16, space, created)
    entry = at(SharedFile.of(tmp_path / "exotic.h5"), "/data")
    assert entry.storage is not None
    assert entry.storage.missing == ("40000",)
    assert "filter 40000 is not available" in "; ".join(sentences(entry))


def test_control_characters_are_shown_as_such(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "evil.h5", "w") as file:
        file["a\x1b[2Jb\u202ec"] = 1
    (name,) = names(SharedFile.of(tmp_path / "evil.h5"), "/")
    entry = at(SharedFile.of(tmp_path / "evil.h5"), f"/{name}")
    assert cells(entry)[0] == r"a\x1b[2Jb\u202ec"


def test_descriptions_are_attributes_and_small_values(file: SharedFile) -> None:
    assert described(file, "/images/packed") == {"units": "counts", "lines": "one\ntwo"}
    assert described(file, "/vector") == {"": [0.0, 1.0, 2.0]}
    assert described(file, "/text") == {"": "words"}
    assert described(file, "/images/wave") == {}
    assert comments(file) == {"monday": "it rained"}


def test_an_attribute_of_no_known_type_hides_no_other(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.attrs["good"] = 1
        date = h5py.h5t.UNIX_D32LE
        h5py.h5a.create(file.id, b"date", date, h5py.h5s.create(h5py.h5s.SCALAR))
    said = described(SharedFile.of(tmp_path / "odd.h5"), "/")
    assert said == {"good": 1, "date": "(cannot be read)"}


def test_errors_name_file_and_path(file: SharedFile) -> None:
    for look in (names, described):
        with pytest.raises(ReadError, match=r"all\.h5:/lost cannot be read: Unable"):
            look(file, "/lost")


def test_every_name_is_found_once_and_circles_end(file: SharedFile) -> None:
    assert sorted(every_path(file)) == [
        "/circle",
        "/comments",
        "/gone",
        "/images",
        "/images/packed",
        "/images/wave",
        "/lost",
        "/nothing",
        "/outside",
        "/same",
        "/soft",
        "/text",
        "/type",
        "/vector",
    ]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("/images/packed", "PACK", True),
        ("/images/packed", "images", False),
        ("/images/packed", "images/p", True),
        ("/images", "/images", True),
    ],
)
def test_search_is_by_name_or_with_a_slash_by_path(
    path: str, text: str, *, found: bool
) -> None:
    assert matches(path, text) is found


def test_groups_above() -> None:
    assert groups_above("/a/b/c") == ["/a", "/a/b"]
    assert groups_above("/a") == []


def test_the_root_has_as_many_objects_as_names(file: SharedFile) -> None:
    assert root(file).count == len(names(file, "/"))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (8.4e6, "8.4 MB"), (2e9, "2.0 GB")],
)
def test_sizes_are_short(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.filterwarnings("ignore:.*links to files that are missing")
@pytest.mark.parametrize("name", ["/same/packed", "/soft", "/circle/images/packed"])
def test_a_dataset_is_read_by_any_of_its_names(file: SharedFile, name: str) -> None:
    (signal,) = nef.read(file.path, name)
    assert signal.shape == (8, 64, 64)


def test_a_name_is_no_pattern_where_there_is_such_a_name(tmp_path: Path) -> None:
    path = tmp_path / "brackets.h5"
    with h5py.File(path, "w") as file:
        file["frame[1]"] = np.full((4, 4), 1)
        file["frame1"] = np.full((4, 4), 2)
    (signal,) = nef.read(path, "/frame[1]")
    np.testing.assert_array_equal(signal.data, np.full((4, 4), 1))
