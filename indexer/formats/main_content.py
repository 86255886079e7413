"""The regions of a page in, the lines that are its main content out: no menus, banners, pagers, footers.

Where a page says which part is its own (`main`, an only `article`), that is believed. Elsewhere what frames a page is
known by its role, and menus that say nothing of themselves by the density of their links (Kohlschütter, Fankhauser and
Nejdl 2010, Boilerplate Detection using Shallow Text Features), but only outside of the part that holds the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FRAME_TAGS = frozenset(("header", "footer", "aside"))  # of the page, unless in a scope
FRAMES = frozenset(("nav", "search", "dialog"))
FRAME_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "dialog", "alertdialog"))
CONTAINERS = frozenset("body div section article main center form table tr td th fieldset".split())  # noqa: SIM905
# What may be recognised as a menu or as the place of the text.
REGIONS = CONTAINERS | FRAMES | FRAME_TAGS | {"p", "ul", "ol", "dl", "menu"}

# What a `div` that frames the page is called where it has no role.
_FRAME_NAME = re.compile(
    r"\bcookie[-_]?(?:banner|bar|notice|consent|popup|law|overlay|message)|\bgdpr|onetrust"
    r"|(?:^|\s)(?:site-|page-)?footer(?:\s|$)",
    re.IGNORECASE,
)
MOST_TEXT = 2 / 3  # of the text beside links: the part that holds it is where the page's content stands
MENU_DENSITY = 0.5  # of a region's characters, those in links
MAX_PAGER = 300  # characters around the links to the next page and the former one; at most half are no links
LEAST_KEPT = 1 / 4  # of the characters; a page that would lose more is a list of links, and that is its content
LEAST_MAIN = 1 / 4


@dataclass(slots=True)
class Region:
    """An element of a page that begins and ends a line."""

    tag: str
    role: str  # "main", "article", "frame" (around the content), "header" (of the page), ""
    parent: int  # index of the region around it, -1 for none
    start: int  # index of its first line
    end: int = 0  # exclusive
    pager: bool = False  # holds a link to the next or the former page


@dataclass(frozen=True, slots=True)
class Lines:
    """A page as it was written: by line, its characters and those in links, and the levels of the headings."""

    texts: Sequence[str]
    linked: Sequence[int]
    headings: Mapping[int, int]  # index of a line, level


def is_scope(region: Region) -> bool:
    """Tell whether a header within a region is one of that part, not of the page."""
    return region.tag == "section" or region.role in ("main", "article")


def role_of(tag: str, attributes: Mapping[str, str], *, scoped: bool) -> str:
    """Return what an element is on its page; see `Region`.

    Args:
        scoped: it stands within a scope.
    """
    role = attributes.get("role")
    if tag == "main" or role == "main":
        return "main"
    if tag in FRAMES or role in FRAME_ROLES:
        return "frame"
    if not scoped and (tag in FRAME_TAGS or role == "complementary"):
        return "header" if tag == "header" else "frame"
    if tag == "div" and not scoped and any(_FRAME_NAME.search(attributes.get(it, "")) for it in ("id", "class")):
        return "frame"
    return "article" if tag == "article" or role == "article" else ""


def main_lines(page: Lines, regions: Sequence[Region]) -> bytearray:
    """Mark lines that are main content by 1, others by 0; all by 1 where nothing but headings would be left."""
    everything = bytearray(b"\1" * len(page.texts))
    unframed = everything.copy()
    headline = _only_headline(page)
    for region in regions:
        held = region.start <= headline < region.end
        if region.role == "frame" or (region.role == "header" and not held):
            _drop(unframed, region)
    main = _declared_main(page, regions, unframed)
    kept = _within(main, unframed) if main else _without_menus(page, regions, unframed)
    for mask in (kept, unframed, everything):
        if _says_something(page, mask):
            if headline >= 0:
                mask[headline] = 1
                if headline and not page.texts[headline - 1]:
                    mask[headline - 1] = 1
            return mask
    return everything


def _only_headline(page: Lines) -> int:
    """Find the line of the page's only heading of level 1, its title wherever it stands; -1 where there is none."""
    first = [line for line, level in page.headings.items() if level == 1]
    return first[0] if len(first) == 1 else -1


def _drop(mask: bytearray, region: Region) -> None:
    mask[region.start : region.end] = bytes(max(region.end - region.start, 0))


def _within(parts: Iterable[Region], mask: bytearray) -> bytearray:
    inside = bytearray(len(mask))
    for it in parts:
        inside[it.start : it.end] = mask[it.start : it.end]
    return inside


def _says_something(page: Lines, mask: bytearray) -> bool:
    return any(text and line not in page.headings for line, text in compress(enumerate(page.texts), mask))


class _Weights:
    """How many characters the lines of a region have that are kept, and how many of them in links."""

    def __init__(self, page: Lines, mask: bytearray) -> None:
        self.all = list(accumulate((len(it) * kept for it, kept in zip(page.texts, mask, strict=True)), initial=0))
        self.linked = list(accumulate((it * kept for it, kept in zip(page.linked, mask, strict=True)), initial=0))

    def characters(self, region: Region) -> int:
        return self.all[region.end] - self.all[region.start]

    def plain(self, region: Region) -> int:
        return self.characters(region) - self.linked[region.end] + self.linked[region.start]

    def is_dense(self, region: Region) -> bool:
        return self.plain(region) <= (1 - MENU_DENSITY) * self.characters(region)


def _declared_main(page: Lines, regions: Sequence[Region], mask: bytearray) -> list[Region]:
    """Find what the page itself says is its content, if it holds enough of the text to be believed."""
    weights = _Weights(page, mask)
    plain = weights.all[-1] - weights.linked[-1]
    mains = [it for it in regions if it.role == "main"]
    if mains and sum(map(weights.characters, mains)) >= LEAST_MAIN * plain:
        return mains
    articles = [it for it in regions if it.role == "article"]
    outer = [it for it in articles if it.start <= articles[0].start or it.start >= articles[0].end]
    if len(outer) == 1 and weights.plain(outer[0]) > plain / 2:
        return outer
    return []


def _without_menus(page: Lines, regions: Sequence[Region], mask: bytearray) -> bytearray:
    """Without the regions that are mostly links and stand before or after the text, and without pagers."""
    weights = _Weights(page, mask)
    text = _text_region(page, regions, mask, weights)
    headings = [line for line in page.headings if mask[line] and text.start <= line < text.end]
    start = headings[0] if headings else text.start
    kept = mask.copy()
    for region in regions:
        outside = region.end <= start or region.start >= text.end
        if outside and weights.is_dense(region):
            _drop(kept, region)
    for region in _pagers(page, regions, weights):
        _drop(kept, region)
    left = sum(map(len, compress(page.texts, kept)))
    return kept if left >= LEAST_KEPT * weights.all[-1] else mask


def _pagers(page: Lines, regions: Sequence[Region], weights: _Weights) -> Iterator[Region]:
    """Find the regions around a link to the next page that are still a line or two, and no heading in them."""
    headings = list(page.headings)
    paged = [it.pager for it in regions]
    for index in reversed(range(len(regions))):  # what stands in a region comes after it
        region = regions[index]
        if paged[index] and region.parent >= 0:
            paged[region.parent] = True
        small = weights.characters(region) <= MAX_PAGER and weights.plain(region) <= MAX_PAGER / 2
        if paged[index] and small and bisect_left(headings, region.start) == bisect_left(headings, region.end):
            yield region


def _text_region(page: Lines, regions: Sequence[Region], mask: bytearray, weights: _Weights) -> Region:
    """Find the innermost region with nearly all of the text, and a heading of the highest level of those around it."""
    found = Region("", "", -1, 0, len(page.texts))
    inner = -1
    levels = {line: level for line, level in page.headings.items() if mask[line]}
    top = min(levels.values(), default=0)
    tops = [line for line, level in levels.items() if level == top]
    for index, region in enumerate(regions):
        if region.tag not in CONTAINERS or region.parent != inner:
            continue
        titled = not tops or bisect_left(tops, region.start) < bisect_left(tops, region.end)
        if titled and weights.plain(region) > MOST_TEXT * weights.plain(found):
            found, inner = region, index
    return found
