"""OLLAMA_HOST is read as Ollama's own programs read it."""

from __future__ import annotations

import pytest

from indexer.embed.remote.address import base_url, duration, is_loopback
from storage.errors import UnreachableError

# The table of the server, as a client that connects reads it: an empty or unspecified host is loopback.
SERVER = [
    ("", "http://127.0.0.1:11434"),
    ("1.2.3.4", "http://1.2.3.4:11434"),
    (":1234", "http://127.0.0.1:1234"),
    ("1.2.3.4:1234", "http://1.2.3.4:1234"),
    ("example.com", "http://example.com:11434"),
    ("example.com:1234", "http://example.com:1234"),
    (":0", "http://127.0.0.1:0"),
    (":66000", "http://127.0.0.1:11434"),
    (":-1", "http://127.0.0.1:11434"),
    ("[::1]", "http://[::1]:11434"),
    ("[::]", "http://[::1]:11434"),
    ("::1", "http://[::1]:11434"),
    ("[::1]:1337", "http://[::1]:1337"),
    (" 1.2.3.4 ", "http://1.2.3.4:11434"),
    ('"1.2.3.4"', "http://1.2.3.4:11434"),
    (' " 1.2.3.4 " ', "http://1.2.3.4:11434"),
    ("'1.2.3.4'", "http://1.2.3.4:11434"),
    ("http://1.2.3.4", "http://1.2.3.4:80"),
    ("http://1.2.3.4:4321", "http://1.2.3.4:4321"),
    ("https://1.2.3.4", "https://1.2.3.4:443"),
    ("https://1.2.3.4:4321", "https://1.2.3.4:4321"),
    ("https://example.com/ollama", "https://example.com:443/ollama"),
    ("ollama.com", "https://ollama.com:443"),
    ("0.0.0.0", "http://127.0.0.1:11434"),
    ("0.0.0.0:1234", "http://127.0.0.1:1234"),
    ("http://0.0.0.0:1234", "http://127.0.0.1:1234"),
    ("::", "http://[::1]:11434"),
    ("[::]:1234", "http://[::1]:1234"),
]
# The table of Ollama's Python client.
CLIENT = [
    (None, "http://127.0.0.1:11434"),
    ("", "http://127.0.0.1:11434"),
    ("1.2.3.4", "http://1.2.3.4:11434"),
    (":56789", "http://127.0.0.1:56789"),
    ("1.2.3.4:56789", "http://1.2.3.4:56789"),
    ("http://1.2.3.4", "http://1.2.3.4:80"),
    ("https://1.2.3.4", "https://1.2.3.4:443"),
    ("https://1.2.3.4:56789", "https://1.2.3.4:56789"),
    ("example.com", "http://example.com:11434"),
    ("example.com:56789", "http://example.com:56789"),
    ("http://example.com", "http://example.com:80"),
    ("https://example.com", "https://example.com:443"),
    ("https://example.com:56789", "https://example.com:56789"),
    ("example.com/", "http://example.com:11434"),
    ("example.com:56789/", "http://example.com:56789"),
    ("example.com/path", "http://example.com:11434/path"),
    ("example.com:56789/path", "http://example.com:56789/path"),
    ("https://example.com:56789/path", "https://example.com:56789/path"),
    ("example.com:56789/path/", "http://example.com:56789/path"),
    ("[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:11434"),
    ("[0001:002:003:0004::1]:56789", "http://[0001:002:003:0004::1]:56789"),
    ("http://[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:80"),
    ("https://[0001:002:003:0004::1]", "https://[0001:002:003:0004::1]:443"),
    ("https://[0001:002:003:0004::1]:56789", "https://[0001:002:003:0004::1]:56789"),
    ("[0001:002:003:0004::1]/", "http://[0001:002:003:0004::1]:11434"),
    ("[0001:002:003:0004::1]:56789/", "http://[0001:002:003:0004::1]:56789"),
    ("[0001:002:003:0004::1]/path", "http://[0001:002:003:0004::1]:11434/path"),
    ("[0001:002:003:0004::1]:56789/path", "http://[0001:002:003:0004::1]:56789/path"),
    ("https://[0001:002:003:0004::1]:56789/path", "https://[0001:002:003:0004::1]:56789/path"),
    ("[0001:002:003:0004::1]:56789/path/", "http://[0001:002:003:0004::1]:56789/path"),
]


@pytest.mark.parametrize(("value", "url"), SERVER)
def test_as_the_server_reads_it(value: str, url: str) -> None:
    assert base_url(value) == url


@pytest.mark.parametrize(("value", "url"), CLIENT)
def test_as_the_python_client_reads_it(value: str | None, url: str) -> None:
    assert base_url(value) == url


@pytest.mark.parametrize(
    "value", ["ftp://example.com", "exa mple.com", "http://user:secret@example.com", "[zz]", "a:b:c"]
)
def test_what_is_no_address_names_the_cure(value: str) -> None:
    with pytest.raises(UnreachableError, match="set it to one like") as caught:
        base_url(value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "here"),
    [
        ("", True),
        ("0.0.0.0", True),
        ("[::]", True),
        ("127.1.2.3:80", True),
        ("localhost", True),
        ("http://LOCALHOST:1/x", True),
        ("ollama.localhost", True),
        ("192.168.0.7", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback(value: str, here: bool) -> None:
    assert is_loopback(base_url(value)) is here


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, "30m"),
        ("", "30m"),
        ("1h2m3s", "1h2m3s"),
        ("1.5h", "1.5h"),
        ("-1m", "-1m"),
        ("0", 0),
        ("-1", -1),
        ("'3600'", 3600),
        ("1d", "30m"),
        ("???", "30m"),
    ],
)
def test_keep_alive(value: str | None, sent: str | int) -> None:
    result = duration(value)
    assert result == sent
    assert type(result) is type(sent)
