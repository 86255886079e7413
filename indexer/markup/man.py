"""A page of the manual in, its words without the typesetting, line for line, and its headings out."""

from __future__ import annotations

import re
from typing import NamedTuple

LEVELS = {"TH": 1, "Dt": 1, "SH": 2, "Sh": 2, "SS": 3, "Ss": 3}
# Requests and macros that say nothing to read; the arguments of all others are words.
_SILENT_ROFF = (
    "ad br ce cs ds ec el eo EE EX fi ft ftr hy HP ie if ig in IX ll LP na ne nf nh nr P PD PP ps RE rm rr RS sp so"
)
_SILENT_MAN = "Sp ta TE ti TP tr TS UC Vb Ve AT DT Bd Bk Bl Dd Ed Ek El Os Pp Sm Rs Re Oc Xc Xo Fc"
SILENT = frozenset(f"{_SILENT_ROFF} {_SILENT_MAN}".split())
JOINED = frozenset(("BR", "RB", "BI", "IB", "IR", "RI"))  # alternate fonts within a word
# In the arguments of mdoc's macros: names of other macros, the words that some stand for.
_ARGUMENTS = "Ar Cm Dv Em Er Ev Fa Ft Ic Li Nm Oc Pa Sy Va Vt Xc Xo No Oo"
_CALLED = frozenset(_ARGUMENTS.split())
_CLOSERS = {"Op": "[]", "Dq": "“”", "Sq": "‘’", "Ql": "‘’", "Qq": '""', "Pq": "()", "Aq": "<>", "Bq": "[]", "Brq": "{}"}
_CHARACTERS = {
    "aq": "'", "dq": '"', "cq": "’", "oq": "‘", "lq": "“", "rq": "”", "em": "—", "en": "–", "hy": "-", "mi": "-",
    "bu": "•", "co": "©", "rg": "®", "tm": "™", "ha": "^", "ti": "~", "ga": "`", "rs": "\\", "bs": "\\", "at": "@",
    "sh": "#", "Do": "$", "lB": "[", "rB": "]", "lC": "{", "rC": "}", "ba": "|", "or": "|", "sl": "/", "<=": "≤",
    ">=": "≥", "!=": "≠", "->": "→", "<-": "←", "mu": "×", "+-": "±", "de": "°", "ss": "ß", ":a": "ä", ":o": "ö",
    ":u": "ü", ":A": "Ä", ":O": "Ö", ":U": "Ü", "'e": "é", "`e": "è", "'a": "á", "'o": "ó", "oa": "å", ",c": "ç",
    "~n": "ñ", "R": "®", "Tm": "™", "C+": "C++", "--": "–", 'L"': '"', 'R"': '"', "C`": '"', "C'": '"',
}  # fmt: skip
_SIMPLE = {"-": "-", "e": "\\", "\\": "\\", " ": " ", "~": " ", "0": " ", "'": "'", "`": "`", ".": ".", "t": "\t"}
_ESCAPE = re.compile(
    r"""\\(?:["\#].*                                # a comment
    |f(?:\[[^\]]*\]|\(..|.)|s[-+]?\d{1,2}           # fonts and sizes
    |[mMFngk](?:\[[^\]]*\]|\(..|.)                  # colours and registers
    |[hvwlLDXZbo]'[^'\n]*'                          # moves and drawings
    |\*?(?:\[(?P<long>[^\]\n]*)\]|\((?P<two>..))    # characters and strings by name
    |\*(?P<string>.)|(?P<one>.|$))""",
    re.VERBOSE,
)
_CODE = re.compile(r"u([0-9A-F]{4,5})")
_REQUEST = re.compile(r"[.'][ \t]*([^\s\\\"]{1,3})(?=[\s\\\"]|$)[ \t]*(.*)")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|((?:[^\s\\]|\\ |\\)+)')
_BEFORE_POINT = re.compile(r" (?=[.,;:)\]?!](?:\s|$))")


class Page(NamedTuple):
    """The words of a page, as many lines as its source has, and its headings (offset, level, title)."""

    text: str
    headings: list[tuple[int, int, str]]


def page(source: str) -> Page:
    """Read a page in the macros man(7) or mdoc(7) as text.

    Args:
        source: with "\\n" as its only line break.
    """
    lines: list[str] = []
    headings: list[tuple[int, int, str]] = []
    offset = pending = 0  # pending: the level of a heading whose words are on the next line
    name = until = ""  # of the page; what ends a definition
    for line in source.split("\n"):
        macro, arguments = _request(line)
        if until or macro in ("de", "de1", "am", "ig"):
            until = "" if until and line.rstrip() == until else until or _end(macro, arguments)
            words = ""
        else:
            words = _words(macro, arguments, name) if macro else _unescaped(line)
        if macro == "Nm" and not name:
            name = words.strip()
        level = LEVELS.get(macro, 0 if macro else pending)
        if level and words.strip():
            headings.append((offset, level, words))
        pending = level if not words.strip() else 0
        lines.append(words)
        offset += len(words) + 1
    return Page("\n".join(lines), headings)


def _request(line: str) -> tuple[str, list[str]]:
    """Split a request into its name and its arguments; "" for a line of text."""
    if not line.startswith((".", "'")):
        return "", []
    match = _REQUEST.match(line)
    if not match:  # a comment, or a lone point
        return "\\", []
    return match[1], [
        (quoted.replace('""', '"') if quoted or not word else word) for quoted, word in _ARGUMENT.findall(match[2])
    ]


def _end(macro: str, arguments: list[str]) -> str:
    """Return the line that ends a definition or what is to be ignored."""
    named = arguments[0:1] if macro == "ig" else arguments[1:2]
    return "." + (named[0] if named else ".")


def _words(macro: str, arguments: list[str], name: str) -> str:
    """Read what a request says."""
    if macro in SILENT or macro.startswith("\\"):
        return ""
    arguments = [_unescaped(argument) for argument in arguments]
    if macro in ("TH", "Dt", "Xr") and len(arguments) > 1 and arguments[1]:
        return f"{arguments[0]}({arguments[1]})" + "".join(arguments[2:] if macro == "Xr" else ())
    if macro in ("IP", "TH", "Dt"):
        return " ".join(arguments[:1])
    if macro in JOINED:
        return "".join(arguments)
    if macro == "Nd":
        return "- " + " ".join(arguments)
    if macro[0].isupper() and macro[1:].islower() and macro not in LEVELS:
        return _mdoc([macro, *(arguments or ([name] if macro == "Nm" else []))])
    return " ".join(arguments)


def _mdoc(words: list[str]) -> str:
    """Read a line of mdoc(7): macros among their arguments; brackets and quotes end with the line."""
    said: list[str] = []
    closing = ""
    glue = False
    for at, word in enumerate(words):
        if word in _CLOSERS:
            said.append(_CLOSERS[word][0])
            closing = _CLOSERS[word][1] + closing
            glue = True
            continue
        if word == "Fl":
            said.append("-" if glue or not said else " -")
            glue = True
            continue
        if word in ("Ns", "Ap"):
            glue = True
            said += ["'"] if word == "Ap" else []
            continue
        if word in _CALLED or at == 0:
            continue
        said += [word] if glue or not said else [" " + word]
        glue = False
    return _BEFORE_POINT.sub("", "".join(said) + closing)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    if escape["one"] is not None:
        return _SIMPLE.get(escape["one"], "")
    name = escape["long"] or escape["two"] or escape["string"] or ""
    code = _CODE.fullmatch(name)
    return chr(int(code[1], 16)) if code else _CHARACTERS.get(name, "")
