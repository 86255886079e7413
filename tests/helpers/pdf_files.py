"""PDF files made for a test: text at places, bookmarks, forms, pictures of text."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

A4_HEIGHT = 842  # points
LEADING = 14  # points from line to line; the type is 11 points high
LEFT = 72


@dataclass
class Pdf:
    """A PDF that grows page by page.

    Args:
        password: without it nobody can read the file.
        about: title, author, subject or keywords.
    """

    password: str | None = None
    about: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file = io.BytesIO()
        encrypt = None if self.password is None else StandardEncryption(self.password, ownerPassword="owner")
        self.canvas: Any = canvas.Canvas(self.file, pagesize=(595, A4_HEIGHT), encrypt=encrypt)
        for name, value in self.about.items():
            getattr(self.canvas, f"set{name.capitalize()}")(value)

    def lines(self, *lines: str, x: float = LEFT, y: float = 720, size: float = 11, leading: float = LEADING) -> None:
        """Lines one below the other, the first at this height."""
        self.canvas.setFont("Helvetica", size)
        for number, line in enumerate(lines):
            self.canvas.drawString(x, y - number * leading, line)

    def bookmark(self, title: str, level: int = 0) -> None:
        """A bookmark that goes to the page as a whole."""
        key = f"{title}-{self.canvas.getPageNumber()}"
        self.canvas.bookmarkPage(key)
        self.canvas.addOutlineEntry(title, key, level)

    def field(self, value: str) -> None:
        """A field of a form, filled in."""
        self.canvas.acroForm.textfield(name="field", value=value, x=LEFT, y=300, width=300, height=20)

    def picture(self, image: Any) -> None:
        """A picture, as a scanner puts it on a page."""
        self.canvas.drawImage(ImageReader(image), 0, 0, width=595, height=A4_HEIGHT)

    def end_page(self) -> None:
        """The next page begins."""
        self.canvas.showPage()

    def data(self) -> bytes:
        """The file, whose last page ends here."""
        self.canvas.save()
        return self.file.getvalue()


def picture_of(*lines: str) -> Any:
    """A page with these lines, as a picture of 150 dots an inch."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1240, 1754), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(36)
    for number, line in enumerate(lines):
        draw.text((150, 200 + 44 * number), line, font=font, fill=0)
    return image
