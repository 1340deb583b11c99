"""The command line says what happened, exits accordingly, and shows no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from documents import sandboxed

from socialkit.__main__ import main
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
    assert "client.settle('k')" in capsys.readouterr().err
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
    assert "brand, " in shown


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


def test_features_is_the_matrix(capsys):
    assert main(["features"]) == 0
    assert "| Text |" in capsys.readouterr().out
