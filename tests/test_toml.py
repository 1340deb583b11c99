"""Edits of a TOML file: only the wanted table changes, the rest stays byte for byte, or nothing is written."""

import os
import stat
import threading
import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from socialkit import _toml
from socialkit._toml import Document, Uneditable, read, table_lines, update, writable
from socialkit.errors import ConfigError

FILE = """\
# who we are
[client]
store = "socialkit.db"   # beside this file

[accounts.toots]   # the old one
platform = "mastodon"
  server = 'https://example.social'  # theirs
token = "env:TOOTS_TOKEN"
# [accounts.sea] is a comment

[accounts.tweets]
platform = "x"
oauth1 = [
  "env:A",   # [accounts.sea]
  "env:B", ]
note = \"\"\"
[accounts.sea]
platform = "boat" \"\"\"\"

# the end
"""
SEA = ("accounts", "sea")
VALUES = {"platform": "x", "id": "7", "name": "brand", "server": "https://api.example.com"}


class TestAdding:
    def test_a_new_table_stands_at_the_end(self):
        made = Document.of(FILE).with_table(SEA, VALUES)
        assert made.text == FILE + "\n" + table_lines(SEA, VALUES)
        assert made.data["accounts"]["sea"] == VALUES

    def test_an_empty_file_holds_the_table_alone(self):
        assert Document.of("").with_table(SEA, {"id": "7"}).text == '[accounts.sea]\nid = "7"\n'

    def test_a_missing_last_line_end_is_put_there(self):
        made = Document.of("[client]\ntimeout = 3").with_table(SEA, {"id": "7"})
        assert made.text == '[client]\ntimeout = 3\n\n[accounts.sea]\nid = "7"\n'

    def test_line_ends_are_those_of_the_file(self):
        made = Document.of("[client]\r\ntimeout = 3\r\n").with_table(SEA, {"id": "7"})
        assert made.text == '[client]\r\ntimeout = 3\r\n\r\n[accounts.sea]\r\nid = "7"\r\n'

    @pytest.mark.parametrize("name", ["brand x", "brand.example", "büro", 'the "loud" one', "a\\b", ""])
    def test_a_name_that_needs_quotes_gets_them(self, name):
        made = Document.of(FILE).with_table(("accounts", name), VALUES)
        assert made.table(("accounts", name)) == VALUES

    @pytest.mark.parametrize(
        "value", ['"', "\\", "a\nb", "\x00\x1f\x7f", "ü 公 🚀", "'''", '"""', "# no comment"]
    )
    def test_any_text_can_be_a_value(self, value):
        assert Document.of(FILE).with_table(SEA, {"name": value}).data["accounts"]["sea"] == {"name": value}

    def test_what_utf_8_cannot_hold_is_refused(self):
        with pytest.raises(Uneditable):
            Document.of(FILE).with_table(SEA, {"name": "\ud800"})


class TestChanging:
    def test_only_the_value_changes_not_the_comment_behind_it(self):
        made = Document.of(FILE).with_table(("accounts", "toots"), {"server": "https://other.example"})
        assert made.text == FILE.replace("'https://example.social'", '"https://other.example"')

    def test_the_same_values_change_nothing(self):
        made = Document.of(FILE).with_table(("accounts", "toots"), {"server": "https://example.social"})
        assert made.text == FILE

    def test_a_new_key_stands_behind_the_last_one(self):
        made = Document.of(FILE).with_table(("accounts", "toots"), {"id": "7"})
        assert made.text == FILE.replace('TOOTS_TOKEN"\n', 'TOOTS_TOKEN"\nid = "7"\n')

    def test_keys_to_drop_go_with_their_lines(self):
        made = Document.of(FILE).with_table(
            ("accounts", "tweets"), {"id": "7"}, drop=["oauth1", "note", "no"]
        )
        assert made.data["accounts"]["tweets"] == {"platform": "x", "id": "7"}
        assert "# the end" in made.text
        assert "env:A" not in made.text

    def test_a_value_of_many_lines_is_replaced_whole(self):
        made = Document.of(FILE).with_table(("accounts", "tweets"), {"note": "short"})
        assert made.data["accounts"]["tweets"]["note"] == "short"
        assert "boat" not in made.text


class TestRemoving:
    def test_the_table_goes_and_the_rest_stays(self):
        made = Document.of(FILE).without_table(("accounts", "toots"))
        assert "mastodon" not in made.text
        assert "# [accounts.sea] is a comment" in made.text
        assert made.data == {k: v for k, v in Document.of(FILE).data.items() if k != "accounts"} | {
            "accounts": {"tweets": Document.of(FILE).data["accounts"]["tweets"]}
        }

    def test_tables_below_it_go_too(self):
        text = '[accounts.a]\nid = "1"\n[accounts.b]\nid = "2"\n[accounts.a.oauth1]\nconsumer_key = "env:K"\n'
        assert Document.of(text).without_table(("accounts", "a")).text == '[accounts.b]\nid = "2"\n'

    def test_added_and_removed_is_as_before(self):
        assert Document.of(FILE).with_table(SEA, VALUES).without_table(SEA).text == FILE

    def test_the_last_account_takes_its_parent_along(self):
        assert Document.of('[accounts.a]\nid = "1"\n').without_table(("accounts", "a")).text == ""


@pytest.mark.parametrize(
    "text",
    [
        'accounts = { sea = { platform = "x" } }\n',
        'accounts.sea.platform = "x"\n',
        '[accounts]\nsea = { platform = "x" }\n',
        '[accounts]\nsea.platform = "x"\n',
    ],
)
def test_a_table_without_a_header_of_its_own_is_left_alone(text):
    document = Document.of(text)
    with pytest.raises(Uneditable, match="cannot be edited in place"):
        document.with_table(SEA, {"id": "7"})
    with pytest.raises(Uneditable):
        document.without_table(SEA)


@pytest.mark.parametrize(
    "text", ["a = 1\na = 2", "a = [" * 3000, f"a = {'9' * 5000}", "a = 1979-13-41", "[a", "\ufeff"]
)
def test_what_is_no_toml_is_a_config_error(text):
    with pytest.raises(ConfigError):
        Document.of(text)


def test_values_that_only_look_alike_are_told_apart():
    document = Document.of("[a]\nb = nan\nc = 1.0\n")
    assert document.with_table(SEA, {"id": "7"}).data["a"]["c"] == 1.0
    assert _toml._same({"a": float("nan")}, {"a": float("nan")})
    assert not _toml._same({"a": 1}, {"a": 1.0})
    assert not _toml._same({"a": 1}, {"a": True})
    assert not _toml._same([1], [1, 1])


PIECES = st.sampled_from(
    [
        "[accounts.sea]",
        "[ accounts . 'sea' ] # c",
        "[accounts.sea.below]",
        "[[accounts.list]]",
        "[accounts]",
        "[other]",
        'platform = "x"',
        "id = '''\n[accounts.sea]\n'''  # c",
        "'id'  =  7",
        "name.first = 1",
        'note = """a\\"""" # c',
        'note = """\n"""""',
        "many = [ 1, # ]\n [2, '#'], ]",
        "inline = { a = '}', b = [1] } # c",
        "# [accounts.sea]",
        "when = 1979-05-27T07:32:00Z",
        "not_a_number = nan",
        "",
        "   ",
    ]
)


def said(text):
    """What a file says, in a form that can be compared: nan is nan, 1 is not 1.0."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list) else repr(value)

    return plain(tomllib.loads(text))


def without_sea(data):
    others = {name: one for name, one in data.get("accounts", {}).items() if name != "sea"}
    return {name: one for name, one in data.items() if name != "accounts"} | (
        {"accounts": others} if others else {}
    )


@given(st.lists(PIECES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_the_file_looks_like_only_the_table_changes(pieces, end, last):
    text = "\n".join(pieces).replace("\n", end) + end * last
    try:
        old = Document.of(text)
        made = old.with_table(SEA, VALUES)
    except ConfigError:
        assume(False)
    sea = said(text).get("accounts", {}).get("sea", {}) | {
        name: repr(value) for name, value in VALUES.items()
    }
    assert said(made.text)["accounts"]["sea"] == sea
    assert without_sea(said(made.text)) == without_sea(said(text))
    assert text.count("#") == made.text.count("#")
    gone = made.without_table(SEA)
    assert "sea" not in said(gone.text).get("accounts", {})
    assert without_sea(said(gone.text)) == without_sea(said(text))
    if old.table(SEA) is None:
        assert made.text.startswith(text)
        assert gone.text.rstrip("\r\n") == text.rstrip("\r\n")


@given(st.text(alphabet="[]{}\"'#=\\\n\r\t .,accountsea17-:TZ_é", max_size=60))
def test_statements_are_the_whole_text(text):
    try:
        Document.of(text)
    except ConfigError:
        return
    assert "".join(text[one.start : one.end] for one in _toml._statements(text)) == text


class TestFile:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "socialkit.toml"
        path.write_text(FILE)
        return path

    def test_a_new_file_is_not_writable_by_others(self, tmp_path):
        path = tmp_path / "new.toml"
        old = os.umask(0)
        try:
            update(path, lambda document: document.with_table(SEA, VALUES))
        finally:
            os.umask(old)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert read(path).data["accounts"]["sea"] == VALUES

    def test_an_old_file_keeps_its_mode_and_leaves_nothing_beside_it(self, path, tmp_path):
        path.chmod(0o600)
        update(path, lambda document: document.with_table(SEA, VALUES))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [one.name for one in tmp_path.iterdir()] == ["socialkit.toml"]

    def test_a_link_stays_a_link(self, path, tmp_path):
        link = tmp_path / "link.toml"
        link.symlink_to(path)
        update(link, lambda document: document.with_table(SEA, VALUES))
        assert link.is_symlink()
        assert read(path).data["accounts"]["sea"] == VALUES

    def test_a_failing_change_writes_nothing(self, path):
        def change(document):
            raise ConfigError("no")

        with pytest.raises(ConfigError):
            update(path, change)
        assert path.read_text() == FILE

    def test_a_crash_while_writing_leaves_the_old_file(self, path, tmp_path, monkeypatch):
        def crash(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(_toml.os, "replace", crash)
        with pytest.raises(ConfigError, match="cannot be written: No space left"):
            update(path, lambda document: document.with_table(SEA, VALUES))
        assert path.read_text() == FILE
        assert [one.name for one in tmp_path.iterdir()] == ["socialkit.toml"]

    def test_many_at_once_lose_no_table(self, path):
        def add(name):
            update(path, lambda document: document.with_table(("accounts", name), VALUES))

        threads = [threading.Thread(target=add, args=(f"a{index}",)) for index in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {f"a{index}" for index in range(20)} < set(read(path).data["accounts"])

    def test_bytes_that_are_no_utf_8_are_named(self, path):
        path.write_bytes(b"a = '\xff'")
        with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
            read(path)

    def test_a_folder_or_a_missing_folder_is_not_writable(self, path, tmp_path):
        with pytest.raises(ConfigError):
            writable(tmp_path)
        with pytest.raises(ConfigError, match=r"missing.toml.*cannot be written"):
            writable(tmp_path / "nowhere" / "missing.toml")
        writable(path)
        writable(tmp_path / "new.toml")
        assert not (tmp_path / "new.toml").exists()
