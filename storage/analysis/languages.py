"""A text in, the language that its words are stemmed by out. The only module that knows py3langid.

Where many words of a passage are among the commonest ones of English, it is English: that is known in a hundredth of
the time. Of other passages the beginning is put to py3langid, a naive Bayes classifier over n-grams of bytes (Lui and
Baldwin, "langid.py: An Off-the-shelf Language Identification Tool", ACL 2012), and its answer is taken where it is far
from English. On what is as short as a question it is often wrong; so questions are never put to it, but looked for by
the stems of every language that the collection has.

Words of other scripts are stemmed by their script alone, in whatever they stand.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ENGLISH = "en"
# Snowball's algorithm for each language of Latin script that has one, by ISO 639-1. English has Porter's, by which
# published figures of BM25 are made.
LATIN = {
    ENGLISH: "porter", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "eo": "esperanto",
    "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish",
    "hu": "hungarian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
NAMES = {code: algorithm.capitalize() for code, algorithm in LATIN.items()} | {ENGLISH: "English"}
_SAME = {"nb": "no", "nn": "no"}
# Others that are told apart from these, and have no stems of their own.
_OTHERS = ("af", "bs", "cy", "gl", "hr", "is", "la", "lv", "ms", "mt", "sk", "sl", "sq", "sw", "tl", "vi")
# Words that no other of these languages has.
_COMMON = {
    "the", "and", "that", "with", "this", "from", "which", "have", "not", "been", "were", "their", "has", "will",
    "would", "you", "your",
}  # fmt: skip
_SHARE = 0.08  # of such words in an English text: fewer are in lists, code and tables
_READ = 300  # characters that are looked at
# By how much a text is likelier to be in another language than in English, as a natural logarithm. Of two words of
# English 5 in 1,000 are beyond it, of eight 3; of eight words of German, French, Spanish, Dutch, Swedish, Finnish and
# Polish 860 to 990 in 1,000 are, of eighty at least 980.
_FAR = 10.0
_FIRST, _LAST = "\u0041", "\u024f"  # letters of Latin script


def language_of(text: str) -> str:
    """Return the language of a passage, a key of `LATIN`; that of one without one is ENGLISH."""
    beginning = text[:_READ]
    words = beginning.lower().split()
    if sum(map(_COMMON.__contains__, words)) >= _SHARE * len(words):
        return ENGLISH
    letters = [_FIRST <= letter <= _LAST for letter in beginning if letter.isalpha()]
    if sum(letters) <= len(letters) / 2:
        return ENGLISH
    likely = dict(_identifier().rank(beginning.encode("utf-8", "replace").decode()))
    best = max(likely, key=likely.__getitem__)
    found = _SAME.get(best, best)
    return found if found in LATIN and likely[best] > likely[ENGLISH] + _FAR else ENGLISH


@cache
def _identifier() -> LanguageIdentifier:
    """Load the classifier, which takes half a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = {*LATIN, *_SAME, *_OTHERS}
    identifier.set_languages(sorted(known.intersection(identifier.labels)))
    return identifier
