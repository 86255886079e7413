"""Messages: headers, bodies in whatever form, attachments with places of their own, and what is broken about them."""

from __future__ import annotations

import mailbox
import random
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from pathlib import Path

import pytest
from helpers import msg_file
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.formats.mail import messages
from indexer.formats.mime import unflowed
from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract
from storage.types import Block, Heading, LocationMark

HEAD = b"From: a@example.org\nSubject: Head\n"
NOTES = b"# Notes\n\nWhat was said.\n"


def letter(body: str = "Words.\n", **headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"Subject": "Plan", "From": "Ann Lee <ann@example.org>", **headers}.items():
        message[name] = value
    message.set_content(body)
    return message


def eml(message: EmailMessage | bytes) -> Extract:
    return extract("letter.eml", bytes(message))


def body(data: bytes) -> str:
    """What a message has below its headers."""
    return eml(data).text.partition("From: a@example.org\n\n")[2]


def test_a_letter() -> None:
    date = "Mon, 02 Jan 2023 10:20:30 +0100"
    to = '"Dœ, Jane" <jane@example.org>, bob@example.org'
    message = letter("Grüße!\n\n> You wrote:\n> this\n\n-- \nAnn\n", To=to, Cc="Cy <cy@example.org>", Date=date)
    message.replace_header("Subject", "Größerer Plan, " * 9)
    found = eml(message)
    subject = ("Größerer Plan, " * 9).strip()
    head = f"{subject}\n\nFrom: Ann Lee <ann@example.org>\nTo: Dœ, Jane <jane@example.org>, bob@example.org\n"
    head += f"Cc: Cy <cy@example.org>\nDate: {date}\n\n"
    assert found.text == head + "Grüße!\n\n> You wrote:\n> this\n\n-- \nAnn"
    assert (found.title, found.kind, found.lines) == (subject, "eml", ())
    assert found.headings == (Heading(0, 1, subject),)
    assert found.marks == (LocationMark(0, "message", 1, apart=True),)
    assert found.metadata == {
        "author": "Ann Lee <ann@example.org>",
        "to": ("Dœ, Jane <jane@example.org>", "bob@example.org"),
        "created": datetime(2023, 1, 2, 10, 20, 30, tzinfo=timezone(timedelta(hours=1))),
    }


@pytest.mark.parametrize("transfer", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "cp1252"])
def test_encodings_of_a_body(transfer: str, charset: str) -> None:
    message = EmailMessage()
    message.set_content("Grüße aus Köln = schön\n", charset=charset, cte=transfer)
    assert eml(message).text == "Grüße aus Köln = schön"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HEAD + b"\nplain", "plain"),
        (HEAD + b"Content-Type: text/plain; charset=nonsense\n\nGr\xfc\xdfe aus K\xf6ln", "Grüße aus Köln"),
        (HEAD + b"Content-Type: text/plain; charset=us-ascii\n\nGr\xc3\xbc\xc3\x9fe", "Grüße"),
        (HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B8@8l\x1b(B", "言語"),
        (HEAD + b"Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        (HEAD + b"Content-Type: ;;\nContent-Transfer-Encoding: rot13\n\nwords", "words"),
        (HEAD + b"Content-Transfer-Encoding: base64\n\nR3LDvMOf\nZQ", "Grüße"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nno end\n", "no end"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=x\n\nno parts\n", "no parts"),
        (HEAD + b"Content-Type: multipart/mixed\n\nno boundary\n", "no boundary"),
        (HEAD + b"Content-Type: text/plain; name=body.txt\n\nwords", "words"),
        (HEAD + b"Content-Type: text/html; charset=latin-1\n\n<nav>Gr\xfc\xdfe</nav><p>words", "Grüße\n\nwords"),
        (HEAD + b"Content-Type: text/html\n\n<meta charset=cp1252><p>\x93words\x94", "“words”"),
        (HEAD + b"\n\0\0\x01\x02\xff\xfe\0", "Message: not read (binary)"),
        (HEAD.replace(b"\n", b"\r\n") + b"\r\none\r\ntwo\r\n", "one\ntwo"),
        (b"\xef\xbb\xbf\r\n" + HEAD + b"\nwords", "words"),
        (b"From ann Mon Jan  2 10:20:30 2023\n" + HEAD + b"\nwords", "words"),
    ],
)
def test_bodies_as_they_come(data: bytes, expected: str) -> None:
    assert eml(data).text.replace("From: a@example.org\n\n", "").removeprefix("Head\n\n") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= all", "Grüße all"),
        (b"=?utf-8?B?R3LDvA==?=\n =?utf-8?B?w59l?=", "Grüße"),
        (b"=?utf-8?B?R3LD?=\n =?utf-8?B?vMOfZQ==?=", "Grüße"),
        (b"=?nonsense?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?B?R?= x", "=?utf-8?B?R?= x"),
        ("Grüße".encode(), "Grüße"),
        ("Größe der Straße".encode("latin-1"), "Größe der Straße"),
        (b"folded\n\tand\n more", "folded and more"),
        (b"=?", "=?"),
        (b"", ""),
    ],
)
def test_headers_as_they_come(value: bytes, expected: str) -> None:
    found = eml(b"Subject: " + value + b"\n\nwords")
    assert found.title == expected
    assert [it.title for it in found.headings] == ([expected] if expected else [])


def test_a_date_or_address_that_is_none_is_text() -> None:
    found = eml(b"From: nobody in particular\nTo: " + b"(" * 5000 + b"\nDate: last week\n\nwords")
    assert found.text.startswith("From: nobody in particular\nTo: ((((")
    assert "Date: last week\n\nwords" in found.text
    assert "created" not in found.metadata


def test_html_is_read_where_there_is_no_plain_text() -> None:
    page = "<h1>One</h1><p>text</p><ul><li>a<li>b</ul><h2>Two</h2><table><tr><th>x<tr><td>1</table><p>end"
    message = letter()
    message.set_content(page, subtype="html")
    found = eml(message)
    text = "One\n\ntext\n\n- a\n- b\n\nTwo\n\nx\n1\n\nend"
    at = found.text.index("One")
    assert found.text[at:] == text
    assert [(it.level, it.title) for it in found.headings] == [(1, "Plan"), (2, "One"), (3, "Two")]
    assert found.blocks == (Block("list", at + 11, at + 18), Block("table", at + 25, at + 28, at + 27))
    message = letter(" \n\xa0\n")
    message.add_alternative(page, subtype="html")
    assert eml(message).text.endswith(text)
    message = letter("Plain.")
    message.add_alternative(page, subtype="html")
    assert eml(message).text.endswith("\n\nPlain.")


def test_attachments_of_any_form_are_read_at_their_own_places() -> None:
    message = letter()
    message.add_alternative("<p>the same", subtype="html")
    message.add_attachment(NOTES, maintype="text", subtype="markdown", filename="nötes.md")
    message.add_attachment("Words of a page.", filename="C:\\files\\a  page.txt")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="photo.png")
    message.add_attachment(b"x", maintype="image", subtype="png", disposition="inline", cid="<1>")
    message.add_attachment(b"\0\1\2", maintype="application", subtype="octet-stream")
    message.add_attachment(b" ", maintype="text", subtype="plain", filename="blank.txt")
    message.add_attachment(b"-----BEGIN", maintype="application", subtype="pgp-signature", filename="signature.asc")
    message.add_attachment(letter("Inner words.\n", Subject="Inner"))
    found = eml(message)
    start, _, rest = found.text.partition("Words.\n\n")
    lines, rest = rest.split("\n\n", 1)
    assert lines.split("\n") == [
        "Attachment: photo.png (image)",
        "Attachment: attachment.bin (binary)",
        "Attachment: blank.txt (empty)",
    ]
    inner = "Inner\n\nFrom: Ann Lee <ann@example.org>\n\nInner words."
    assert rest == f"Notes\n\nWhat was said.\n\nWords of a page.\n\n{inner}".replace("Notes", "# Notes")
    places = [(it.unit, it.number, it.part, found.text[it.offset :].split()[0]) for it in found.marks]
    assert places == [
        ("message", 1, "", "Plan"),
        ("paragraph", 1, "nötes.md", "#"),
        ("paragraph", 1, "a page.txt", "Words"),
        ("message", 1, "Inner", "Inner"),
    ]
    assert all(it.apart for it in found.marks)
    assert start.startswith("Plan")
    assert "the same" not in found.text


def test_attachments_within_an_alternative_are_not_lost() -> None:
    message = EmailMessage()
    message["Subject"] = "Plan"
    message.make_alternative()
    message.add_alternative("Plain.\n")
    mixed = EmailMessage()
    mixed.set_content("<p>rich", subtype="html")
    mixed.add_attachment(NOTES, maintype="text", subtype="markdown", filename="notes.md")
    message.attach(mixed)
    assert eml(message).text == "Plan\n\nPlain.\n\n# Notes\n\nWhat was said."


def test_messages_within_each_other_are_read_to_a_depth() -> None:
    message = letter(Subject="Depth 0")
    for depth in range(1, 9):
        outer = letter(Subject=f"Depth {depth}")
        outer.add_attachment(message)
        message = outer
    found = eml(message)
    assert "Depth 4" in found.text
    assert "Attachment: Depth 3 (more than 4 messages within each other)" in found.text
    assert "Depth 2" not in found.text
    assert found.marks[-1].part == "Depth 7 > Depth 6 > Depth 5 > Depth 4"


def test_what_a_part_within_says_is_its_reason() -> None:
    message = letter()
    message.add_attachment(b"PK\3\4", maintype="application", subtype="zip", filename="files.zip")
    message.add_attachment(b"no pdf", maintype="application", subtype="pdf", filename="report.pdf")
    external = b"--x\nContent-Type: message/external-body; name=far\n\nContent-Type: text/plain\n\n"
    text = eml(message).text
    assert "Attachment: files.zip (archive)\nAttachment: report.pdf (" in text
    text = eml(HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + external + b"\n--x--").text
    assert text.endswith("Attachment: far (stands elsewhere)")
    status = b"Reporting-MTA: dns; a.example.org\n\nAction: failed\nStatus: 5.1.1\n\n"
    report = HEAD + b"Content-Type: multipart/report; boundary=x\n\n--x\n\nwords\n--x\n"
    text = eml(report + b"Content-Type: message/delivery-status\n\n" + status + b"--x--").text
    assert text.endswith("words\n\nReporting-MTA: dns; a.example.org\n\nAction: failed\nStatus: 5.1.1")


@pytest.mark.parametrize(
    ("flowed", "expected"),
    [
        ("a \nb\nc", "a b\nc"),
        ("> a \n> b\n>> c \n> d", "> a b\n>> c \n> d"),
        ("end \n-- \nAnn", "end \n-- \nAnn"),
        (" From\n >x", "From\n>x"),
        ("", ""),
    ],
)
def test_flowed(flowed: str, expected: str) -> None:
    assert unflowed(flowed) == expected
    head = HEAD + b"Content-Type: text/plain; format=flowed; delsp=no\n\n"
    assert body(head + flowed.encode()).strip("\n") == expected.strip("\n")


def test_flowed_without_its_spaces() -> None:
    assert unflowed("言 \n語", delete_space=True) == "言語"
    assert body(HEAD + "Content-Type: text/plain; format=Flowed; DelSp=yes\n\n言 \n語".encode()) == "言語"


def box(path: Path, *letters: EmailMessage) -> bytes:
    written = mailbox.mbox(path / "box.mbox")
    for it in letters:
        written.add(it)
    written.close()
    return (path / "box.mbox").read_bytes()


def test_an_mbox_is_its_messages(tmp_path: Path) -> None:
    second = letter("From the start,\nit went well.\n\nFrom here on\nX: not\n", Subject="Second")
    second.add_attachment(NOTES, maintype="text", subtype="markdown", filename="notes.md")
    data = box(tmp_path, letter("One.\n", Subject="First"), second, letter("Three.\n", Subject=""))
    assert b"\n>From the start" in data
    found = extract("box.mbox", data)
    frm = "From: Ann Lee <ann@example.org>"
    assert found.text == (
        f"First\n\n{frm}\n\nOne.\n\nSecond\n\n{frm}\n\nFrom the start,\nit went well.\n\nFrom here on\nX: not\n\n"
        f"# Notes\n\nWhat was said.\n\n{frm}\n\nThree."
    )
    places = [(it.unit, it.number, it.part, found.text[it.offset :].split()[0]) for it in found.marks]
    assert places == [
        ("message", 1, "First", "First"),
        ("message", 2, "Second", "Second"),
        ("paragraph", 1, "Second > notes.md", "#"),
        ("message", 3, "", "From:"),
    ]
    assert all(it.apart for it in found.marks)
    assert (found.title, found.metadata) == ("", {})
    assert extract("box", data).text == found.text  # by its first bytes


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n"])
def test_what_parts_messages(breaks: bytes) -> None:
    lines = [
        b"From ann@example.org Mon Jan  2 10:20:30 2023",
        b"Subject: one",
        b"",
        b"From me to you, at 10:20 in 2023",
        b"no header below",
        b"From - Mon Jan 02 10:20:30 2023",
        b"Subject: two",
        b"",
        b"From nobody",
        b"A: b",
        b">From x",
        b">>From y",
        b"From a b Sat Jan 07 2023 10:20:30 +0100 (CET)",
        b">From former@example.org Mon Jan  2 10:20:30 2023",
        b"Subject: three",
    ]
    found = list(messages(breaks.join(lines)))
    assert [it.split(b"\n")[0].strip() for it in found] == [b"Subject: one", b"Subject: two", lines[13][1:]]
    assert b"From nobody" in found[1]
    assert b"\nFrom x" in found[1]
    assert b"\n>From y" in found[1]


def test_no_mbox() -> None:
    assert len(list(messages(b"\n\nFrom nobody\nSubject: x\n\nwords"))) == 1
    with pytest.raises(UnreadableError, match=r"^empty$"):
        extract("box.mbox", b"\n \n")
    with pytest.raises(UnreadableError, match=r"^no mbox"):
        extract("box.mbox", b"Some words\n\nFrom nobody\nSubject: x\n")


def nested(depth: int, lines: int = 1) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (it, it) for it in range(depth))
    return HEAD + head + b"\n" + b"words\n" * lines


@pytest.mark.parametrize(
    "data",
    [
        nested(300),
        nested(5000),
        nested(500, lines=500_000),
        HEAD + b"Content-Type: message/rfc822\n\n" * 3000 + b"words",
        b"Subject: " + b"=?utf-8?q?" * 200_000 + b"\n\nwords",
        b"To: " + b"<" * 200_000 + b"\n\nwords",
        b"To: " + b"a," * 200_000 + b"\n\nwords",
        b"Content-Type: text/plain" + b"; a=b" * 200_000 + b"\n\nwords",
        b'Content-Type: text/plain; a="' + b'\\";' * 200_000 + b"\n\nwords",
        b"Date: " + b"1 " * 200_000 + b"\n\nwords",
        b"X: y\n" * 200_000 + b"\nwords",
        b"Content-Type: text/plain; format=flowed\n\n" + b"words \n" * 500_000,
        b"Content-Type: text/html\n\n" + b"<div>" * 50_000 + b"words",
    ],
    ids=range(13),
)
def test_hostile_messages_are_read_all_the_same(data: bytes) -> None:
    assert "words" in eml(data).text


def test_parts_beyond_the_limit_are_told() -> None:
    data = HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nwords\n" * 2000 + b"--x--"
    text = eml(data).text
    assert text.count("words") == 999
    assert text.endswith("more than 1,000 parts, the others are not read")


LINES = r"""
Subject: =?utf-8?B?/w==?=
Content-Type: multipart/mixed; boundary=x
Content-Type: multipart/alternative; boundary=y
Content-Type: message/rfc822
Content-Type: message/delivery-status
Content-Type: text/html
Content-Type: text/plain; charset=ÿ
Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=b
Content-Disposition: attachment; filename="a.txt
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: uuencode
From a 10:00 2000
To: ÿ <@>, (((
Date: Mon, 99 Foo 99999 99:99:99 +9999
begin 644 x
--x
--x--
--y
--y--
=ff
words
<p>x
""".split("\n")  # noqa: SIM905


@settings(max_examples=400, deadline=None)
@given(lines=st.lists(st.sampled_from([*LINES, "\0"]), max_size=30))
def test_any_message_gives_text_that_can_be_stored(lines: list[str]) -> None:
    data = "\n".join(lines).encode("latin-1")
    for name in ("a.eml", "a.mbox"):
        try:
            found = extract(name, b"From a 10:00 2000\nA: b\n\n" + data if name == "a.mbox" else data)
        except UnreadableError as error:
            pytest.fail(f"{name}: {error}")
        found.text.encode()
        assert [it.offset for it in found.marks] == sorted(it.offset for it in found.marks)
        assert all(found.text[it.offset :].startswith(it.title) for it in found.headings)


SUBJECT, BODY, HTML, SENDER, SMTP, NAME, SENT = 0x0037, 0x1000, 0x1013, 0x0C1A, 0x5D01, 0x3001, 0x0039
RECIPIENT, KIND, FILE, DATA, CODEPAGE = 0x39FE, 0x0C15, 0x3707, 0x3701, 0x3FFD


def msg(tree: msg_file.Tree) -> Extract:
    return extract("letter.msg", msg_file.compound_file(tree))


def test_a_message_of_outlook() -> None:
    sent = datetime(2023, 5, 6, 7, 8, tzinfo=UTC)
    own: msg_file.Properties = {
        SUBJECT: "Größerer Plan",
        BODY: "Grüße!\r\n\r\nAnn",
        SENDER: "Ann Lee",
        SMTP: "ann@example.org",
        SENT: sent,
    }
    people: tuple[msg_file.Properties, ...] = (
        {NAME: "Bob", RECIPIENT: "bob@example.org", KIND: 1},
        {NAME: "cy@example.org", KIND: 2},
    )
    inner = msg_file.message({SUBJECT: "Inner", BODY: "Inner words."}, header=24)
    files: list[msg_file.Properties | tuple[msg_file.Properties, msg_file.Tree]] = [
        {FILE: "notes.md", DATA: NOTES + b"More of it.\n" * 1000},
        {FILE: "photo.png", DATA: b"\x89PNG"},
        {FILE: "logo.png", DATA: b"\x89PNG", 0x3712: "cid", 0x370E: "image/png"},
        {FILE: "far.txt"},
        ({NAME: "Inner"}, inner),
    ]
    found = msg(msg_file.message(own, people, files))
    head = "Größerer Plan\n\nFrom: Ann Lee <ann@example.org>\nTo: Bob <bob@example.org>\nCc: cy@example.org\n"
    head += "Date: 2023-05-06 07:08+00:00\n\nGrüße!\n\nAnn\n\n"
    unread = "Attachment: far.txt (stands elsewhere, or is empty)\nAttachment: photo.png (image)\n\n"
    notes = "# Notes\n\nWhat was said.\n" + "More of it.\n" * 1000
    assert found.text == head + unread + notes + "\nInner\n\nInner words."
    assert [(it.unit, it.number, it.part) for it in found.marks] == [
        ("message", 1, ""),
        ("paragraph", 1, "notes.md"),
        ("message", 1, "Inner"),
    ]
    assert found.title == "Größerer Plan"
    assert found.metadata == {"author": "Ann Lee <ann@example.org>", "to": ("Bob <bob@example.org>",), "created": sent}


def test_bodies_of_outlook() -> None:
    page = "<meta charset=cp1252><h1>Grüße</h1><p>words".encode("cp1252")
    assert msg(msg_file.message({SUBJECT: "x", HTML: page})).headings[1] == Heading(3, 2, "Grüße")
    assert msg(msg_file.message({HTML: "<p>words"})).text == "words"
    assert msg(msg_file.message({CODEPAGE: 1251, BODY: ("Привет, мир".encode("cp1251"),)})).text == "Привет, мир"
    assert msg(msg_file.message({CODEPAGE: 99999, BODY: (b"words \xe9t\xe9",)})).text == "words été"
    told = "Message: not read (kept as compressed RTF alone)"
    assert msg(msg_file.message({SUBJECT: "x", 0x1009: b"rtf"})).text == f"x\n\n{told}"


def test_messages_of_outlook_within_each_other() -> None:
    tree = msg_file.message({SUBJECT: "Depth 0"}, header=24)
    for depth in range(1, 9):
        tree = msg_file.message({SUBJECT: f"Depth {depth}"}, (), [({NAME: "x"}, tree)], header=32 if depth == 8 else 24)
    text = msg(tree).text
    assert "Depth 4" in text
    assert text.endswith("Attachment: Depth 3 (more than 4 messages within each other)")


def test_no_message_of_outlook() -> None:
    with pytest.raises(UnreadableError, match=r"^no Outlook message$"):
        extract("a.msg", b"words")
    with pytest.raises(UnreadableError, match=r"^no Outlook message$"):
        extract("a.msg", msg_file.compound_file({"WordDocument": b"x"}))
    data = msg_file.compound_file(msg_file.message({SUBJECT: "Plan", BODY: "words " * 3000}))
    with pytest.raises(UnreadableError, match=r"^damaged, or no msg"):
        extract("a.msg", data[:600])


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_message_of_outlook_is_told_or_read(seed: int) -> None:
    dice = random.Random(seed)
    attached: msg_file.Properties = {FILE: "notes.md", DATA: NOTES * 300}
    data = bytearray(msg_file.compound_file(msg_file.message({SUBJECT: "Plan", BODY: "words"}, (), [attached])))
    for _ in range(20):
        data[dice.randrange(8, len(data))] = dice.randrange(256)
    try:
        extract("a.msg", bytes(data)).text.encode()
    except UnreadableError as error:
        assert str(error)
