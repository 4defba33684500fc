"""Save as EMD…: no file is replaced unless its owner was asked about that very file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_emd_flatfield.plugin.saving import ask_where

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Person:
    """Types names into the dialog, and answers questions."""

    def __init__(
        self, patch: pytest.MonkeyPatch, typed: Sequence[str], answers: Sequence[bool]
    ) -> None:
        self.typed, self.answers = list(typed), list(answers)
        self.asked: list[str] = []
        patch.setattr(QFileDialog, "getSaveFileName", self.type_name)
        patch.setattr(QMessageBox, "question", self.answer)

    def type_name(self, *_args: Any, **_options: Any) -> tuple[str, str]:
        return self.typed.pop(0), ""

    def answer(self, _parent: Any, _title: str, text: str, **_options: Any) -> Any:
        self.asked.append(text)
        buttons = QMessageBox.StandardButton
        return buttons.Yes if self.answers.pop(0) else buttons.No


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("new", "new.emd"),
        ("new.emd", "new.emd"),
        ("new.H5", "new.H5"),
        ("scan_0.5nm", "scan_0.5nm.emd"),
        ("corrected.v2", "corrected.v2.emd"),
    ],
)
def test_a_name_gets_an_extension_by_which_it_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, expected: str
) -> None:
    person = Person(monkeypatch, [str(tmp_path / typed)], [])
    assert ask_where("corrected.emd") == tmp_path / expected
    assert not person.asked


@pytest.mark.parametrize("typed", ["precious", "precious.emd"])
def test_a_file_is_replaced_only_if_its_owner_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    (tmp_path / "precious.emd").touch()
    names = [str(tmp_path / typed), str(tmp_path / "other"), str(tmp_path / typed)]
    person = Person(monkeypatch, names, [False, True])
    assert ask_where("corrected.emd") == tmp_path / "other.emd"
    assert ask_where("corrected.emd") == tmp_path / "precious.emd"
    assert len(person.asked) == 2
    assert all("precious.emd exists" in question for question in person.asked)


def test_whoever_cancels_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(monkeypatch, [""], [])
    assert ask_where("corrected.emd") is None
    assert not person.asked
