"""The command line says what happened, exits accordingly, and shows no traceback."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from documents import sandboxed
from socialkit import Post, Problem
from socialkit.__main__ import _parser, main
from socialkit.adapters.linkedin import LinkedIn
from socialkit.cli.features import matrix
from socialkit.cli.words import as_commands
from socialkit.errors import (
    Declined,
    Held,
    InvalidPost,
    KeyReused,
    OutcomeUnknown,
    RateLimited,
    ThreadPartlyPosted,
    Unavailable,
)
from socialkit.publish import next_step
from socialkit.registry import sign_in_platforms
from socialkit.sandbox import sample_picture


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with sandboxed(monkeypatch, tmp_path, "mastodon") as box:
        token = box["mastodon"].credentials()["token"]
        monkeypatch.setenv("TOOTS_TOKEN", token)
        (tmp_path / "socialkit.toml").write_text(
            '[client]\nstore = "socialkit.db"\n[accounts.toots]\nplatform = "mastodon"\n'
            'server = "https://mastodon.social"\ntoken = "env:TOOTS_TOKEN"\n'
        )
        (tmp_path / "boat.png").write_bytes(sample_picture(64, 36))
        yield box


def test_plan_prints_and_sends_nothing(here, capsys):
    assert main(["plan", "Hello", "--to", "toots"]) == 0
    assert "nothing has been sent" in capsys.readouterr().out
    assert here.timeline("mastodon") == []


def test_plan_with_problems_exits_1(here, capsys):
    assert main(["plan", "x" * 501, "--to", "toots"]) == 1
    assert "501 of at most 500" in capsys.readouterr().out


def test_publish_once_per_key(here, capsys):
    call = ["publish", "Hello", "--to", "toots", "--key", "k", "--image", "boat.png", "--alt", "a boat"]
    assert main(call) == 0
    assert main(call) == 0
    assert [entry.text for entry in here.timeline("mastodon")] == ["Hello"]
    assert here.timeline("mastodon")[0].media[0]["alt"] == "a boat"
    assert "published" in capsys.readouterr().out


def test_publish_json_is_a_report(here, capsys):
    main(["publish", "Hello", "--to", "toots", "--json"])
    assert json.loads(capsys.readouterr().out)["type"] == "report"


def test_publish_a_post_from_a_file(here, tmp_path):
    (tmp_path / "post.json").write_text(json.dumps({"schema": 1, "type": "post", "text": "From a file"}))
    assert main(["publish", "--post", "post.json", "--to", "toots"]) == 0
    assert here.timeline("mastodon")[0].text == "From a file"


def test_a_refusal_is_words_not_a_traceback(here, capsys):
    assert main(["halt", "all", "--reason", "wrong price", "--by", "duty officer"]) == 0
    assert "nothing can appear any more" in capsys.readouterr().out
    assert main(["publish", "Hello", "--to", "toots"]) == 1
    captured = capsys.readouterr()
    assert "stopped by duty officer" in captured.err
    assert "Traceback" not in captured.err
    assert main(["resume", "all", "--reason", "mended", "--by", "duty officer"]) == 0
    assert main(["publish", "Hello", "--to", "toots"]) == 0


def test_settle_finds_a_lost_post(here, capsys):
    here.mastodon.software = "gotosocial"
    here.fault("dropped-after", platform="mastodon")
    here.fault("listed-late", platform="mastodon", seconds=30)
    assert main(["publish", "Hello", "--to", "toots", "--key", "k", "--wait", "0"]) == 1
    assert "socialkit settle k" in capsys.readouterr().err
    here.clock.advance(60)
    assert main(["settle", "k"]) == 0
    assert "published" in capsys.readouterr().out
    assert main(["settle"]) == 0
    assert "nothing is open" in capsys.readouterr().out


def test_metrics_by_key_and_link(here, capsys):
    main(["publish", "Hello", "--to", "toots", "--key", "k"])
    capsys.readouterr()
    assert main(["metrics", "--key", "k"]) == 0
    assert "likes" in capsys.readouterr().out
    assert main(["metrics", "https://nowhere.example/1", "--csv"]) == 1


def test_posts_and_accounts(here, capsys):
    main(["publish", "Hello", "--to", "toots"])
    assert main(["posts", "toots"]) == 0
    assert main(["accounts", "--check"]) == 0
    shown = capsys.readouterr().out
    assert "Hello" in shown
    assert "@brand" in shown


def test_a_wrong_call_exits_2(here, capsys):
    assert main(["plan", "Hello", "--to", "nobody"]) == 2
    assert main(["metrics"]) == 2
    assert main(["publish", "--post", "missing.json", "--to", "toots"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_configuration_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["accounts"]) == 2
    assert "socialkit.toml" in capsys.readouterr().err


def test_the_demo_reads_well_at_100_columns(capsys):
    from socialkit._render import width_of

    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert max(width_of(line) for line in shown.splitlines()) <= 100
    for step in ("replayed = True", "unknown:", "a minute later, published", "refused:", "impressions"):
        assert step in shown
    assert "copies on the timeline: 1" in shown
    assert "           next: " in shown
    assert "what can still appear: nothing" in shown
    assert not re.search(r"\d\d:\d\d:\d\d\.\d|None|:   next", shown)


def test_the_demo_publishes_a_campaign_to_eleven_platforms_and_measures_it(capsys):
    from socialkit.cli.demo import PLATFORMS

    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert len(PLATFORMS) == 11
    assert [f"{count} of 11 take it" in shown for count in (7, 10, 11)] == [True] * 3
    assert shown.count("→ published:") == 28
    table = shown[shown.index("post     platform") :].splitlines()
    assert {line.split()[1] for line in table[1:29]} == set(PLATFORMS)
    assert "failed" not in shown


def test_the_matrix_promises_no_more_than_an_adapter_narrows_it_to():
    """LinkedIn lets no app list a member's posts: neither lists of them nor found posts are promised."""
    rows = [line.strip("| ").split(" | ") for line in matrix([LinkedIn]).splitlines()]
    told = {row[0]: row[-1] for row in rows}
    assert told["Own posts"] == "Pages only"
    assert told["After a lost answer"].endswith("members: unknown, a person must look")
    assert (told["Edit"], told["Posts per metrics request"][:10]) == ("the text only", "Pages: 100")
    assert told["Visibility"].startswith("public; of members")


def test_features_is_the_matrix(capsys):
    assert main(["features"]) == 0
    assert "| Text |" in capsys.readouterr().out


def test_the_configuration_may_be_named_after_the_command_too(here, tmp_path, capsys):
    (tmp_path / "socialkit.toml").rename(tmp_path / "mine.toml")
    assert main(["accounts", "--config", "mine.toml"]) == 0
    assert main(["--config", "mine.toml", "accounts"]) == 0
    assert capsys.readouterr().out.count("toots") == 2


@pytest.mark.parametrize(
    "call",
    [["sandbox", "--port", "80000"], ["posts", "toots", "--limit", "0"], ["sandbox", "--port", "x"], []],
)
def test_a_wrong_number_or_no_command_exits_2(call, capsys):
    with pytest.raises(SystemExit) as stop:
        main(call)
    assert stop.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_every_option_is_explained(capsys):
    for name in (
        "plan",
        "publish",
        "metrics",
        "posts",
        "accounts",
        "history",
        "delete",
        "halt",
        "settle",
        "sandbox",
    ):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        lines = capsys.readouterr().out.splitlines()
        bare = [at for at, line in enumerate(lines) if re.fullmatch(r"  --\S+( \S+)?", line)]
        assert all(lines[at + 1].startswith(" " * 10) for at in bare), name


def test_one_report_of_what_went_wrong(here, capsys):
    main(["halt", "toots", "--reason", "wrong price", "--by", "duty officer"])
    capsys.readouterr()
    assert main(["publish", "Hello", "--to", "toots", "--key", "k"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("0 of 1 account done") == 1
    assert main(["publish", "Hello", "--to", "toots", "--key", "k", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["outcomes"][0]["status"] == "refused"


def test_halts_says_what_is_stopped(here, capsys):
    main(["halts"])
    assert "nothing is stopped" in capsys.readouterr().out
    main(["halt", "platform:mastodon", "--reason", "wrong price", "--by", "duty officer"])
    capsys.readouterr()
    assert main(["halts"]) == 0
    shown = capsys.readouterr().out
    assert "platform:mastodon" in shown
    assert "duty officer" in shown


def test_history_lists_keys_and_delete_takes_one(here, capsys):
    assert main(["history"]) == 0
    assert "nothing was published yet" in capsys.readouterr().out
    main(["publish", "Hello", "--to", "toots", "--key", "k1"])
    main(["publish", "Hello again", "--to", "toots", "--key", "k2"])
    capsys.readouterr()
    main(["history"])
    shown = capsys.readouterr().out
    assert shown.index("k1") < shown.index("k2")
    assert main(["delete", "--key", "k1"]) == 0
    assert [entry.text for entry in here.timeline("mastodon")] == ["Hello again"]
    assert main(["delete", "--key", "k3"]) == 2
    assert main(["metrics", "--key", "k3"]) == 2
    assert "nothing is published under the key 'k3'" in capsys.readouterr().err


def test_a_link_is_a_web_address(here, capsys):
    assert main(["plan", "Hello", "--to", "toots", "--link", "example.com"]) == 1
    assert "'example.com' is no web address" in " ".join(capsys.readouterr().out.split())


def test_nothing_is_wider_than_the_terminal(here, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["publish", "Hello", "--to", "toots", "--key", "k"])
    main(["publish", "Hello", "--to", "toots", "--key", "k"])
    main(["plan", "x" * 501, "--to", "toots"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert here.timeline("mastodon")[0].url in shown


def test_a_stop_without_time_for_a_report_promises_nothing(here, capsys, monkeypatch):
    from socialkit import Client

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "publish", stopped)
    assert main(["publish", "Hello", "--to", "toots"]) == 130
    said = capsys.readouterr().err
    assert "may be live" in said
    assert "Nothing was sent" not in said


def test_the_sandbox_prints_accounts_to_paste(monkeypatch, capsys):
    import socialkit
    from socialkit import __main__ as command_line

    monkeypatch.setattr(command_line, "_wait_for_interrupt", lambda: None)
    assert main(["sandbox", "--port", "0"]) == 0
    pasted, _, commands = capsys.readouterr().out.partition("program:\n")[2].partition("or sign in there")
    assert all(
        f"socialkit login {name} --server http://127.0.0.1" in commands for name in sign_in_platforms()
    )
    accounts = eval(f"{{{pasted}}}", vars(socialkit) | {n: getattr(socialkit, n) for n in socialkit.__all__})
    assert {name: one.platform for name, one in accounts.items()} == {name: name for name in accounts}


@pytest.mark.parametrize("call", [["features"], ["--help"]])
def test_a_reader_that_leaves_is_no_error(call):
    words = f"{shlex.join([sys.executable, '-m', 'socialkit', *call])} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_next_steps_are_commands(here, capsys):
    main(["halt", "all", "--reason", "wrong price", "--by", "duty officer"])
    assert main(["publish", "Hello", "--to", "toots", "--key", "k 1"]) == 1
    told = capsys.readouterr()
    assert "next: when it may go, the same command with --key 'k 1'" in told.err
    assert "socialkit resume all --reason WHY --by NAME lifts it" in told.err
    assert "client." not in told.out + told.err


@pytest.mark.parametrize(
    "error",
    [
        InvalidPost([Problem("sky", "text", "empty", "nothing")], code="stale"),
        InvalidPost([Problem("sky", "text", "empty", "nothing")]),
        KeyReused("k"),
        Held("k"),
        RateLimited("k", retry_at=datetime(2026, 11, 2, tzinfo=UTC)),
        OutcomeUnknown("k"),
        Declined("k"),
        ThreadPartlyPosted("k"),
        Unavailable("k"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("to", ["sky", ["sky", "it's"]])
@pytest.mark.parametrize("key", ["launch-1", "it's 1"])
def test_every_next_step_of_publishing_has_its_command(error, to, key):
    words = as_commands(next_step(error, to, key))
    assert "client" not in words
    assert "the same command with" in words


def test_history_says_what_was_deleted(here, capsys):
    main(["publish", "Hello", "--to", "toots", "--key", "k"])
    main(["delete", "--key", "k"])
    capsys.readouterr()
    main(["history"])
    assert "published, deleted 2026-" in capsys.readouterr().out


def test_a_title_tags_and_visibility_can_be_said(here, capsys):
    words = ["plan", "Hello", "--to", "toots", "--title", "T", "--tag", "boats", "--visibility", "unlisted"]
    assert main([*words, "--json"]) == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert "#boats" in target["parts"][0]["text"]
    assert target["parts"][0]["body"]["visibility"] == "unlisted"
    assert [one["field"] for one in target["changes"]] == ["title"]


def test_a_document_and_an_address_are_media_too(here, capsys, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    address = "https://example.com/boat.png"
    assert main(["plan", "Hello", "--to", "toots", "--file", str(tmp_path / "a.pdf")]) == 1
    assert "application/pdf" in " ".join(capsys.readouterr().out.split())
    assert main(["plan", "Hello", "--to", "toots", "--image", address, "--alt", "a", "--json"]) == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert target["parts"][0]["media"][0]["source"] == f"url:{address}"


def test_what_cannot_be_heeded_is_refused(here, capsys, tmp_path):
    (tmp_path / "post.json").write_text(json.dumps(Post("Hello").to_dict()))
    whole = ["plan", "--to", "toots", "--post", str(tmp_path / "post.json")]
    assert main(whole) == 0
    capsys.readouterr()
    assert main([*whole, "--link", "https://example.com", "--split"]) == 2
    assert "leave out --link, --split" in capsys.readouterr().err
    assert main([*whole[:1], "Other words", *whole[1:]]) == 2
    assert "leave out the text" in capsys.readouterr().err
    assert main(["plan", "Hello", "--to", "toots", "--alt", "a boat"]) == 2
    assert "1 given, for 0 pictures" in capsys.readouterr().err


def test_addresses_of_posts_are_never_cut(here, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    main(["posts", "toots"])
    assert "no posts" in capsys.readouterr().out
    main(["publish", "Hello", "--to", "toots", "--key", "k"])
    capsys.readouterr()
    main(["posts", "toots"])
    assert re.search(r"https://mastodon\.social/@brand/\d{18}\b", capsys.readouterr().out)


def test_the_page_of_the_command_line_names_every_command_and_option():
    page = (Path(__file__).parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")
    (commands,) = [one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction)]
    for name, parser in commands.choices.items():
        assert f"`{name}" in page
        options = {
            text for action in parser._actions for text in action.option_strings if text.startswith("--")
        }
        assert {one for one in options - {"--help"} if f"{one}" not in page} == set(), name


def test_nobody_is_told_that_a_token_never_ends_when_nobody_said_so(here, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("IG_TOKEN", "IGAAt")
    monkeypatch.setenv("PAGE_TOKEN", "t")
    (tmp_path / "socialkit.toml").write_text(
        '[accounts.me]\nplatform = "instagram"\ntoken = "env:IG_TOKEN"\n'
        '[accounts.page]\nplatform = "facebook"\ntoken = "env:PAGE_TOKEN"\n'
    )
    main(["accounts"])
    rows = {line.split()[0]: line.split()[3] for line in capsys.readouterr().out.splitlines()[1:3]}
    assert rows == {"me": "?", "page": "never"}
