"""What can be done with the objects selected in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QMenu, QWidget

from ..lazy import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..formats.entries import Entry

_ROLES = {"raw": "raw", "flat": "flats", "dark": "dark"}


class ObjectMenu(QMenu):
    """A menu of actions; says which was chosen, and leaves doing it to others.

    Its shortcuts work where the menu's parent has the focus.

    Parameters
    ----------
    parent
        The view that shows the objects.
    """

    opening = QtSignal(object, object)  # as which role, which part; None as it is
    copying_paths = QtSignal()
    copying_lines = QtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.open_action = self._action("Open as layer", "Return")
        self.open_action.triggered.connect(lambda: self.opening.emit(None, None))
        self.setDefaultAction(self.open_action)
        self.role_actions = [self._action(f"Open as {_ROLES[role]}") for role in _ROLES]
        for role, action in zip(_ROLES, self.role_actions, strict=True):
            action.triggered.connect(
                lambda _checked=False, role=role: self.opening.emit(role, None)
            )
        self.addSeparator()
        self.part_actions = [self._action(f"Open {part}") for part in get_args(Part)]
        for part, action in zip(get_args(Part), self.part_actions, strict=True):
            action.triggered.connect(
                lambda _checked=False, part=part: self.opening.emit(None, part)
            )
        self.addSeparator()
        self.path_action = self._action("Copy HDF5 path", QKeySequence.StandardKey.Copy)
        self.path_action.triggered.connect(self.copying_paths)
        self.line_action = self._action("Copy Python line that reads it")
        self.line_action.triggered.connect(self.copying_lines)
        self.offer([])

    def offer(self, entries: Sequence[Entry]) -> None:
        """Offer what can be done with some objects.

        Parameters
        ----------
        entries
            Those selected.
        """
        images = [entry for entry in entries if entry.may_hold_image]
        for action in (self.open_action, *self.role_actions, self.line_action):
            action.setEnabled(bool(images))
        for action in self.part_actions:
            action.setVisible(any(entry.is_complex for entry in entries))
        self.path_action.setEnabled(bool(entries))

    def _action(
        self, text: str, shortcut: str | QKeySequence.StandardKey | None = None
    ) -> QAction:
        action = QAction(text, self.parent())
        if shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.parent().addAction(action)
        self.addAction(action)
        return action
