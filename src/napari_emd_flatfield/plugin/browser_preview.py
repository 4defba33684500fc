"""A pane that shows one frame, as large as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QTextOption
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from .markup import tooltip

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from .browser_frames import Preview

_LINES = 6  # of text, which a frame is high at least


class PreviewPane(QWidget):
    """A frame with its caption, or a word on why there is none.

    Parameters
    ----------
    parent
        Widget it lies in.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame = _Frame(self)
        self.caption = QLabel(self)
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.caption.setWordWrap(True)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.frame, 1)
        layout.addWidget(self.caption)

    def show_frame(self, preview: Preview) -> None:
        """Show a frame.

        Parameters
        ----------
        preview
            The frame and its caption.
        """
        self.frame.show_image(_image(preview))
        self.caption.setText(preview.caption)
        self.caption.show()

    def show_text(self, text: str) -> None:
        """Show no frame, but a word.

        Parameters
        ----------
        text
            Plain text.
        """
        self.frame.show_text(text)
        self.caption.hide()


class _Frame(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.image: QImage | None = None
        self.text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_image(self, image: QImage) -> None:
        self.image = image
        self.update()

    def show_text(self, text: str) -> None:
        self.image, self.text = None, text
        self.setToolTip(tooltip(text) if text else "")
        self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint() * 2

    def minimumSizeHint(self) -> QSize:
        height = _LINES * self.fontMetrics().height()
        return QSize(height, height)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - all is painted
        painter = QPainter(self)
        if self.image is None:
            how = QTextOption(Qt.AlignmentFlag.AlignCenter)
            how.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
            painter.drawText(QRectF(self.rect()), self.text, how)
            return
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(0, 0, max(1, size.width()), max(1, size.height()))
        place.moveCenter(self.rect().center())
        # Pixels that are enlarged are shown as such.
        reduced = self.image.width() > place.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, reduced)
        painter.drawImage(place, self.image)


def _image(preview: Preview) -> QImage:
    height, width = preview.pixels.shape
    image = QImage(
        preview.pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8
    )
    # Qt does not keep the bytes alive.
    return image.copy()
