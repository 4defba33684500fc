"""The HDF5 browser, driven as a user drives it."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import psutil
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_emd_flatfield.plugin.browser import BrowserWidget

pytestmark = [
    pytest.mark.canvas,
    pytest.mark.filterwarnings("ignore:.*links to files that are missing"),
]
PLUGIN = "napari-emd-flatfield"
WAIT = 20_000  # milliseconds, for what takes a fraction of one


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "scan.h5"
    random = np.random.default_rng(0)
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["far"] = random.random((4, 6))
    with h5py.File(path, "w") as file:
        file.attrs["made"] = "<b>today</b>"
        frames = file.create_dataset(
            "scan/frames",
            data=random.integers(0, 1000, (5, 12, 16), "u2"),
            chunks=(1, 12, 16),
            compression="gzip",
        )
        frames.attrs["units"] = "counts"
        file["scan/flat"] = random.integers(900, 1000, (12, 16), "u2")
        wave = random.random((8, 8)) + 1j * random.random((8, 8))
        file["scan/wave"] = wave.astype("c8")
        file["scan/angles"] = np.arange(5.0)
        file["scan/deep/deeper/angle"] = 7.5
        file["soft"] = h5py.SoftLink("/scan/frames")
        file["around"] = h5py.SoftLink("/")
        file["lost"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("other.h5", "/far")
        file.create_group("comments").attrs["monday"] = "it <i>rained</i>"
        many = file.create_group("many")
        for i in range(350):
            many.create_dataset(f"n{i:03}", (2, 2), "i1")
    return path


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from napari_emd_flatfield.plugin import browser

    told: list[str] = []
    monkeypatch.setattr(browser, "show_error", told.append)
    return told


@pytest.fixture(autouse=True)
def _jobs_end() -> Iterator[None]:
    from qtpy.QtCore import QThreadPool
    from qtpy.QtWidgets import QApplication

    yield
    # What was told to stop need not have, yet.
    QThreadPool.globalInstance().waitForDone(WAIT)
    QApplication.processEvents()
    gc.collect()


@pytest.fixture
def make_browser(
    qtbot: Any, errors: list[str]
) -> Iterator[Callable[..., BrowserWidget]]:
    from napari_emd_flatfield.plugin.browser import BrowserWidget

    made = []

    def make(path: Path | None = None, viewer: Any = None) -> BrowserWidget:
        widget = BrowserWidget(ViewerModel() if viewer is None else viewer)
        qtbot.addWidget(widget)
        widget.resize(900, 700)
        with qtbot.waitActive(widget, timeout=WAIT):
            widget.show()
            widget.activateWindow()
        if path is not None:
            widget.open(path)
        made.append(widget)
        return widget

    yield make
    while made:
        made.pop().close()


@pytest.fixture
def browser(make_browser: Any, path: Path) -> BrowserWidget:
    return make_browser(path)


def shown(browser: BrowserWidget) -> dict[str, list[str]]:
    """All rows that can be seen by scrolling: cells by HDF5 path."""
    from napari_emd_flatfield.plugin.browser_model import ENTRY

    rows = {}
    index = browser.filtered.index(0, 0)
    while index.isValid():
        rows[index.data(ENTRY).path] = [
            index.siblingAtColumn(column).data()
            for column in range(browser.filtered.columnCount())
        ]
        index = browser.tree.indexBelow(index)
    return rows


def row(browser: BrowserWidget, path: str) -> Any:
    return browser.filtered.mapFromSource(browser.model.reveal(path))


def select(browser: BrowserWidget, *paths: str) -> None:
    browser.tree.select([row(browser, path) for path in paths])


def fetched(browser: BrowserWidget, path: str) -> int:
    return int(browser.model.rowCount(browser.model.reveal(path)))


def text_of(browser: BrowserWidget) -> str:
    return str(browser.object.details.toPlainText())


def is_open(path: Path) -> bool:
    gc.collect()
    return path.resolve() in {Path(f.path) for f in psutil.Process().open_files()}


def test_small_groups_are_open_and_columns_say_what_h5py_says(
    browser: BrowserWidget, path: Path
) -> None:
    rows = shown(browser)
    with h5py.File(path) as file:
        frames = file["scan/frames"]
        stored = frames.id.get_storage_size()
        ratio = frames.nbytes / stored
    assert rows["/scan/frames"] == [
        "frames",
        "5×12×16",
        "uint16",
        "1×12×16",
        "deflate",
        f"{stored / 1000:.1f} kB",
        f"{ratio:.1f}×",
    ]
    assert rows["/scan/wave"][2] == "complex64"
    assert rows["/many"][1] == "350 objects"
    assert "/many/n000" not in rows
    assert browser.title.text().startswith("scan.h5, ")


def test_links_are_told_apart_and_can_be_followed(browser: BrowserWidget) -> None:
    from qtpy.QtCore import Qt

    rows = shown(browser)
    assert rows["/soft"][:2] == ["soft → /scan/frames", "5×12×16"]
    assert rows["/outside"][:2] == ["outside → other.h5:/far", "4×6"]
    assert rows["/lost"][:2] == ["lost → /nowhere", "missing"]
    tip = row(browser, "/lost").data(Qt.ItemDataRole.ToolTipRole)
    assert "soft link to /nowhere" in tip
    assert "nothing where it points to" in tip
    browser.tree.expand(row(browser, "/around"))
    browser.tree.expand(row(browser, "/around/around"))
    assert shown(browser)["/around/around/soft"][1] == "5×12×16"


def test_icons_differ_by_kind_and_by_link() -> None:
    from typing import get_args

    from qtpy.QtCore import QSize

    from napari_emd_flatfield.formats.entries import Kind, Link
    from napari_emd_flatfield.plugin.browser_icons import icon

    drawn = set()
    for kind in get_args(Kind):
        for link in get_args(Link):
            image = icon(kind, link, "#ff0000").pixmap(QSize(32, 32)).toImage()
            pixels = {
                (x, y)
                for x in range(32)
                for y in range(32)
                if image.pixelColor(x, y).alpha() > 128
            }
            assert 30 < len(pixels) < 500
            drawn.add(frozenset(pixels))
    assert len(drawn) == len(get_args(Kind)) * len(get_args(Link))


def test_star_key_does_not_run_in_circles(browser: BrowserWidget, qtbot: Any) -> None:
    select(browser, "/around")
    qtbot.keyClick(browser.tree, "*")
    assert browser.tree.isExpanded(row(browser, "/around"))
    assert not browser.tree.isExpanded(row(browser, "/around/around"))


def test_a_group_of_100_000_is_fetched_as_it_is_looked_at(
    make_browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w", libver="latest") as file:
        one = file.create_dataset("one", (2, 2), "u1")
        group = file.create_group("all")
        for i in range(100_000):
            group[f"n{i:06}"] = one
    browser = make_browser(path)
    assert browser.model.rowCount() == 2
    assert fetched(browser, "/all") == 0
    browser.tree.expand(row(browser, "/all"))
    few = fetched(browser, "/all")
    assert 0 < few <= 500
    bar = browser.tree.verticalScrollBar()
    bar.setValue(bar.maximum())
    more = fetched(browser, "/all")
    assert few < more <= few + 500
    select(browser, "/all/n099999")
    assert browser.tree.entries()[0].path == "/all/n099999"
    assert more < fetched(browser, "/all") <= more + 500


def test_scrolling_fetches_groups_that_are_not_the_last(
    browser: BrowserWidget,
) -> None:
    browser.tree.expand(row(browser, "/many"))
    bar = browser.tree.verticalScrollBar()
    for _ in range(10):
        browser.tree.scrollTo(
            browser.filtered.index(
                fetched(browser, "/many") - 1, 0, row(browser, "/many")
            )
        )
        bar.setValue(bar.value() + 3)
    assert fetched(browser, "/many") == 350
    names = [path for path in shown(browser) if path.startswith("/many/")]
    assert names == [f"/many/n{i:03}" for i in range(350)]


def test_details_are_plain_text(browser: BrowserWidget, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: "<b>today</b>" in text_of(browser), timeout=WAIT)
    assert "it <i>rained</i>" in text_of(browser)
    select(browser, "/scan/frames")
    qtbot.waitUntil(lambda: "units  counts" in text_of(browser), timeout=WAIT)
    select(browser, "/scan/deep/deeper/angle")
    qtbot.waitUntil(lambda: "value  7.5" in text_of(browser), timeout=WAIT)


def test_preview_is_the_middle_frame(
    browser: BrowserWidget, qtbot: Any, path: Path
) -> None:
    select(browser, "/soft")
    pane = browser.object.preview
    qtbot.waitUntil(lambda: pane.frame.image is not None, timeout=WAIT)
    image = pane.frame.image
    pixels = np.array(
        [[image.pixelColor(x, y).red() for x in range(16)] for y in range(12)]
    )
    with h5py.File(path) as file:
        frame = file["scan/frames"][2].astype(float)
    low, high = np.percentile(frame, (0.1, 99.9))
    wanted = np.clip((frame - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(pixels, wanted, atol=1.01)
    assert pane.caption.text().startswith("frame 3 of 5, ")
    select(browser, "/scan/angles")
    qtbot.waitUntil(lambda: pane.frame.image is None, timeout=WAIT)


def test_preview_says_why_there_is_none(
    make_browser: Any, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "exotic.h5"
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((4, 4))
        created.set_filter(40000, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4, 4))
        made = h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_INT16, space, created)
        made.write_direct_chunk((0, 0), b"\0" * 32)
    browser = make_browser(path)
    select(browser, "/data")
    frame = browser.object.preview.frame
    qtbot.waitUntil(lambda: "40000" in frame.text, timeout=WAIT)
    assert f"{path}:/data cannot be read" in frame.text


@pytest.mark.parametrize(
    ("shape", "dtype"), [((9000, 40), "f4"), ((5000, 4500), "u1"), ((600, 700), "f8")]
)
def test_previews_of_large_frames_are_bounded(
    tmp_path: Path, shape: tuple[int, int], dtype: str
) -> None:
    from napari_emd_flatfield.lazy.files import SharedFile
    from napari_emd_flatfield.plugin.browser_frames import preview

    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", shape, dtype, chunks=(100, shape[1]))
        data[:, : shape[1] // 2] = 200
        if dtype != "u1":
            data[0, 0] = np.nan
    frame = preview(SharedFile.of(path), "/data")
    assert frame is not None
    assert max(frame.pixels.shape) <= 512
    middle = frame.pixels.shape[1] // 2
    assert (frame.pixels[1:, : max(1, middle - 1)] > 100).all()
    assert (frame.pixels[1:, middle + 1 :] < 100).all()
    assert ("middle of" in frame.caption) == (max(shape) > 4096)


def test_a_preview_does_not_hold_the_file_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_emd_flatfield.lazy.blocks import Blocks
    from napari_emd_flatfield.lazy.files import SharedFile
    from napari_emd_flatfield.plugin.browser_frames import preview

    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (400, 300), "u1", chunks=(100, 300))
    shared, got_at_it = SharedFile.of(path), []
    read = Blocks.read

    def read_while_another_asks(blocks: Blocks, *args: Any) -> Any:
        another = threading.Thread(target=shared.status, daemon=True)
        another.start()
        another.join(10)
        got_at_it.append(not another.is_alive())
        return read(blocks, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Blocks, "read", read_while_another_asks)
        assert preview(shared, "/data") is not None
    assert got_at_it == [True]


def test_filter_shows_what_matches_and_what_leads_there(
    browser: BrowserWidget, qtbot: Any
) -> None:
    qtbot.keyClicks(browser.filter, "FLAT")
    qtbot.waitUntil(lambda: len(shown(browser)) == 2, timeout=WAIT)
    assert list(shown(browser)) == ["/scan", "/scan/flat"]
    browser.filter.setText("scan/w")
    qtbot.waitUntil(lambda: "/scan/wave" in shown(browser), timeout=WAIT)
    assert list(shown(browser)) == ["/scan", "/scan/wave"]
    browser.filter.clear()
    qtbot.waitUntil(lambda: "/soft" in shown(browser), timeout=WAIT)


def test_filtering_fetches_nothing(browser: BrowserWidget, qtbot: Any) -> None:
    browser.filter.setText("n3")
    qtbot.waitUntil(lambda: not shown(browser), timeout=WAIT)
    assert "Enter searches" in browser.tree.hint
    assert fetched(browser, "/many") == 0


def test_enter_searches_the_whole_file(browser: BrowserWidget, qtbot: Any) -> None:
    qtbot.keyClicks(browser.filter, "n34")
    qtbot.keyClick(browser.filter, "\r")
    assert browser.search_button.text() == "Stop"
    qtbot.waitUntil(lambda: "10 found" in browser.status.text(), timeout=WAIT)
    assert browser.search_button.text() == "Search file"
    assert list(shown(browser)) == ["/many", *(f"/many/n34{i}" for i in range(10))]
    assert fetched(browser, "/many") == 10
    browser.filter.clear()
    qtbot.waitUntil(lambda: "/soft" in shown(browser), timeout=WAIT)
    # The rest comes in the order of the file, around what was found before.
    bar = browser.tree.verticalScrollBar()
    for _ in range(10):
        bar.setValue(bar.maximum())
        browser.model.fetchMore(browser.model.reveal("/many"))
    names = [path for path in shown(browser) if path.startswith("/many/")]
    assert names == [f"/many/n{i:03}" for i in range(350)]


def test_a_search_stops_when_asked(browser: BrowserWidget, qtbot: Any) -> None:
    browser.filter.setText("n")
    browser.search()
    browser.search_button.click()
    assert "Stopped" in browser.status.text()
    assert browser.search_button.text() == "Search file"
    qtbot.wait(200)
    assert "Stopped" in browser.status.text()


def test_a_search_that_finds_too_much_says_so(
    make_browser: Any, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for i in range(600):
            file.create_group(f"inner/g{i:03}")
    browser = make_browser(path)
    browser.filter.setText("g")
    browser.search()
    qtbot.waitUntil(lambda: "The first 500" in browser.status.text(), timeout=WAIT)
    assert len(shown(browser)) == 501


def test_double_click_opens_a_layer(
    make_browser: Any, make_napari_viewer: Any, qtbot: Any, path: Path
) -> None:
    viewer = make_napari_viewer()
    browser = make_browser(path, viewer)
    select(browser, "/scan/frames")
    browser.tree.doubleClicked.emit(row(browser, "/scan/frames"))
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=WAIT)
    (layer,) = viewer.layers
    with h5py.File(path) as file:
        np.testing.assert_array_equal(layer.data, file["scan/frames"])
    assert isinstance(layer.data, nef.lazy.LazyArray)
    assert layer.name in browser.status.text()


def test_several_open_as_several_raw_on_top(browser: BrowserWidget, qtbot: Any) -> None:
    layers = browser._viewer.layers
    select(browser, "/scan/flat", "/scan/frames", "/outside", "/scan/angles")
    browser.tree.setFocus()
    qtbot.keyClick(browser.tree, "\r")
    qtbot.waitUntil(lambda: len(layers) == 3, timeout=WAIT)
    assert [layer.metadata["signal"].role for layer in layers] == ["flat", "raw", "raw"]
    assert all(layer.visible for layer in layers)


@pytest.mark.parametrize("role", ["raw", "flat", "dark"])
def test_open_as_a_role(browser: BrowserWidget, qtbot: Any, role: str) -> None:
    layers = browser._viewer.layers
    select(browser, "/scan/frames")
    words = {"raw": "raw", "flat": "flats", "dark": "dark"}
    trigger(browser, f"Open as {words[role]}")
    qtbot.waitUntil(lambda: len(layers) == 1, timeout=WAIT)
    assert layers[0].metadata["signal"].role == role
    assert layers[0].visible


@pytest.mark.parametrize(
    ("part", "of"),
    [
        ("modulus", np.abs),
        ("phase", np.angle),
        ("real", np.real),
        ("imaginary", np.imag),
    ],
)
def test_parts_of_complex_numbers(
    browser: BrowserWidget, qtbot: Any, path: Path, part: str, of: Any
) -> None:
    layers = browser._viewer.layers
    select(browser, "/scan/wave", "/scan/flat")
    trigger(browser, f"Open {part}")
    qtbot.waitUntil(lambda: len(layers) == 1, timeout=WAIT)
    assert layers[0].name == f"wave {part}"
    with h5py.File(path) as file:
        np.testing.assert_allclose(layers[0].data, of(file["scan/wave"][()]), rtol=1e-6)


def trigger(browser: BrowserWidget, text: str) -> None:
    (action,) = (a for a in browser.menu.actions() if a.text() == text)
    assert action.isVisible()
    assert action.isEnabled()
    action.trigger()


def test_the_menu_offers_what_can_be_done(browser: BrowserWidget) -> None:
    def offered() -> list[str]:
        return [
            action.text()
            for action in browser.menu.actions()
            if action.text() and action.isVisible() and action.isEnabled()
        ]

    assert offered() == []
    assert not browser.add_button.isEnabled()
    select(browser, "/lost")
    assert offered() == ["Copy HDF5 path"]
    select(browser, "/scan/frames")
    assert "Open as flats" in offered()
    assert "Open phase" not in offered()
    assert browser.add_button.isEnabled()
    select(browser, "/scan/wave")
    assert "Open phase" in offered()


def test_paths_and_python_lines_are_copied(
    browser: BrowserWidget, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QApplication

    select(browser, "/soft", "/lost", "/scan/frames")
    trigger(browser, "Copy HDF5 path")
    assert QApplication.clipboard().text() == "/lost\n/scan/frames\n/soft"
    trigger(browser, "Copy Python line that reads it")
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    for line in lines:
        (signal,) = eval(line, {"napari_emd_flatfield": nef})
        assert signal.shape == (5, 12, 16)


def test_context_menu_opens_at_the_row(browser: BrowserWidget, qtbot: Any) -> None:
    select(browser, "/scan/frames")
    place = browser.tree.visualRect(row(browser, "/scan/frames")).center()
    browser.tree.customContextMenuRequested.emit(place)
    qtbot.waitUntil(browser.menu.isVisible, timeout=WAIT)
    browser.menu.hide()


def test_what_cannot_be_opened_says_why_and_the_rest_opens(
    browser: BrowserWidget, qtbot: Any, errors: list[str], path: Path
) -> None:
    layers = browser._viewer.layers
    select(browser, "/comments", "/scan/flat")
    browser.add_button.click()
    qtbot.waitUntil(lambda: len(layers) == 1 and bool(errors), timeout=WAIT)
    assert str(path) in errors[0]
    assert "/comments" in errors[0]


@pytest.mark.parametrize("name", ["gone.h5", "text.h5"])
def test_what_is_no_hdf5_file_is_said_and_the_last_one_stays(
    browser: BrowserWidget, errors: list[str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "text.h5").write_text("just words")
    browser.open(tmp_path / name)
    assert str(tmp_path / name) in errors[0]
    assert browser.status.text() == errors[0]
    assert "/scan/frames" in shown(browser)


def test_what_can_no_longer_be_listed_is_said(
    make_browser: Any, errors: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "changing.h5"
    with h5py.File(path, "w") as file:
        for i in range(40):
            file.create_group(f"run/{i}")
        file["one"] = 1
    browser = make_browser(path)
    browser.model.file.close()
    with h5py.File(path, "w") as file:
        file["two"] = 2
    browser.tree.expand(row(browser, "/run"))
    assert errors[0].startswith(f"{path}:/run cannot be read: ")
    assert "/one" in shown(browser)
    browser.reload()
    assert list(shown(browser)) == ["/two"]


def test_a_damaged_object_is_shown_as_such(make_browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        file["good/data"] = 1
        file["bad/data"] = 1
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"TREE")
    raw[at : at + 4] = b"EERT"
    path.write_bytes(raw)
    browser = make_browser(path)
    assert shown(browser)["/bad"][1] == "damaged"
    assert "/good/data" in shown(browser)
    select(browser, "/bad")
    assert "HDF5 cannot open it" in browser.object.preview.frame.text


def test_reload_shows_what_was_written_and_keeps_the_view(
    make_browser: Any, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "growing.h5"
    with h5py.File(path, "w", locking=False) as file:
        frames = file.create_dataset(
            "run/frames", (1, 4, 4), "u2", maxshape=(None, 4, 4)
        )
        group = file.create_group("many")
        for i in range(300):
            group.create_group(f"n{i:03}")
        file.flush()
        browser = make_browser(path)
        browser.tree.expand(row(browser, "/many"))
        select(browser, "/run/frames", "/many/n250")
        assert shown(browser)["/run/frames"][1] == "1×4×4"
        frames.resize(3, axis=0)
        file["run/more"] = np.zeros((4, 4))
        file.flush()
        browser.reload_button.click()
    rows = shown(browser)
    assert rows["/run/frames"][1] == "3×4×4"
    assert "/run/more" in rows
    assert browser.tree.isExpanded(row(browser, "/many"))
    selected = [entry.path for entry in browser.tree.entries()]
    assert selected == ["/many/n250", "/run/frames"]


def test_swmr_files_are_followed(make_browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "swmr.h5"
    with h5py.File(path, "w", libver="latest") as file:
        frames = file.create_dataset("frames", (1, 4, 4), "u2", maxshape=(None, 4, 4))
        file.swmr_mode = True
        copy = tmp_path / "copy.h5"
        copy.write_bytes(path.read_bytes())
        browser = make_browser(copy)
        assert shown(browser)["/frames"][1] == "1×4×4"
        frames.resize(2, axis=0)
        file.flush()
        copy.write_bytes(path.read_bytes())
        browser.reload()
        assert shown(browser)["/frames"][1] == "2×4×4"


def test_another_file_lets_go_of_the_first(
    browser: BrowserWidget, qtbot: Any, path: Path
) -> None:
    select(browser, "/scan/frames")
    image = browser.object.preview.frame
    qtbot.waitUntil(lambda: image.image is not None, timeout=WAIT)
    assert is_open(path)
    browser.open(path.with_name("other.h5"))
    assert not is_open(path)


def test_closing_the_dock_lets_go_of_the_file(
    make_napari_viewer: Any, make_browser: Any, path: Path
) -> None:
    viewer = make_napari_viewer()
    browser = make_browser(None, viewer)
    viewer.window.add_dock_widget(browser, name="HDF5 browser")
    browser.open(path)
    assert is_open(path)
    viewer.window.remove_dock_widget(browser)
    assert not is_open(path)


def test_closing_napari_lets_go_of_the_file(
    make_napari_viewer: Any, qtbot: Any, path: Path
) -> None:
    from napari_emd_flatfield.plugin.browser import BrowserWidget

    viewer = make_napari_viewer()
    viewer.window.add_dock_widget(BrowserWidget(viewer), name="HDF5 browser")
    viewer.window.dock_widgets["HDF5 browser"].open(path)
    assert is_open(path)
    viewer.close()
    qtbot.waitUntil(lambda: not is_open(path), timeout=WAIT)


def test_a_layer_in_view_keeps_reading(
    browser: BrowserWidget, qtbot: Any, path: Path
) -> None:
    layers = browser._viewer.layers
    select(browser, "/scan/frames")
    browser.add_button.click()
    qtbot.waitUntil(lambda: len(layers) == 1, timeout=WAIT)
    browser.reload()
    browser.close_file()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(layers[0].data[4], file["scan/frames"][4])


def test_the_file_of_the_selected_layer(
    make_browser: Any, errors: list[str], path: Path
) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((4, 4)))
    browser = make_browser(viewer=viewer)
    assert browser.model.file is None
    browser.layer_button.click()
    assert "select a layer" in errors[0]
    (signal,) = nef.read(path, "/scan/flat")
    viewer.add_image(signal.data, metadata={"signal": signal})
    browser.layer_button.click()
    assert "/scan/flat" in shown(browser)
    assert "/scan/flat" in shown(make_browser(viewer=viewer))


def test_the_open_button_asks(
    make_browser: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QFileDialog

    browser = make_browser()
    answers = [("", ""), (str(path), "")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: answers.pop(0))
    browser.open_button.click()
    assert browser.model.file is None
    browser.open_button.click()
    assert "/scan/frames" in shown(browser)


def drop_event(kind: str, data: Any) -> Any:
    from qtpy.QtCore import QPoint, QPointF, Qt
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    made, place = {
        "enter": (QDragEnterEvent, QPoint(5, 5)),
        "drop": (QDropEvent, QPointF(5, 5)),
    }[kind]
    return made(
        place,
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def test_a_file_dropped_on_the_browser_is_shown(make_browser: Any, path: Path) -> None:
    from qtpy.QtCore import QMimeData, QUrl
    from qtpy.QtWidgets import QApplication

    browser = make_browser()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    for kind in ("enter", "drop"):
        event = drop_event(kind, data)
        QApplication.sendEvent(browser, event)
        assert event.isAccepted()
    assert "/scan/frames" in shown(browser)


def test_dragging_to_the_canvas_opens(
    make_napari_viewer: Any,
    make_browser: Any,
    qtbot: Any,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtGui import QDrag
    from qtpy.QtWidgets import QApplication

    viewer = make_napari_viewer(show=True)
    browser = make_browser(None, viewer)
    viewer.window.add_dock_widget(browser, name="HDF5 browser")
    browser.open(path)
    select(browser, "/scan/frames")
    canvas = viewer.window._qt_viewer
    # Until it is laid out, a dock lies where the canvas does.
    qtbot.waitUntil(
        lambda: browser.mapToGlobal(QPoint()).x() > canvas.mapToGlobal(QPoint()).x(),
        timeout=WAIT,
    )

    def let_go(drag: QDrag, _: Any) -> None:
        assert drag.mimeData().text() == "/scan/frames"
        for target, taken in ((browser, False), (canvas, True)):
            for kind in ("enter", "drop"):
                event = drop_event(kind, drag.mimeData())
                event.ignore()
                QApplication.sendEvent(target, event)
                assert event.isAccepted() == taken

    with monkeypatch.context() as patch:
        patch.setattr(QDrag, "exec", let_go)
        browser.tree.startDrag(Qt.DropAction.CopyAction)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=WAIT)
    assert viewer.layers[0].data.shape == (5, 12, 16)


def test_keyboard_reaches_everything(browser: BrowserWidget, qtbot: Any) -> None:
    browser.tree.setFocus()
    qtbot.keyClick(browser.tree, "f", modifier=_control())
    qtbot.waitUntil(browser.filter.hasFocus, timeout=WAIT)
    qtbot.keyClicks(browser.filter, "flat")
    qtbot.keyClick(browser.filter, _escape())
    assert browser.filter.text() == ""
    reached = set()
    for _ in range(15):
        browser.focusNextChild()
        reached.add(browser.focusWidget())
    assert reached >= {
        browser.open_button,
        browser.layer_button,
        browser.reload_button,
        browser.filter,
        browser.search_button,
        browser.tree,
        browser.object.details,
    }


def _control() -> Any:
    from qtpy.QtCore import Qt

    return Qt.KeyboardModifier.ControlModifier


def _escape() -> Any:
    from qtpy.QtCore import Qt

    return Qt.Key.Key_Escape


def test_the_dock_lies_across_below_the_canvas(browser: BrowserWidget) -> None:
    from qtpy.QtCore import Qt

    browser.resize(500, 900)
    assert browser.split.orientation() == Qt.Orientation.Vertical
    browser.resize(1400, 500)
    assert browser.split.orientation() == Qt.Orientation.Horizontal


def test_menus_open_the_dock(make_napari_viewer: Any, path: Path) -> None:
    from app_model.types import MenuItem
    from napari._app_model import get_app_model

    viewer = make_napari_viewer()
    (signal,) = nef.read(path, "/scan/flat")
    viewer.add_image(signal.data, metadata={"signal": signal})
    app = get_app_model()
    (item,) = (
        item
        for item in app.menus.get_menu("napari/file/io_utilities")
        if isinstance(item, MenuItem) and item.command.id.startswith(PLUGIN)
    )
    app.commands.execute_command(item.command.id)
    (browser,) = viewer.window.dock_widgets.values()
    assert "/scan/flat" in shown(browser)
    _, another = viewer.window.add_plugin_dock_widget(PLUGIN, "HDF5 browser")
    assert isinstance(another, type(browser))


def test_manifest_offers_the_browser_in_plugins_and_io_utilities() -> None:
    package = Path(nef.__file__).parent
    manifest = PluginManifest.from_file(package / "napari.yaml")
    command = f"{PLUGIN}.browse"
    (widget,) = (w for w in manifest.contributions.widgets if w.command == command)
    assert widget.display_name == "HDF5 browser"
    menu = manifest.contributions.menus["napari/file/io_utilities"]
    assert [item.command for item in menu] == [command]
    manifest.validate_imports()
