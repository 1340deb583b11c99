"""Token stores in files, in the environment and in the keyring: the contract, then what each can get wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from documents import sandboxed
from socialkit import Bluesky, Client, Mastodon, Post
from socialkit.adapters.base import Credential
from socialkit.contracts import TokenStoreContract
from socialkit.errors import ConfigError, SocialKitError
from socialkit.model import Identity
from socialkit.store import EnvironmentTokens, FileTokens, KeyringTokens, _token_files

WHO = Identity("mastodon", "https://social.example.com", "42")
OTHER = Identity("mastodon", "https://social.example.com", "43")


def token(text: str) -> Credential:
    return Credential("bearer", access_token=text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["tokens", "tokens.json"], ids=["folder", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


@pytest.fixture
def tokens(path: Path) -> FileTokens:
    return FileTokens(path)


def both(tokens: Any) -> list[Callable[[], object]]:
    """A load and a save, to be refused alike."""
    return [lambda: tokens.load(WHO), lambda: tokens.save(WHO, token("s3cret"))]


def the_file(path: Path) -> Path:
    """The one file of credentials."""
    (found,) = path.glob("*.json") if path.is_dir() else [path]
    return found


# --- the contracts ------------------------------------------------------------------------------------------


class TestFolder(TokenStoreContract):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "tokens"

    def make(self) -> FileTokens:
        return FileTokens(self.path)


class TestFile(TestFolder):
    def make(self) -> FileTokens:
        return FileTokens(self.path.with_suffix(".json"))


class TestEnvironment(TokenStoreContract):
    def make(self) -> EnvironmentTokens:
        return EnvironmentTokens(env={})


class TestKeyring(TokenStoreContract):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        self.locks = tmp_path / "keyring.lock"

    def make(self) -> KeyringTokens:
        return KeyringTokens(backend=Ring(), locks=self.locks)


# --- files --------------------------------------------------------------------------------------------------


def test_another_one_on_the_same_path_finds_it(path: Path, tokens: FileTokens) -> None:
    tokens.save(WHO, token("a"))
    tokens.save(OTHER, token("b"))
    assert [FileTokens(path).load(who) for who in (WHO, OTHER)] == [token("a"), token("b")]


def test_only_this_user_may_read_whatever_the_umask(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}
    replace = os.replace

    def looking(new: str, old: str) -> None:
        seen[new] = mode(Path(new))
        replace(new, old)

    monkeypatch.setattr(os, "replace", looking)
    before = os.umask(0)
    try:
        tokens = FileTokens(path)
        tokens.save(WHO, token("a"))
        asyncio.run(_enter_and_leave(tokens.lock(WHO)))
    finally:
        os.umask(before)
    assert list(seen.values()) == [0o600]
    files = [*path.iterdir(), path] if path.is_dir() else list(path.parent.iterdir())
    assert {mode(file) for file in files if file.is_file()} == {0o600}
    assert not path.is_dir() or mode(path) == 0o700


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(path: Path, tokens: FileTokens, wide: int) -> None:
    tokens.save(WHO, token("s3cret"))
    file = the_file(path)
    file.chmod(wide)
    before = file.read_bytes()
    for work in both(tokens):
        with pytest.raises(ConfigError, match=rf"mode {wide:04o}\); run: chmod 600 '{file}'"):
            work()
    assert file.read_bytes() == before
    file.chmod(0o600)
    assert tokens.load(WHO) == token("s3cret")


def test_another_users_file_is_refused(
    path: Path, tokens: FileTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens.save(WHO, token("a"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigError, match=r"belongs to another user .*chown"):
        tokens.load(WHO)


def test_a_folder_that_others_may_write_to_is_refused(path: Path) -> None:
    folder = path.parent if path.suffix else path
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    with pytest.raises(ConfigError, match=rf"run: chmod go-w '{folder}'"):
        FileTokens(path)
    folder.chmod(0o1777)  # such as /tmp: nobody can replace what is ours
    FileTokens(path).save(WHO, token("a"))


def test_a_path_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing: the folder for tokens cannot be used: No such file"):
        FileTokens(tmp_path / "missing" / "tokens.json")
    with pytest.raises(ConfigError, match="an empty path"):
        FileTokens("")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        FileTokens(tmp_path / "file" / "tokens")


@pytest.mark.parametrize("text", ["", '{"version": 1, "credentials": {"mas', "[]", "\ud800 s3cret"])
def test_a_damaged_file_is_told_and_left(path: Path, tokens: FileTokens, text: str) -> None:
    tokens.save(WHO, token("a"))
    file = the_file(path)
    file.write_bytes(text.encode(errors="surrogatepass"))
    for work in both(tokens):
        with pytest.raises(ConfigError, match=f"{file} is no whole token file") as caught:
            work()
        assert caught.value.__context__ is None  # a parser's error would quote the file
    assert file.read_bytes() == text.encode(errors="surrogatepass")


def test_a_damaged_credential_is_told(path: Path, tokens: FileTokens) -> None:
    tokens.save(WHO, token("a"))
    file = the_file(path)
    for broken in (None, {}, 7, {"kind": "bearer", "expires_at": "s3cret"}):
        file.write_text(json.dumps({"version": 1, "credentials": {WHO.key: broken or {"extra": 3}}}))
        with pytest.raises(ConfigError, match=f"{file}: the credential is damaged"):
            tokens.load(WHO)


def test_a_newer_format_is_left_alone(path: Path, tokens: FileTokens) -> None:
    tokens.save(WHO, token("a"))
    the_file(path).write_text('{"version": 2, "vault": {}}')
    with pytest.raises(ConfigError, match="newer socialkit"):
        tokens.save(WHO, token("b"))


def test_a_save_that_fails_keeps_the_earlier_one(
    path: Path, tokens: FileTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tokens.save(WHO, token("a"))
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, full)
            with pytest.raises(SocialKitError, match="could not be written: No space left"):
                tokens.save(WHO, token("s3cret"))
        assert tokens.load(WHO) == token("a")
    assert not list(path.parent.rglob("*.new"))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    FileTokens(link).save(WHO, token("a"))
    assert link.is_symlink()
    assert FileTokens(real).load(WHO) == token("a")


def test_what_a_killed_process_left_is_not_written_into(path: Path, tokens: FileTokens) -> None:
    tokens.save(WHO, token("a"))
    left = Path(f"{the_file(path)}.new")
    left.write_text("half")
    left.chmod(0o666)
    tokens.save(WHO, token("b"))
    assert mode(the_file(path)) == 0o600
    assert tokens.load(WHO) == token("b")


def test_no_descriptor_stays_open(tokens: FileTokens) -> None:
    def count() -> int:
        return len(os.listdir("/dev/fd"))

    tokens.save(WHO, token("a"))
    before = count()
    for _ in range(5):
        tokens.save(WHO, token("a"))
        tokens.load(WHO)
        asyncio.run(_enter_and_leave(tokens.lock(WHO)))
    assert count() == before


def test_a_stuck_writer_is_told(path: Path, tokens: FileTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_token_files, "PATIENCE", 0.01)
    with (
        _token_files._writing(tokens._locks),
        pytest.raises(SocialKitError, match=r"\.lock stayed locked for 0.01 s"),
    ):
        tokens.save(WHO, token("a"))
    tokens.save(WHO, token("a"))


async def test_a_lock_whose_file_was_removed_binds_again(tokens: FileTokens) -> None:
    async with tokens.lock(WHO):
        os.unlink(tokens._locks)
    async with tokens.lock(WHO):
        waiting = asyncio.create_task(_enter_and_leave(tokens.lock(WHO)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


def test_no_secret_is_shown(tokens: FileTokens, path: Path) -> None:
    tokens.save(WHO, token("s3cret"))
    assert repr(tokens) == f"FileTokens({str(path)!r})"


# --- several processes --------------------------------------------------------------------------------------


class Forked:
    """A child that runs ``work`` again and again with rising numbers, telling each that is done."""

    def __init__(self, work: Any) -> None:
        self.told, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                number = 0
                while number < 1_000_000:
                    work(number)
                    os.write(writing, number.to_bytes(4))
                    number += 1
            finally:
                os._exit(1)
        os.close(writing)

    def kill(self) -> int:
        """The last number it told."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        data = b""
        while part := os.read(self.told, 65536):
            data += part
        os.close(self.told)
        return int.from_bytes(data[-4:]) if data else -1


def test_kill_minus_nine_never_leaves_half_a_file(path: Path, tokens: FileTokens) -> None:
    """Killed at any moment, the file holds the last credential that was told as saved, or the next."""
    pad = "x" * 20_000
    tokens.save(WHO, token(f"-1 {pad}"))
    for round_ in range(25):
        tokens.save(WHO, token(f"-1 {pad}"))
        child = Forked(lambda number: tokens.save(WHO, token(f"{number} {pad}")))
        try:
            os.read(child.told, 4 * (round_ % 5 + 1))
            for _ in range(round_ * 40):  # a moment that differs from round to round
                os.stat(path.parent)
        finally:
            last = child.kill()
        found = FileTokens(path).load(WHO)
        assert found is not None
        assert found.access_token is not None
        number, _, rest = found.access_token.partition(" ")
        assert (rest, mode(the_file(path))) == (pad, 0o600)
        assert int(number) >= last
        left = list(path.parent.rglob("*.new"))
        assert all(mode(one) == 0o600 for one in left)


@pytest.fixture
def python(path: Path) -> Iterator[Any]:
    """Starts other processes with ``tokens`` open on the path."""
    opening = """
        import asyncio, sys
        from socialkit.adapters.base import Credential
        from socialkit.model import Identity
        from socialkit.store import FileTokens
        tokens = FileTokens(sys.argv[1])
        who = [Identity("mastodon", "https://social.example.com", str(n)) for n in range(60)]
    """
    started = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        script = textwrap.dedent(opening) + textwrap.dedent(code)
        started.append(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", script, str(path), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_processes_that_save_at_once_lose_nothing(path: Path, python: Any) -> None:
    code = """
        print("ready", flush=True); sys.stdin.readline()
        for number in range(int(sys.argv[2]), 60, 2):
            tokens.save(who[number], Credential("bearer", access_token=f"t{number}"))
    """
    others = [python(code, parity) for parity in (0, 1)]
    assert [other.stdout.readline() for other in others] == ["ready\n"] * 2
    for other in others:
        other.stdin.write("\n")
        other.stdin.flush()
    assert [other.wait(30) for other in others] == [0, 0]
    tokens = FileTokens(path)
    found = [tokens.load(Identity("mastodon", "https://social.example.com", str(n))) for n in range(60)]
    assert found == [token(f"t{n}") for n in range(60)]


async def test_the_lock_holds_against_other_processes_and_ends_with_them(
    path: Path, tokens: FileTokens, python: Any
) -> None:
    other = python(
        """
        async def main():
            async with tokens.lock(who[42]):
                print("held", flush=True)
                sys.stdin.readline()
        asyncio.run(main())
        """
    )
    assert await asyncio.to_thread(other.stdout.readline) == "held\n"
    waiting = asyncio.create_task(_enter_and_leave(tokens.lock(WHO)))
    async with asyncio.timeout(5), tokens.lock(OTHER):
        await asyncio.sleep(0.01)
    tokens.save(WHO, token("a"))  # a writer needs no lock of an account
    assert not waiting.done()
    other.kill()
    await asyncio.wait_for(waiting, 10)


async def _enter_and_leave(lock: Any) -> None:
    async with lock:
        pass


# --- the environment ----------------------------------------------------------------------------------------

NAME = "SOCIALKIT_MASTODON__SOCIAL_EXAMPLE_COM__42"


@pytest.mark.parametrize(
    ("given", "credential"),
    [
        ({"TOKEN": " a\n"}, token("a")),
        ({"APP_PASSWORD": "p"}, Credential("session", secret="p")),
        (
            {"TOKEN": "a", "REFRESH_TOKEN": "r", "CLIENT_ID": "c", "CLIENT_SECRET": "s"},
            Credential("oauth2", access_token="a", refresh_token="r", client_id="c", client_secret="s"),
        ),
        (
            {"TOKEN": "a", "TOKEN_SECRET": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"},
            Credential("oauth1", access_token="a", secret="t", client_id="c", client_secret="s"),
        ),
        ({"CLIENT_ID": "c"}, None),
        ({"TOKEN": " "}, None),
    ],
)
def test_variables_make_a_credential(given: dict[str, str], credential: Credential | None) -> None:
    tokens = EnvironmentTokens(env={f"{NAME}__{ending}": value for ending, value in given.items()})
    assert tokens.load(WHO) == credential
    assert tokens.load(OTHER) is None


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_MASTODON__SOCIAL_EXAMPLE_COM__42__TOKEN", "a")
    assert EnvironmentTokens(prefix="SHOP_").load(WHO) == token("a")


def test_a_newer_credential_wins_and_its_loss_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    env = {f"{NAME}__TOKEN": "old"}
    tokens = EnvironmentTokens(env=env)
    with caplog.at_level(logging.WARNING, "socialkit"):
        for text in ("s3cret-1", "s3cret-2"):
            tokens.save(WHO, token(text))
    assert tokens.load(WHO) == token("s3cret-2")
    assert env == {f"{NAME}__TOKEN": "old"}
    (record,) = caplog.records
    assert "lost at exit" in record.getMessage()
    assert "s3cret" not in caplog.text


def test_one_variable_is_never_read_for_two_accounts() -> None:
    first, second = (Identity("x", "https://api.example.com", one) for one in ("brand.a", "brand-a"))
    tokens = EnvironmentTokens(env={"SOCIALKIT_X__API_EXAMPLE_COM__BRAND_A__TOKEN": "s3cret"})
    assert tokens.load(first) == tokens.load(first) == token("s3cret")
    with pytest.raises(ConfigError, match=r"__BRAND_A__… would be read for two accounts") as caught:
        tokens.load(second)
    assert "s3cret" not in str(caught.value)


def test_variables_that_contradict_each_other_are_named() -> None:
    env = {f"{NAME}__APP_PASSWORD": "s3cret", f"{NAME}__REFRESH_TOKEN": "s3cret"}
    with pytest.raises(ConfigError, match="__APP_PASSWORD and …__REFRESH_TOKEN do not belong together"):
        EnvironmentTokens(env=env).load(WHO)


def test_a_client_signs_in_with_what_the_environment_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sandboxed(monkeypatch, tmp_path, "mastodon", "bluesky") as box:
        sky, toots = box["bluesky"].credentials(), box["mastodon"].credentials()
        accounts = {
            "sky": Bluesky(sky["handle"], server=sky["server"]),
            "toots": Mastodon(toots["server"]),
        }
        handle, server, house = (
            _token_files._capitals(text.partition("://")[2] or text)
            for text in (sky["handle"], sky["server"], toots["server"])
        )
        env = {
            f"SOCIALKIT_BLUESKY__{server}__{handle}__APP_PASSWORD": sky["app_password"],
            f"SOCIALKIT_MASTODON__{house}__TOKEN": toots["token"],
        }
        with Client(accounts, store=":memory:", tokens=EnvironmentTokens(env=env)) as client:
            report = client.publish(Post("We ship today"), to=accounts, errors="return")
        assert report.ok, report


def test_a_secret_of_the_adapter_beats_one_that_a_person_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sandboxed(monkeypatch, tmp_path, "mastodon") as box:
        given = box["mastodon"].credentials()
        adapter = Mastodon(given["server"], token=given["token"])
        stored = FileTokens(tmp_path / "tokens")
        stored.save(Identity("mastodon", adapter.server, f"login:{adapter.hint}"), token("stale"))
        with Client({"toots": adapter}, store=":memory:", tokens=stored) as client:
            assert client.publish(Post("We ship today"), to="toots", errors="return").ok


# --- the keyring --------------------------------------------------------------------------------------------


class Ring:
    """A backend in memory, with the methods of the keyring library's."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


class Sieve(Ring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Short(Ring):
    """Keeps as much as it has room for."""

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password[:20])


class Locked(Ring):
    """Asks for a password where nobody sits, quoting what it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        raise EOFError

    def set_password(self, service: str, username: str, password: str) -> None:
        raise EOFError(password)


class PlaintextKeyring(Ring):
    """As in keyrings.alt."""


class Chain(Ring):
    def __init__(self, *backends: Any) -> None:
        super().__init__()
        self.backends = list(backends)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the keyring library chooses."""
    keyring = pytest.importorskip("keyring")
    return lambda backend: monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


def test_the_librarys_choice_is_used_under_the_services_name(chosen: Any) -> None:
    ring = Ring()
    chosen(ring)
    KeyringTokens(service="bakery").save(WHO, token("a"))
    assert list(ring.kept) == [("bakery", WHO.key)]
    assert KeyringTokens(service="bakery").load(WHO) == token("a")
    assert KeyringTokens().load(WHO) is None


@pytest.mark.parametrize("name", ["null", "fail"])
def test_a_machine_without_a_keyring_is_told(chosen: Any, name: str) -> None:
    chosen(pytest.importorskip(f"keyring.backends.{name}").Keyring())
    for work in both(KeyringTokens()):
        with pytest.raises(
            ConfigError, match=rf"keyring\.backends\.{name}.*; install and unlock one .*FileTokens"
        ):
            work()


@pytest.mark.parametrize("ring", [Sieve(), Short()])
def test_a_keyring_that_forgets_is_found_out(ring: Ring) -> None:
    with pytest.raises(ConfigError, match=r"did not keep the credential; install") as caught:
        KeyringTokens(backend=ring).save(WHO, token("s3cret"))
    assert "s3cret" not in str(caught.value)


def test_a_locked_keyring_is_told_without_what_it_says() -> None:
    tokens = KeyringTokens(backend=Locked())
    for work in both(tokens):
        with pytest.raises(
            ConfigError, match=r"Locked did not answer \(EOFError\); install and unlock"
        ) as caught:
            work()
        assert caught.value.__context__ is None
        assert "s3cret" not in str(caught.value)


def test_plain_text_is_used_only_when_asked_for(chosen: Any) -> None:
    plain = PlaintextKeyring()
    for found in (plain, Chain(plain)):
        chosen(found)
        with pytest.raises(ConfigError, match="keeps plain text"):
            KeyringTokens().save(WHO, token("s3cret"))
    assert not plain.kept
    KeyringTokens(backend=plain).save(WHO, token("s3cret"))
    assert plain.kept


def test_of_a_chain_the_first_safe_one_is_used(chosen: Any) -> None:
    ring, later = Ring(), Ring()
    chosen(Chain(PlaintextKeyring(), ring, later))
    KeyringTokens().save(WHO, token("a"))
    assert (len(ring.kept), len(later.kept)) == (1, 0)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install 'socialkit-py\[keyring\]'"):
        KeyringTokens().load(WHO)


def test_a_damaged_entry_is_told() -> None:
    ring = Ring()
    for text in ("", "s3cret", "[]", "{}"):
        ring.set_password("socialkit", WHO.key, text)
        with pytest.raises(ConfigError, match=r"entry mastodon\|.*: the credential is damaged") as caught:
            KeyringTokens(backend=ring).load(WHO)
        assert "s3cret" not in str(caught.value)


def test_the_locks_lie_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    asyncio.run(_enter_and_leave(KeyringTokens(backend=Ring()).lock(WHO)))
    assert [mode(tmp_path / "data/socialkit/keyring"), mode(tmp_path / "data/socialkit/keyring/.lock")] == [
        0o700,
        0o600,
    ]


# --- imports ------------------------------------------------------------------------------------------------


def test_the_keyring_library_loads_when_it_is_used() -> None:
    code = "import sys; from socialkit.store import *; KeyringTokens(); assert 'keyring' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
