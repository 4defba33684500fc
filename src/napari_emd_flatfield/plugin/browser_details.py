"""What a file says about an object, beside the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextFormat
from qtpy.QtWidgets import QTextEdit, QWidget

from ..plaintext import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

# Longer values, e.g. whole log files, are cut.
_LONGEST = 4000


class DetailsPane(QTextEdit):
    """Names and values in sections, to read and to copy.

    They are inserted as text, so that nothing in a file passes for markup.

    Parameters
    ----------
    parent
        Widget it lies in.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName("Attributes and comments")
        self._title, self._name, self._value = (QTextCharFormat() for _ in range(3))
        self._title.setFontWeight(QFont.Weight.Bold)
        self._title.setProperty(QTextFormat.Property.FontSizeAdjustment, 1)
        self._name.setFontWeight(QFont.Weight.Bold)

    def show_sections(self, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """Show names and values.

        Parameters
        ----------
        sections
            By title. The value of an empty name is the object's own.
        """
        self.clear()
        step = self.fontMetrics().height()
        cursor = self.textCursor()
        heading, line = QTextBlockFormat(), QTextBlockFormat()
        heading.setTopMargin(step / 2)
        line.setLeftMargin(step)
        line.setTextIndent(-step)
        for title, values in sections.items():
            # The first block is there from the beginning.
            if cursor.atStart():
                cursor.setBlockCharFormat(self._title)
            else:
                cursor.insertBlock(heading)
            cursor.insertText(printable(title), self._title)
            if not values:
                cursor.insertBlock(line)
                cursor.insertText("no attributes", self._value)
            for name, value in values.items():
                cursor.insertBlock(line)
                cursor.insertText(f"{printable(name) or 'value'}  ", self._name)
                cursor.insertText(_text(value), self._value)


def _text(value: Any) -> str:
    if value is None:
        return "(empty)"
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        # A line feed of the text's own would start a paragraph without margins.
        text = "\u2028".join(map(printable, str(value).splitlines()))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    return text
