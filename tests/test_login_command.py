"""Signing in at the command line: every platform, every way a person can go wrong, and never a traceback."""

from __future__ import annotations

import html.parser
import io
import os
import re
import stat
import sys
import threading
import tomllib
import urllib.error
import urllib.parse
import urllib.request

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processes import own_port
from socialkit import registry
from socialkit.__main__ import main
from socialkit.config import SECRETS
from socialkit.errors import LoginFailed
from socialkit.flows import CodeFlow, DeviceFlow
from socialkit.model import Identity
from socialkit.sandbox import Sandbox
from socialkit.store import StoreTokens, open_store


# --- a person at a terminal and a browser -------------------------------------------------------------------
class Screen(io.StringIO):
    """Standard output, which remembers the address and the code shown last."""

    @property
    def url(self):
        return re.findall(r"\n\n  (https?://\S+)\n\n", self.getvalue())[-1]

    @property
    def code(self):
        return re.findall(r"type the code\n\n  (\S+)\n", self.getvalue())[-1]


class Keyboard(io.StringIO):
    """Standard input: lines, or functions that make one when it is needed."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = list(lines)

    def readline(self, *_):
        if not self.lines:
            return ""
        line = self.lines.pop(0)
        return f"{line() if callable(line) else line}\n"


BACK = f"http://127.0.0.1:{own_port()}/callback"
"""Where the browser comes back to for an app that is registered; each test process has a port of its own."""


class Form(html.parser.HTMLParser):
    """What a press on Allow would send from a consent page."""

    def __init__(self, text, username):
        super().__init__()
        self.fields, self.username = [], username
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        name, value = told.get("name"), told.get("value", "")
        if tag == "button" and value in ("allow", "yes"):
            self.fields.append((name, value))
        if tag != "input" or not name:
            return
        if (
            (told.get("type") == "radio" and value == self.username)
            or (told.get("type") == "checkbox" and "checked" in told)
            or told.get("type") == "hidden"
        ):
            self.fields.append((name, value))


class Browser:
    """Stands for ``webbrowser``: agrees on the consent page and goes where it is sent, in a thread."""

    def __init__(self, username="brand"):
        self.username, self.page, self.status, self.headers, self.opened = username, "", 0, {}, []
        self.threads = []

    def open(self, url):
        self.opened.append(url)
        thread = threading.Thread(target=self._agree, args=(url,), daemon=True)
        thread.start()
        self.threads.append(thread)
        return True

    def _agree(self, url):
        with urllib.request.urlopen(url, timeout=20) as page:
            form = Form(page.read().decode(), self.username)
        self._read(urllib.request.Request(url, urllib.parse.urlencode(form.fields).encode()))

    def _read(self, request):
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.page, self.status, self.headers = answer.read().decode(), answer.status, dict(answer.headers)

    def closed(self):
        for thread in self.threads:
            thread.join(10)
        return self


class Desk:
    """A folder with its configuration, a sandbox, a browser and a terminal."""

    def __init__(self, box, base, folder, monkeypatch, capsys):
        self.box, self.base, self.folder, self.monkeypatch, self.capsys = (
            box,
            base,
            folder,
            monkeypatch,
            capsys,
        )
        self.path, self.browser, self.screen = folder / "socialkit.toml", Browser(), Screen()
        monkeypatch.setattr("socialkit.cli.login.PORT", own_port())
        monkeypatch.setattr("webbrowser.open", lambda url, *_: self.browser.open(url))

    def run(self, *arguments, keys=()):
        """Run a command; its exit status. What it printed is in ``screen`` and ``errors``."""
        self.screen = Screen()
        self.monkeypatch.setattr(sys, "stdout", self.screen)
        self.monkeypatch.setattr(sys, "stdin", Keyboard(*keys))
        status = main([str(one) for one in arguments])
        self.browser.closed()
        self.errors = self.capsys.readouterr().err
        assert "Traceback" not in self.errors
        return status

    @property
    def shown(self):
        return self.screen.getvalue()

    @property
    def accounts(self):
        return tomllib.loads(self.path.read_text()).get("accounts", {}) if self.path.exists() else {}

    def server(self, platform):
        return self.box[platform].address(f"{self.base}/{platform}")

    def stored(self, name):
        """The credential the token store has for an account of the file."""
        import asyncio

        table = self.accounts[name]
        store = open_store(self.folder / "socialkit.db")
        try:
            who = Identity(table["platform"], table["server"], table["id"])
            return asyncio.run(StoreTokens(store).load(who))
        finally:
            store.close()

    def app(self, platform, flow, redirect_uri="", **more):
        """Write the developer app into the configuration."""
        given = self.box[platform].app_for(flow.name, redirect_uri)
        if not given:
            return
        given |= {"redirect_uri": redirect_uri} if redirect_uri else {}
        given |= {"flow": flow.name} | more
        if "client_secret" in given:
            self.monkeypatch.setenv(f"{platform.upper()}_CLIENT_SECRET", given["client_secret"])
            given["client_secret"] = f"env:{platform.upper()}_CLIENT_SECRET"
        lines = "".join(f'{key} = "{value}"\n' for key, value in given.items())
        self.path.write_text(f"{self.path.read_text()}[apps.{platform}]\n{lines}")

    def secrets(self, name):
        """Every secret of the account that must not be shown."""
        credential = self.stored(name)
        ours = (
            credential.access_token,
            credential.refresh_token,
            credential.secret,
            credential.client_secret,
        )
        return [secret for secret in ours if secret]


@pytest.fixture
def desk(request, tmp_path, monkeypatch, capsys):
    """A desk whose sandbox has the platforms of the test: ``@pytest.mark.parametrize("desk", …, indirect=True)``."""
    names = getattr(request, "param", "x").split()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "140")
    with Sandbox(names) as box, box.serve() as base:
        monkeypatch.setattr("socialkit.client.SystemClock", lambda: box.clock)
        desk = Desk(box, base, tmp_path, monkeypatch, capsys)
        desk.path.write_text('# our accounts\n[client]\nstore = "socialkit.db"   # here\n')
        yield desk


def with_desk(platform):
    return pytest.mark.parametrize("desk", [platform], indirect=True)


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# --- every platform -----------------------------------------------------------------------------------------
def sign_in(desk, platform, flow, *options):
    """Sign in as a person would; the exit status."""
    box, desk.browser = desk.box[platform], Browser()
    call = [
        "login",
        platform,
        "--flow",
        flow.name,
        "--server",
        desk.server(platform),
        "--all",
        "--timeout",
        15,
        *options,
    ]
    if isinstance(flow, DeviceFlow):
        desk.app(platform, flow)
        desk.browser.open = lambda url: box.approve_device(desk.screen.code)
        return desk.run(*call)
    if isinstance(flow, CodeFlow) and flow.redirect == "https":
        desk.app(platform, flow, "https://brand.example/callback")
        return desk.run(*call, "--no-browser", keys=[lambda: box.approve(desk.screen.url)])
    if asks := getattr(flow, "asks", ()):
        desk.app(platform, flow)
        answers = box.answers(flow.name) or box.answers("password")
        desk.browser.open = lambda url: box.approve(url)
        return desk.run(*call, keys=[answers.get(ask.name, "") for ask in asks])
    port = free_port()
    desk.app(platform, flow, f"http://127.0.0.1:{port}/callback")
    return desk.run(*call, "--port", port)


@pytest.mark.parametrize(
    ("desk", "platform"), [(name, name) for name in registry.sign_in_platforms()], indirect=["desk"]
)
def test_every_platform_signs_in_by_command(desk, platform):
    box, before = desk.box[platform], desk.path.read_text()
    for flow in registry.flows(platform):
        assert sign_in(desk, platform, flow) == 0, (flow.name, desk.errors)
        assert desk.path.read_text().startswith(before)
        name = next(iter(desk.accounts))
        table = desk.accounts[name]
        assert table["platform"] == platform
        assert table["id"] == box.identity_of("brand")
        assert table["server"] == desk.server(platform)
        assert desk.stored(name).kind == flow.kind
        told = desk.shown + desk.errors + desk.path.read_text() + desk.browser.page
        assert f"(id {table['id']})" in told
        assert not [secret for secret in desk.secrets(name) if secret in told]
        assert desk.run("accounts", "--check") == 0, desk.shown
        assert name in desk.shown
        for one in list(desk.accounts):
            assert desk.run("logout", one) == 0
        assert desk.accounts == {}
        desk.path.write_text(before)


# --- in the browser -----------------------------------------------------------------------------------------
def oauth(desk, *options, keys=(), platform="x", app=True):
    """Sign in to X with a registered app; the exit status."""
    if app:
        desk.app(platform, registry.flows(platform)[0], f"http://127.0.0.1:{free_port()}/callback")
    call = ["login", platform, "--server", desk.server(platform), "--timeout", 15]
    return desk.run(*call, *options, keys=keys)


def test_what_a_person_sees(desk):
    assert oauth(desk) == 0
    assert "signed in to X as @brand (id 1500000000000000001)" in desk.shown
    assert "may: publish, metrics" in desk.shown
    assert "written: [accounts.brand] in socialkit.toml" in desk.shown
    assert desk.browser.status == 200
    assert "Signed in to X" in desk.browser.page
    assert "@brand" in desk.browser.page
    assert desk.browser.headers["Cache-Control"] == "no-store"


def test_the_rest_of_the_file_stays_as_it_was(desk):
    oauth(desk)
    assert desk.path.read_text().startswith(
        '# our accounts\n[client]\nstore = "socialkit.db"   # here\n[apps.x]\n'
    )


def test_a_person_who_says_no_reads_so_in_both_places(desk):
    desk.browser = Browser()
    desk.browser._agree = lambda url: desk.browser._read(urllib.request.Request(url, b"decision=deny"))
    assert oauth(desk) == 1
    assert "said no" in desk.errors
    assert desk.browser.status == 400
    assert "Not signed in to X" in desk.browser.page
    assert desk.accounts == {}


def test_a_forged_callback_is_refused(desk):
    def forge(url):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        desk.browser._read(urllib.request.Request(f"{asked['redirect_uri']}?code=stolen&state=other"))

    desk.browser._agree = forge
    assert oauth(desk) == 1
    assert "does not belong to this sign-in" in desk.errors
    assert desk.browser.status == 400
    assert "stolen" not in desk.shown + desk.errors + desk.browser.page


def test_nobody_answers(desk):
    desk.browser.open = lambda url: True
    assert oauth(desk, "--timeout", 1) == 1
    assert "no answer came back from the browser within 1 s" in desk.errors


def test_without_a_browser_the_address_is_pasted(desk):
    keys = [lambda: desk.box["x"].approve(desk.screen.url)]
    assert oauth(desk, "--no-browser", keys=keys) == 0
    assert desk.browser.opened == []
    assert desk.accounts["brand"]["id"] == desk.box["x"].identity_of("brand")


def test_scopes_left_out_are_told_with_the_command_that_asks_again(desk):
    keys = [lambda: desk.box["x"].approve(desk.screen.url, untick=["tweet.write"])]
    assert oauth(desk, "--no-browser", keys=keys) == 0
    assert "may: metrics" in desk.shown
    assert "may not: publish (not granted: tweet.write)" in desk.shown
    again = re.search(r"to ask again: socialkit (.+)", desk.shown)[1].split()
    assert desk.run("accounts") == 1
    assert "not granted: tweet.write" in desk.shown
    assert desk.run(*again) == 0
    assert desk.run("accounts") == 0


@with_desk("threads")
def test_where_only_https_is_taken_it_is_pasted_too(desk):
    box = desk.box["threads"]
    given = box.app_for("oauth2", "https://brand.example/cb")
    call = ["login", "threads", "--server", desk.server("threads"), "--client-id", given["client_id"]]
    assert desk.run(*call) == 2
    assert "https addresses only" in desk.errors
    desk.browser.open = lambda url: desk.browser.opened.append(url)
    keys = [given["client_secret"], lambda: box.approve(desk.browser.opened[0])]
    assert desk.run(*call, "--redirect-uri", "https://brand.example/cb", keys=keys) == 0
    assert "and may say that it cannot show it" in desk.shown


@with_desk("youtube")
def test_a_code_typed_on_another_device(desk):
    desk.app("youtube", registry.flows("youtube")[1])
    desk.browser.open = lambda url: desk.box["youtube"].approve_device(desk.screen.code)
    assert desk.run("login", "youtube", "--flow", "device", "--server", desk.server("youtube")) == 0
    assert "type the code" in desk.shown
    assert "waiting for you to agree" in desk.shown


# --- the developer's app ------------------------------------------------------------------------------------
def test_without_an_app_the_way_to_one_is_told(desk):
    assert desk.run("login", "x") == 2
    assert "needs a developer app" in desk.errors
    assert BACK in desk.errors
    assert "socialkit login x --client-id CLIENT_ID" in desk.errors
    assert "[apps.x]" in desk.errors


@with_desk("linkedin")
def test_a_new_app_is_kept_and_its_secret_elsewhere(desk):
    port = free_port()
    given = desk.box["linkedin"].app_for("oauth2", f"http://127.0.0.1:{port}/callback")
    call = ["login", "linkedin", "--server", desk.server("linkedin"), "--timeout", 15]
    keys = [given["client_secret"]]
    assert desk.run(*call, "--client-id", given["client_id"], "--port", port, keys=keys) == 0
    kept = tomllib.loads(desk.path.read_text())["apps"]["linkedin"]
    assert kept == {
        "client_id": given["client_id"],
        "client_secret": "store",
        "redirect_uri": f"http://127.0.0.1:{port}/callback",
    }
    assert given["client_secret"] not in desk.path.read_text() + desk.shown + desk.errors
    assert desk.run(*call) == 0  # the secret comes from the store now
    assert desk.run(*call, "--client-id", "another") == 2
    assert "--replace" in desk.errors


def test_a_new_app_does_not_keep_the_secret_of_the_old_one(desk):
    desk.monkeypatch.setenv("OLD_SECRET", "old")
    desk.path.write_text(
        f'{desk.path.read_text()}[apps.x]\nclient_id = "old"\nclient_secret = "env:OLD_SECRET"\n'
    )
    given = desk.box["x"].app_for("oauth2", BACK)
    call = ["login", "x", "--server", desk.server("x"), "--client-id", given["client_id"], "--replace"]
    keys = ["", lambda: desk.box["x"].approve(desk.screen.url)]
    assert desk.run(*call, "--no-browser", keys=keys) == 0
    kept = tomllib.loads(desk.path.read_text())["apps"]["x"]
    assert kept == {"client_id": given["client_id"], "redirect_uri": BACK}


def test_a_port_that_is_taken_is_named(desk):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        desk.app("x", registry.flows("x")[0], f"http://127.0.0.1:{port}/callback")
        assert oauth(desk, app=False) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in desk.errors
    assert desk.browser.opened == []


# --- names, and whose they are ------------------------------------------------------------------------------
def test_signing_in_again_changes_the_credential_alone(desk):
    assert oauth(desk) == 0
    before, old = desk.path.read_text(), desk.stored("brand")
    assert oauth(desk, app=False) == 0
    assert "signed in again, unchanged: [accounts.brand]" in desk.shown
    assert desk.path.read_text() == before
    assert desk.stored("brand").access_token != old.access_token


def test_two_accounts_get_two_names(desk):
    assert oauth(desk) == 0
    desk.browser = Browser("other")
    assert oauth(desk, app=False) == 0
    assert {table["id"] for table in desk.accounts.values()} == {
        desk.box["x"].identity_of("brand"),
        desk.box["x"].identity_of("other"),
    }


@with_desk("mastodon telegram")
def test_a_name_that_is_taken_gets_the_platform_behind_it(desk):
    desk.path.write_text(f'{desk.path.read_text()}[accounts.brand]\nplatform = "x"\ntoken = "env:X_TOKEN"\n')
    assert desk.run("login", "mastodon", "--server", desk.server("mastodon"), "--timeout", 15) == 0
    assert set(desk.accounts) == {"brand", "brand-mastodon"}


def test_another_account_does_not_get_the_name(desk):
    assert oauth(desk, "--name", "tweets") == 0
    before, credential = desk.path.read_text(), desk.stored("tweets")
    desk.browser = Browser("other")
    assert oauth(desk, "--name", "tweets", app=False) == 1
    assert "'tweets' is @brand (id 1500000000000000001)" in desk.errors
    assert "Not signed in" in desk.browser.page
    assert desk.path.read_text() == before
    assert desk.stored("tweets") == credential
    desk.browser = Browser("other")
    assert oauth(desk, "--name", "tweets", "--replace", app=False) == 0
    assert desk.accounts["tweets"]["id"] == desk.box["x"].identity_of("other")


@with_desk("x telegram")
def test_an_account_of_another_platform_keeps_its_name_before_anything_is_asked(desk):
    assert oauth(desk, "--name", "ours") == 0
    assert desk.run("login", "telegram", "--server", desk.server("telegram"), "--name", "ours") == 1
    assert "'ours' is an account of x" in desk.errors
    assert "Bot token" not in desk.shown


@with_desk("mastodon")
def test_a_hand_written_account_is_taken_over_only_when_that_is_said(desk):
    by_hand = f'[accounts.toots]\nplatform = "mastodon"\nserver = "{desk.server("mastodon")}"\ntoken = "env:NOT_SET"\n'
    desk.path.write_text(f"{desk.path.read_text()}{by_hand}# the end\n")
    call = ["login", "mastodon", "--name", "toots", "--timeout", 15]
    assert desk.run(*call) == 1
    assert "written by hand" in desk.errors
    assert by_hand in desk.path.read_text()
    assert desk.run(*call, "--replace") == 0
    assert "token" not in desk.accounts["toots"]
    assert "# the end" in desk.path.read_text()
    assert desk.run("accounts", "--check") == 0


@with_desk("mastodon")
def test_a_hand_written_account_whose_owner_is_known_is_taken_over_by_its_owner(desk):
    token = desk.box["mastodon"].credentials()["token"]
    desk.monkeypatch.setenv("TOOTS", token)
    by_hand = f'[accounts.toots]\nplatform = "mastodon"\nserver = "{desk.server("mastodon")}"\ntoken = "env:TOOTS"\n'
    desk.path.write_text(f"{desk.path.read_text()}{by_hand}")
    assert desk.run("accounts", "--check") == 0
    call = ["login", "mastodon", "--name", "toots", "--timeout", 15]
    desk.browser = Browser("other")
    assert desk.run(*call) == 1
    assert desk.path.read_text().endswith(by_hand)
    desk.browser = Browser("brand")
    assert desk.run(*call) == 0
    assert desk.accounts["toots"]["id"] == desk.box["mastodon"].identity_of("brand")


@pytest.mark.parametrize("name", ["", " ", "all", "key:launch", "a\x07b", "x" * 101, " brand"])
def test_names_that_cannot_be_given(desk, name):
    assert desk.run("login", "x", "--name", name) == 2
    assert "--name" in desk.errors


# --- several accounts at once -------------------------------------------------------------------------------
def pages(desk, *options, keys=()):
    """Sign in to Facebook, where one person has several Pages."""
    box = desk.box["facebook"]
    desk.app("facebook", registry.flows("facebook")[0], "https://brand.example/cb")
    paste = lambda: box.approve(desk.screen.url)  # noqa: E731
    call = ["login", "facebook", "--server", desk.server("facebook"), "--no-browser"]
    return desk.run(*call, *options, keys=[paste, *keys])


@with_desk("facebook")
def test_the_person_chooses_among_several_accounts(desk):
    assert pages(desk, keys=["9", "2"]) == 0
    assert "this sign-in reaches several accounts" in desk.shown
    assert [table["name"] for table in desk.accounts.values()] == ["Brand support"]


@with_desk("facebook")
@pytest.mark.parametrize("keys", [[""], []])
def test_all_of_them_are_taken_when_nothing_is_chosen(desk, keys):
    assert pages(desk, keys=keys) == 0
    assert [table["name"] for table in desk.accounts.values()] == ["Brand", "Brand support"]


@with_desk("facebook")
def test_a_script_picks_by_id(desk):
    page = desk.box["facebook"].identity_of("brand")
    assert pages(desk, "--pick", page, "--name", "page") == 0
    assert {name: table["id"] for name, table in desk.accounts.items()} == {"page": page}
    desk.path.write_text('[client]\nstore = "socialkit.db"\n')
    assert pages(desk, "--pick", "nobody") == 2
    assert f"this sign-in reaches {page} (@Brand)" in desk.errors


# --- accounts: what needs repair, and the command that repairs it -------------------------------------------
def test_a_sign_in_that_was_ended_is_repaired_by_the_command_shown(desk):
    assert oauth(desk, "--name", "tweets") == 0
    desk.box["x"].revoke(desk.stored("tweets").access_token)
    assert desk.run("accounts") == 0  # nobody asked
    assert desk.run("accounts", "--check") == 1
    command = re.search(r"^  socialkit (login .+)$", desk.shown, re.MULTILINE)[1]
    assert desk.run(*command.split()) == 0
    assert desk.run("accounts", "--check") == 0


@with_desk("mastodon")
def test_a_hand_written_account_nobody_knows_is_repaired_by_the_command_shown_too(desk):
    desk.monkeypatch.setenv("TOOTS", "wrong-token")
    by_hand = f'[accounts.toots]\nplatform = "mastodon"\nserver = "{desk.server("mastodon")}"\ntoken = "env:TOOTS"\n'
    desk.path.write_text(f"{desk.path.read_text()}{by_hand}")
    assert desk.run("accounts", "--check") == 1
    command = re.search(r"^  socialkit (login .+ --replace)$", desk.shown, re.MULTILINE)[1]
    assert desk.run(*command.split(), "--timeout", 15) == 0
    assert desk.run("accounts", "--check") == 0


@with_desk("linkedin")
def test_an_end_that_is_near_and_one_that_has_passed_are_told_in_words(desk):
    assert oauth(desk, platform="linkedin") == 0
    assert desk.run("accounts") == 0
    assert re.search(r"brand +linkedin +\S+ +in 60 days +ok +", desk.shown)
    desk.box.clock.advance(57 * 86_400)
    assert desk.run("accounts") == 1
    assert re.search(r"in [23] days +ends soon", desk.shown)
    desk.box.clock.advance(5 * 86_400)
    assert desk.run("accounts") == 1
    assert re.search(r"ended [23] days ago +ended", desk.shown)
    assert re.search(r"^  socialkit login linkedin --name brand", desk.shown, re.MULTILINE)


def test_a_narrow_terminal_cuts_no_name(desk):
    assert oauth(desk, "--name", "the-account-of-the-whole-house") == 0
    desk.monkeypatch.setenv("COLUMNS", "40")
    assert desk.run("accounts") == 0
    assert "the-account-of-the-whole-house" in desk.shown
    assert "publish, metrics" in desk.shown


def test_no_accounts_yet(desk):
    assert desk.run("accounts") == 0
    assert "socialkit login PLATFORM" in desk.shown


# --- logout -------------------------------------------------------------------------------------------------
def test_logout_ends_it_at_the_platform_and_here(desk):
    before = desk.path.read_text()
    assert oauth(desk, "--name", "tweets") == 0
    token = desk.stored("tweets").access_token
    table = desk.accounts["tweets"]
    assert desk.run("logout", "tweets", "--keep") == 0
    assert "tweets: ended at X" in desk.shown
    assert desk.box["x"].grant_of(token) is None
    assert desk.accounts["tweets"] == table
    assert desk.stored("tweets").kind == "none"
    assert desk.run("accounts") == 1
    assert "not signed in" in desk.shown
    assert desk.run("logout", "tweets") == 0
    assert "was not signed in" in desk.shown
    assert desk.path.read_text().startswith(before)
    assert desk.accounts == {}


@with_desk("telegram")
def test_logout_where_the_platform_offers_no_way_says_where_to_go(desk):
    assert sign_in(desk, "telegram", registry.flows("telegram")[0]) == 0
    assert desk.run("logout", "brand_bot") == 0
    assert "Telegram offers no way to end it" in desk.shown
    assert "https://t.me/BotFather" in desk.shown


@with_desk("mastodon")
def test_logout_leaves_what_was_written_by_hand(desk):
    desk.monkeypatch.setenv("TOOTS", desk.box["mastodon"].credentials()["token"])
    by_hand = f'[accounts.toots]\nplatform = "mastodon"\nserver = "{desk.server("mastodon")}"\ntoken = "env:TOOTS"\n'
    desk.path.write_text(f"{desk.path.read_text()}{by_hand}")
    assert desk.run("logout", "toots") == 0
    assert "written by hand" in desk.shown
    assert desk.path.read_text().endswith(by_hand)


def test_logout_of_nobody(desk):
    assert desk.run("logout", "tweets") == 2
    assert "no account named 'tweets'" in desk.errors


# --- the file -----------------------------------------------------------------------------------------------
def test_without_a_file_one_is_made_that_only_its_owner_can_write(desk):
    desk.path.unlink()
    desk.monkeypatch.setenv("XDG_DATA_HOME", str(desk.folder / "data"))
    box = desk.box["x"]
    given = box.app_for("oauth2", BACK)
    call = ["login", "x", "--server", desk.server("x"), "--client-id", given["client_id"], "--no-browser"]
    secret = [given["client_secret"]] if "client_secret" in given else [""]
    assert desk.run(*call, keys=[*secret, lambda: box.approve(desk.screen.url)]) == 0
    assert stat.S_IMODE(desk.path.stat().st_mode) & 0o022 == 0
    assert desk.run("accounts", "--check") == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file_is_refused_before_a_browser_opens(desk):
    desk.path.chmod(0o400)
    assert oauth(desk, app=False) == 2
    assert "read-only" in desk.errors
    assert desk.browser.opened == []


def test_a_file_that_cannot_be_replaced_is_refused_before_a_browser_opens(desk):
    assert desk.run("--config", desk.folder / "nowhere" / "socialkit.toml", "login", "x") == 2
    assert "cannot be written" in desk.errors
    assert desk.run("--config", desk.folder, "login", "x") == 2
    assert desk.browser.opened == []


@with_desk("telegram")
def test_a_file_that_cannot_be_edited_in_place_gets_the_lines_shown(desk):
    desk.path.write_text('accounts = {}\nclient = { store = "socialkit.db" }\n')
    before = desk.path.read_text()
    assert sign_in(desk, "telegram", registry.flows("telegram")[0]) == 1
    assert desk.path.read_text() == before
    lines = desk.shown.partition("yourself:\n\n")[2]
    assert "[accounts.brand_bot]" in lines
    desk.path.write_text('client = { store = "socialkit.db" }\n' + lines)
    assert desk.run("accounts", "--check") == 0


@with_desk("telegram")
def test_what_is_wrong_with_other_accounts_does_not_stop_a_sign_in(desk):
    desk.path.write_text(f'{desk.path.read_text()}[accounts.sky]\nplatform = "nowhere"\n')
    assert sign_in(desk, "telegram", registry.flows("telegram")[0]) == 0
    assert desk.run("logout", "brand_bot") == 0


# --- no traceback, whatever comes ---------------------------------------------------------------------------
class Interrupting(Keyboard):
    """A person who presses Ctrl-C."""

    def readline(self, *_):
        raise KeyboardInterrupt


@with_desk("telegram")
def test_ctrl_c_at_a_question_and_in_the_browser(desk):
    desk.monkeypatch.setattr(sys.modules[__name__], "Keyboard", Interrupting)
    assert desk.run("login", "telegram", "--server", desk.server("telegram")) == 130
    assert "stopped. Nothing was written." in desk.errors
    assert desk.accounts == {}


def test_ctrl_c_while_the_browser_is_open(desk):
    def stop(self, seconds):
        raise KeyboardInterrupt

    desk.monkeypatch.setattr("socialkit.cli.loopback.Loopback.wait", stop)
    desk.browser.open = lambda url: True
    assert oauth(desk) == 130
    assert "stopped" in desk.errors
    assert not [thread for thread in threading.enumerate() if thread.name == "socialkit-callback"]


@with_desk("telegram")
def test_standard_input_that_is_closed_or_ends(desk):
    call = ["login", "telegram", "--server", desk.server("telegram")]
    assert desk.run(*call) == 1
    assert "standard input ended" in desk.errors
    closed = Keyboard()
    closed.close()
    for stdin in (closed, None):
        desk.monkeypatch.setattr(sys.modules[__name__], "Keyboard", lambda *_, stdin=stdin: stdin)
        assert desk.run(*call) == 1
        assert "standard input ended" in desk.errors


@with_desk("telegram")
def test_what_is_pasted_wrongly_is_not_repeated(desk):
    secret = "7100000001:not-a-token-but-still-secret"
    assert desk.run("login", "telegram", "--server", desk.server("telegram"), keys=[secret]) == 1
    assert "has not the form asked for" in desk.errors
    assert secret not in desk.shown + desk.errors


def test_what_nobody_foresaw_is_named_by_its_place_and_shows_no_value(desk):
    def fail(self, *_, **__):
        raise KeyError("s3cret-value")

    desk.monkeypatch.setattr("socialkit.client.Client.begin_login", fail)
    assert oauth(desk) == 1
    assert "unexpected KeyError in test_login_command, line" in desk.errors
    assert "s3cret" not in desk.errors


def known_keys():
    """Every key the configuration may know, and some of the adapters'."""
    tables = ["accounts", "apps", "client", "store", "timeout", "max_wait"]
    return [
        *tables,
        *sorted(SECRETS),
        "platform",
        "server",
        "id",
        "name",
        "client_id",
        "redirect_uri",
        "flow",
        "handle",
    ]


def _words(capsys):
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return told.err


KEYS = st.sampled_from([*known_keys(), "nobody", "x", "telegram", "brand"])
VALUES = st.recursive(
    st.one_of(
        st.text(max_size=12).filter(lambda text: text.isprintable()),
        st.integers(),
        st.booleans(),
        st.floats(),
        st.sampled_from(
            [
                "x",
                "telegram",
                "mastodon",
                "env:NO",
                "file:no\0",
                "file:~nobody/x",
                "store",
                "https://[",
                ":memory:",
            ]
        ),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def as_toml(value):
    import json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), f"{value:f}")
    return json.dumps(value)


COMMANDS = (
    ["accounts"],
    ["logout", "brand"],
    ["login", "telegram", "--name", "brand"],
    ["login", "x", "--client-id", "abc", "--no-browser"],
    ["history"],
)
slow = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@slow
@given(st.binary(max_size=120) | st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(COMMANDS))
def test_any_file_is_answered_in_words(tmp_path, monkeypatch, capsys, content, command):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("socialkit.client.AsyncClient.begin_login", _nobody)
    monkeypatch.setattr("socialkit.client.AsyncClient.logout", _nobody)
    monkeypatch.setattr(sys, "stdin", Keyboard())
    path = tmp_path / "socialkit.toml"
    if isinstance(content, dict):
        content = "".join(f"{key} = {as_toml(value)}\n" for key, value in content.items()).encode()
    path.write_bytes(content)
    assert main([*command, "--config", str(path)]) in (0, 1, 2)
    _words(capsys)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + b"[" * 5000,
        b"a = " + b"9" * 5000,
        b"[accounts.brand",
        b"\xff",
        b'[client]\nstore = "a\\u0000b"\n',
        b'[client]\nstore = "~nobody-of-that-name/a"\n',
        b'[accounts.brand]\nplatform = "x"\ntoken = "file:~nobody-of-that-name/x"\n',
        b'[accounts.brand]\nplatform = "x"\ntoken = "file:a\\u0000"\n',
        b'[accounts.brand]\nplatform = "mastodon"\nserver = 3\ntoken = "store"\n',
        b'[accounts.brand]\nplatform = "x"\nid = 7\n',
        b"[apps]\nx = 1\n[accounts]\nbrand = 2\n",
    ],
)
def test_a_broken_file_is_exit_2_with_its_name(tmp_path, monkeypatch, capsys, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "socialkit.toml").write_bytes(content)
    assert main(["accounts"]) == 2
    assert "socialkit.toml" in _words(capsys)


async def _nobody(*_, **__):
    raise LoginFailed("nobody is there", reason="lost")


@pytest.fixture(scope="module")
def served():
    with Sandbox(["x", "telegram", "bluesky"]) as box, box.serve() as base:
        yield box, base


def _answered(served, tmp_path, monkeypatch, capsys, platform, flow, *lines):
    """One login, with an app where one is needed, and what was piped; the exit status and everything shown."""
    box, base = served
    path = tmp_path / "socialkit.toml"
    app = box[platform].app_for(flow, BACK)
    lines_of_app = f'[apps.{platform}]\nclient_id = "{app["client_id"]}"\n' if app else ""
    path.write_text(f'[client]\nstore = ":memory:"\n{lines_of_app}')
    monkeypatch.setattr(sys, "stdin", Keyboard(*lines))
    server = box[platform].address(f"{base}/{platform}")
    call = ["login", platform, "--flow", flow, "--server", server, "--no-browser", "--config", str(path)]
    status = main(call)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert "unexpected" not in shown.err
    return status, shown.out + shown.err


CALLBACKS = st.one_of(
    st.text(max_size=60).filter(lambda text: "\n" not in text),
    st.builds(f"{BACK}?{{}}".format, st.text(max_size=60).filter(lambda text: "\n" not in text)),
    st.lists(
        st.tuples(
            st.sampled_from(["code", "state", "error", "error_description", "iss", "oauth_token"]),
            st.text(max_size=8),
        ),
        max_size=5,
    ).map(lambda pairs: f"{BACK}?{urllib.parse.urlencode(pairs, errors='replace')}"),
    st.sampled_from(
        ["http://[", "http://127.0.0.1:99999/callback?code=1", "//", "?code=1&state=2", "\ud800", "\0"]
    ),
)


@slow
@given(CALLBACKS)
def test_any_text_pasted_as_the_callback_is_answered_in_words(served, tmp_path, monkeypatch, capsys, pasted):
    status, shown = _answered(served, tmp_path, monkeypatch, capsys, "x", "oauth2", pasted)
    assert status == 1
    assert "socialkit: " in shown


@slow
@given(st.lists(st.text(max_size=40).filter(lambda text: "\n" not in text), max_size=3))
@pytest.mark.parametrize(("platform", "flow"), [("telegram", "bot_token"), ("bluesky", "app_password")])
def test_any_answer_to_an_ask_is_answered_in_words(
    served, tmp_path, monkeypatch, capsys, platform, flow, lines
):
    status, shown = _answered(served, tmp_path, monkeypatch, capsys, platform, flow, *lines)
    assert status in (1, 2)
    assert "socialkit: " in shown


@pytest.mark.parametrize(
    "value", ["ftp://x", "not a server", "https://", "http://[", "https://u:p@example.com", "\0"]
)
def test_a_server_that_is_none_is_named(desk, value):
    desk.app("x", registry.flows("x")[0], BACK)
    assert desk.run("login", "x", "--server", value, "--timeout", 5) == 2
    assert "server" in desk.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere"],
        ["x", "--flow", "nix"],
        ["x", "--for", "eat"],
        ["x", "--for", ""],
        ["x", "--client-id", " "],
        ["x", "--client-id", "a", "--redirect-uri", "http://[::1/cb"],
        ["x", "--client-id", "a", "--redirect-uri", "https://brand.example/cb", "--port", "80"],
        ["mastodon"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_exit_2_before_a_browser_opens(desk, arguments):
    assert desk.run("login", *arguments, keys=["secret"]) == 2
    assert desk.errors.startswith("socialkit: ")
    assert desk.browser.opened == []
