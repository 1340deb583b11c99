"""socialkit.toml: found in its places, read strictly, all faults at once, and never a secret inside."""

from pathlib import Path

import pytest

from socialkit import config, registry
from socialkit.adapters.base import Adapter, Credential
from socialkit.auth import App
from socialkit.config import load
from socialkit.errors import ConfigError
from socialkit.model import Identity


class Boat(Adapter):
    """An adapter that remembers what it was given."""

    platform = "boat"

    def __init__(self, server, *, token=None, oauth1=None, deck="upper"):
        super().__init__(server, Credential("bearer", access_token=token))
        self.given = {"token": token, "oauth1": oauth1, "deck": deck}
        if deck == "hunter2":
            raise ValueError(f"no deck {deck}")


@pytest.fixture(autouse=True)
def _boats(monkeypatch):
    real = registry.adapter

    def adapter(platform):
        if platform == "boat":
            return Boat
        if platform in registry.platforms():
            return real(platform)
        raise ConfigError(f"no platform {platform!r}; did you mean 'boat'?")

    monkeypatch.setattr("socialkit.registry.adapter", adapter)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "socialkit.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(path, **env):
    with pytest.raises(ConfigError) as caught:
        load(path, env=env)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path}:"
    return [line.strip() for line in lines]


ACCOUNT = '[accounts.sea]\nplatform = "boat"\nserver = "https://boat.example.com"\n'


class TestAccounts:
    def test_an_account_is_its_adapter_with_the_arguments_given(self, write):
        made = load(write(ACCOUNT + 'token = "env:SEA"\ndeck = "lower"'), env={"SEA": " s3cret\n"})
        account = made.accounts["sea"]
        assert account.server == "https://boat.example.com"
        assert account.given == {"token": "s3cret", "oauth1": None, "deck": "lower"}

    def test_a_secret_may_stand_in_a_file_beside(self, write, tmp_path):
        (tmp_path / "sea.secret").write_text("s3cret\n")
        assert (
            load(write(ACCOUNT + 'token = "file:sea.secret"'), env={}).accounts["sea"].given["token"]
            == "s3cret"
        )

    def test_a_secret_may_be_left_to_the_store(self, write):
        assert load(write(ACCOUNT + 'token = "store"'), env={}).accounts["sea"].given["token"] is None

    def test_several_secrets_may_stand_in_a_table_or_a_list(self, write):
        env = {"A": "1", "B": "2"}
        table = load(write(ACCOUNT + '[accounts.sea.oauth1]\nkey = "env:A"\nsecret = "env:B"'), env=env)
        assert table.accounts["sea"].given["oauth1"] == {"key": "1", "secret": "2"}
        listed = load(write(ACCOUNT + 'oauth1 = ["env:A", "env:B"]'), env=env)
        assert listed.accounts["sea"].given["oauth1"] == ("1", "2")


class TestSecrets:
    @pytest.mark.parametrize(
        "value", ['"hunter2"', "5", '"env:"', '"file:"', '["hunter2"]', '{ a = "hunter2" }']
    )
    def test_one_written_into_the_file_is_refused_and_not_repeated(self, write, value):
        found = faults(write(ACCOUNT + f"token = {value}"))
        assert "does not belong in this file" in found[0]
        assert '"env:NAME", "file:PATH" or "store"' in found[0]
        assert "hunter2" not in str(found)

    def test_a_missing_variable_is_named(self, write):
        path = write(ACCOUNT + 'token = "env:SEA"')
        expected = ["accounts.sea.token: the environment variable SEA is not set"]
        assert faults(path) == faults(path, SEA="  ") == expected

    def test_a_missing_or_empty_file_is_named(self, write, tmp_path):
        path = write(ACCOUNT + 'token = "file:sea.secret"')
        assert faults(path) == [f"accounts.sea.token: {tmp_path / 'sea.secret'}: No such file or directory"]
        (tmp_path / "sea.secret").write_text("\n")
        assert faults(path) == [f"accounts.sea.token: {tmp_path / 'sea.secret'} is empty"]

    def test_a_constructor_that_quotes_its_argument_stays_unquoted(self, write):
        assert "hunter2" not in str(faults(write(ACCOUNT + 'deck = "hunter2"')))

    def test_every_adapters_secrets_are_known_as_such(self):
        assert {"token", "app_password", "refresh_token", "oauth1", "client_secret"} <= config.SECRETS


class TestFaults:
    def test_all_come_at_once_each_with_its_place(self, write):
        text = """
        sore = 1
        [client]
        timeout = "soon"
        max_wiat = 3
        [accounts.a]
        platform = "baot"
        [accounts.b]
        server = "https://boat.example.com"
        [accounts.c]
        platform = "boat"
        sever = "https://boat.example.com"
        token = "inline"
        """
        assert faults(write(text)) == [
            "sore: unknown; known are accounts, apps, client, media_host",
            "client.max_wiat: unknown; did you mean 'max_wait'?",
            "client.timeout: expected float, got str",
            "accounts.a.platform: no platform 'baot'; did you mean 'boat'?",
            'accounts.b.platform: missing; write platform = "…"',
            "accounts.c.sever: unknown; did you mean 'server'?",
            "accounts.c.server: missing",
            "accounts.c.token: a secret does not belong in this file: "
            'write token = "env:NAME", "file:PATH" or "store"',
        ]

    def test_what_the_adapter_says_is_passed_on(self, write):
        found = faults(write('[accounts.sea]\nplatform = "boat"\nserver = "boat.example.com"'))
        assert found == [
            "accounts.sea: Boat: server='boat.example.com' is no base URL; write it as https://…"
        ]

    @pytest.mark.parametrize("text", ["accounts = 3", "[accounts]\nsea = 3"])
    def test_a_table_is_a_table(self, write, text):
        assert "expected a table" in faults(write(text))[0]

    def test_broken_toml_has_its_line(self, write):
        with pytest.raises(ConfigError, match=r"socialkit.toml: .*at line 2"):
            load(write("[client]\nstore = \n"), env={})

    def test_a_file_that_cannot_be_read_is_a_config_error(self, tmp_path):
        with pytest.raises(ConfigError, match="No such file"):
            load(tmp_path / "none.toml", env={})
        (tmp_path / "latin.toml").write_bytes(b"# \xe4")
        with pytest.raises(ConfigError, match="not UTF-8 at byte 2"):
            load(tmp_path / "latin.toml", env={})


class TestMediaHost:
    KEYS = '[media_host]\nbucket = "brand"\nendpoint = "https://s3.example.com"\naccess_key = "BRANDKEY"\n'

    def test_its_table_has_the_arguments_of_the_host(self, write):
        config = load(write(f'{self.KEYS}secret_key = "env:S3_KEY"\nlives = 600\n'), env={"S3_KEY": "s3cret"})
        host = config.client_arguments()["media_host"]
        assert repr(host) == "S3MediaHost('brand', endpoint='https://s3.example.com')"
        assert host.place("a.jpg", "image/jpeg", 9, "ab" * 32).lives == 600

    def test_without_the_table_there_is_none(self, write):
        assert "media_host" not in load(write(""), env={}).client_arguments()

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            ('secret_key = "s3cret-itself"', "media_host.secret_key: a secret does not belong in this file"),
            (
                'secret_key = "env:S3_KEY"\nbuckets = "x"',
                "media_host.buckets: unknown; did you mean 'bucket'",
            ),
            ('secret_key = "env:S3_KEY"\nlives = 5', "media_host: S3MediaHost: lives=5"),
        ],
    )
    def test_what_is_wrong_has_its_place(self, write, lines, words):
        with pytest.raises(ConfigError) as caught:
            load(write(f"{self.KEYS}{lines}\n"), env={"S3_KEY": "s3cret"})
        assert words in str(caught.value)
        assert "s3cret" not in str(caught.value).replace("secret", "")


class TestPlaces:
    def test_the_working_directory_comes_before_the_users(self, tmp_path, monkeypatch):
        home, work = tmp_path / "config" / "socialkit", tmp_path / "work"
        home.mkdir(parents=True)
        work.mkdir()
        monkeypatch.chdir(work)
        env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}
        (home / "socialkit.toml").write_text("[client]\nmax_wait = 1")
        assert load(env=env).max_wait == 1
        (work / "socialkit.toml").write_text("[client]\nmax_wait = 2")
        assert load(env=env).max_wait == 2

    def test_when_there_is_none_the_places_are_named(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError, match=r"socialkit\.toml or .*\.config/socialkit/socialkit\.toml"):
            load(env={"HOME": str(tmp_path)})

    @pytest.mark.parametrize(
        ("line", "env", "store"),
        [
            ("", {"XDG_DATA_HOME": "/data"}, "/data/socialkit/socialkit.db"),
            ("", {"XDG_DATA_HOME": "relative"}, "/home/brand/.local/share/socialkit/socialkit.db"),
            ("", {}, "/home/brand/.local/share/socialkit/socialkit.db"),
            ('store = "/var/lib/posts.db"', {}, "/var/lib/posts.db"),
            ('store = ":memory:"', {}, ":memory:"),
        ],
    )
    def test_the_store_has_a_place_of_its_own(self, write, line, env, store):
        assert load(write(f"[client]\n{line}"), env={"HOME": "/home/brand", **env}).store == store

    def test_its_folder_is_made_when_the_file_names_no_store(self, write, tmp_path):
        data = tmp_path / "data"
        config = load(write(""), env={"HOME": "/home/brand", "XDG_DATA_HOME": str(data)})
        assert not data.exists()
        assert config.client_arguments()["store"] == str(data / "socialkit" / "socialkit.db")
        assert (data / "socialkit").stat().st_mode & 0o777 == 0o700

    def test_a_relative_store_lies_beside_the_file(self, write, tmp_path, monkeypatch):
        monkeypatch.chdir("/")
        assert load(write('[client]\nstore = "posts.db"'), env={}).store == str(tmp_path / "posts.db")


def test_the_client_gets_only_what_the_file_says(write):
    made = load(write(ACCOUNT + '[client]\nstore = ":memory:"\ntimeout = 5'), env={})
    assert made.client_arguments() == {"accounts": made.accounts, "store": ":memory:", "timeout": 5}
    assert made.path == Path(made.path)


class TestApps:
    def test_an_app_is_who_asks_people_to_sign_in(self, write, tmp_path):
        (tmp_path / "key.pem").write_text("k3y\n")
        text = """
        [apps.x]
        client_id = "abc"
        client_secret = "env:X_SECRET"
        flow = "oauth2"
        redirect_uri = "http://127.0.0.1:8000/callback"
        [apps.bluesky]
        client_id = "https://app.example.com/client.json"
        private_key = "file:key.pem"
        [apps.reddit]
        client_id = "def"
        client_secret = "store"
        """
        made = load(write(text), env={"X_SECRET": "s3cret"})
        callback = "http://127.0.0.1:8000/callback"
        assert made.apps == {
            "x": App("abc", "s3cret", flow="oauth2", redirect_uri=callback),
            "bluesky": App("https://app.example.com/client.json", private_key="k3y"),
            "reddit": App("def"),
        }
        assert made.client_arguments()["apps"] == made.apps
        assert "s3cret" not in repr(made)

    def test_every_fault_of_an_app_has_its_place(self, write):
        text = """
        [apps.redit]
        client_id = "abc"
        [apps.x]
        client_id = 7
        client_secret = "inline"
        flow = "oauth3"
        redirect = "https://app.example.com"
        [apps.slack]
        client_secret = ["env:A"]
        """
        secret = (
            'a secret does not belong in this file: write client_secret = "env:NAME", "file:PATH" or "store"'
        )
        assert faults(write(text)) == [
            "apps.redit: no platform to sign in to; did you mean 'reddit'?",
            "apps.x.redirect: unknown; did you mean 'redirect_uri'?",
            "apps.x.flow: no way to sign in called 'oauth3'; did you mean 'oauth2'?",
            "apps.x.client_id: expected a text in quotes, got int",
            f"apps.x.client_secret: {secret}",
            f"apps.slack.client_secret: {secret}",
        ]


WHO = '[accounts.sea]\nplatform = "boat"\nid = "7"\nname = "brand"\nserver = "https://boat.example.com/"\n'


class TestAccountsThatSignedIn:
    def test_one_has_its_id_and_no_secret(self, write):
        account = load(write(WHO + 'deck = "lower"'), env={}).accounts["sea"]
        assert account.identity == Identity("boat", "https://boat.example.com", "7")
        assert account.identity.name == "brand"
        assert account.seed == Credential("none")
        assert account.given["deck"] == "lower"

    def test_one_may_be_on_a_platform_nothing_is_published_to_yet(self, write):
        text = '[accounts.work]\nplatform = "slack"\nid = "T1"\n'
        account = load(write(text), env={}).accounts["work"]
        assert account.identity == Identity("slack", "https://slack.com", "T1")

    def test_without_an_id_such_an_account_must_sign_in_first(self, write):
        assert faults(write('[accounts.work]\nplatform = "slack"\n')) == [
            "accounts.work.id: missing; sign in: socialkit login slack --name work"
        ]

    def test_every_fault_has_its_place(self, write):
        text = """
        [accounts.a]
        platform = "boat"
        id = 7
        decks = 2
        token = "env:SEA"
        [accounts.b]
        platform = "boat"
        id = "7"
        server = ""
        """
        assert faults(write(text)) == [
            "accounts.a.decks: unknown; did you mean 'deck'?",
            "accounts.a.token: an account with an id has its credential in the token store; leave it out",
            "accounts.a.id: expected a text in quotes, got int",
            "accounts.a.server: missing",
            "accounts.b.server: expected a text in quotes, got an empty text",
            "accounts.b.server: missing",
        ]
