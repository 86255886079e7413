"""Characters that are written in several ways in, one of them out. The only module that knows OpenCC.

Simplified and traditional Chinese and the forms of Japan are one character by OpenCC's tables, each by itself: which
of several simplified ones a traditional one stands for depends on the word, and would part what a question has from
what a passage has. Hiragana and katakana are one, since many words are written in either.
"""

from __future__ import annotations

import re
from functools import cache

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x31350))
_KANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}


def one_form(run: str) -> str:
    """Write every character of a run of Chinese or Japanese in one of its forms; there are as many as before."""
    return run.translate(_table() if HAN.search(run) else _KANA)


@cache
def _table() -> dict[int, int]:
    """Make the table, which takes a twentieth of a second."""
    from opencc import OpenCC

    simplified = OpenCC("t2s")
    traditional = OpenCC("jp2t")
    every = [chr(code) for block in _BLOCKS for code in range(*block)]
    becomes = simplified.convert(traditional.convert("\n".join(every))).split("\n")
    pairs = zip(every, becomes, strict=True)
    return {ord(one): ord(other) for one, other in pairs if one != other and len(other) == 1} | _KANA
