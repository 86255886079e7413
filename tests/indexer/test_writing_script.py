"""The script of a text: told for every language that is written in another than Latin, and for nothing else."""

from __future__ import annotations

import pytest

from indexer.read.writing_script import SAMPLE, script_of

# Article 1 of the Universal Declaration of Human Rights, in the official translations.
ARTICLES = {
    "Han": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "Hangul": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Cyrillic": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "Arabic": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا",
    "Hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Devanagari": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "Georgian": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "Tamil": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; அவர்கள் மதிப்பிலும், உரிமைகளிலும் சமமானவர்கள்",
}
LATIN = [
    "All human beings are born free and equal in dignity and rights.",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.",
    "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.",
    "ＡＬＬ ＨＵＭＡＮ ＢＥＩＮＧＳ ＡＲＥ ＢＯＲＮ ＦＲＥＥ",
    "𝐀𝐥𝐥 𝐡𝐮𝐦𝐚𝐧 𝐛𝐞𝐢𝐧𝐠𝐬 𝐚𝐫𝐞 𝐛𝐨𝐫𝐧 𝐟𝐫𝐞𝐞",
]


@pytest.mark.parametrize(("script", "text"), ARTICLES.items())
def test_a_text_is_of_the_script_of_its_language(script: str, text: str) -> None:
    assert script_of(text) == script
    assert script_of(f"# Article 1\n\n{text}\n\nhttps://www.un.org/") == script


@pytest.mark.parametrize("text", LATIN)
def test_latin_is_no_other_script_whatever_stands_above_or_below_its_letters(text: str) -> None:
    assert script_of(text) == ""


def test_japanese_in_half_width_kana_and_many_ideographs_is_japanese() -> None:
    assert script_of("ｺﾚﾊ東京都千代田区一丁目一番地一号東京駅前広場") == "Japanese"


@pytest.mark.parametrize("text", ["", " \n", "1234 5678 90.12 " * 100, "Да", "→ ★ 🜁 " * 100, "\U0010fffd\ue000" * 100])
def test_too_few_letters_tell_nothing(text: str) -> None:
    assert script_of(text) == ""


def test_more_than_half_of_the_letters_decide() -> None:
    russian, english = "Дом стоит на горе. " * 10, "The house stands on the hill. " * 10
    assert script_of(russian * 3 + english) == "Cyrillic"
    assert script_of(russian + english * 3) == ""
    assert script_of("Дом на горе " * 10 + "ο οίκος " * 10 + "the house " * 10) == ""


def test_a_foreword_in_another_language_does_not_decide_over_a_long_text() -> None:
    foreword, text = "This edition was scanned. " * 2000, ARTICLES["Cyrillic"] * 5000
    assert len(foreword) > 2 * SAMPLE
    assert script_of(foreword + text) == "Cyrillic"
    assert script_of(text + foreword) == "Cyrillic"
    assert script_of(foreword * 20 + text[:1000]) == ""
