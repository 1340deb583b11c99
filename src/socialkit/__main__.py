"""The command line: ``python -m socialkit`` or ``socialkit``. Every command prints what happened and exits
0, or says why not."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from .errors import ConfigError, PublishErrors, SocialKitError
from .model import Visibility

if TYPE_CHECKING:
    from .client import Client
    from .model import Post, Receipt, Report

Command = Callable[[argparse.Namespace], int]
_STOPPED = {
    "login": "Nothing was written.",
    "publish": "What had left may be live: socialkit history tells what is known, socialkit settle looks.",
}
"""What a stop leaves open when there was no time for a report."""
_SAID = (
    "title",
    "image",
    "video",
    "file",
    "alt",
    "link",
    "tag",
    "visibility",
    "language",
    "warning",
    "split",
)
"""Options that say what a post is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 it did not work, 2 the call is wrong."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except ConfigError as error:
        print(f"socialkit: {error}", file=sys.stderr)
        return 2
    except SocialKitError as error:
        print(f"socialkit: {_words(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _silence(sys.stdout)
        return 0
    except OSError as error:
        print(f"socialkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        report = getattr(stop, "report", None)
        print(
            f"\nstopped. {_shown(report) if report else _STOPPED.get(options.name, '')}".rstrip(),
            file=sys.stderr,
        )
        return 130


def _words(error: SocialKitError) -> str:
    from .cli.words import as_commands

    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return as_commands("\n  ".join([error.message if inner else str(error), *(str(one) for one in inner)]))


def _silence(stream: Any) -> None:
    """Nobody reads any more: what is still buffered must not raise when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="socialkit", description="One post, many social platforms.")
    parser.add_argument("--version", action="version", version=_version())
    _config_argument(parser, None)
    commands = parser.add_subparsers(dest="name", metavar="COMMAND", required=True)
    _simple(commands, "demo", _demo, "see everything once, without a key, in a few seconds")
    _post_arguments(_simple(commands, "plan", _plan, "what would be sent; sends nothing"))
    publish = _simple(commands, "publish", _publish, "publish a post to some accounts")
    _post_arguments(publish)
    publish.add_argument("--key", help="idempotency key: the same key never publishes twice")
    publish.add_argument("--skip-invalid", action="store_true", help="send to the accounts without problems")
    publish.add_argument(
        "--wait", type=float, default=60, metavar="SECONDS", help="how long to look for a lost answer"
    )
    _metrics_arguments(_simple(commands, "metrics", _metrics, "numbers of published posts"))
    posts = _simple(commands, "posts", _posts, "an account's own posts, newest first")
    posts.add_argument("account", nargs="+", help="account names")
    posts.add_argument("--limit", type=_positive, default=20, help="how many per account (default: 20)")
    _sign_in_arguments(commands)
    _control_arguments(commands)
    _past_arguments(commands)
    features = _simple(commands, "features", _features, "what each platform carries, as a Markdown table")
    features.add_argument("--sign-in", action="store_true", help="how people sign in to each instead")
    sandbox = _simple(commands, "sandbox", _sandbox, "serve the platforms' wire protocols on this machine")
    sandbox.add_argument("--port", type=_port, default=8765, help="0 picks a free one (default: 8765)")
    sandbox.add_argument("--platform", action="append", help="only this platform; repeat it")
    return parser


def _config_argument(parser: argparse.ArgumentParser, default: Any) -> None:
    words = "socialkit.toml (default: here, then your settings folder)"
    parser.add_argument("--config", metavar="FILE", default=default, help=words)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _port(text: str) -> int:
    if not 0 <= (number := int(text)) <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is no port; ports go from 0 to 65535")
    return number


_port.__name__, _positive.__name__ = "port", "number"


def _simple(commands: Any, name: str, command: Command, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    if name not in ("demo", "features", "sandbox"):
        _config_argument(parser, argparse.SUPPRESS)
    parser.set_defaults(command=command)
    return parser


def _version() -> str:
    from ._version import __version__

    return f"socialkit {__version__}"


def _post_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="the text; - reads it from standard input")
    parser.add_argument(
        "--to", action="append", required=True, metavar="ACCOUNT", help="account name; repeat it"
    )
    parser.add_argument(
        "--post", metavar="FILE", help="a post as JSON (Post.to_dict); paths below the file's folder"
    )
    parser.add_argument("--title", help="a title, where the platform has one")
    for name, words in (
        ("image", "a picture, or its https address; repeat it"),
        ("video", "a video, or its https address"),
        ("file", "a document"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar="FILE", help=words)
    parser.add_argument(
        "--alt", action="append", default=[], metavar="TEXT", help="alt text of pictures, then videos"
    )
    parser.add_argument("--link", help="a link to show as a card")
    parser.add_argument("--tag", action="append", default=[], help="a hashtag without its #; repeat it")
    parser.add_argument(
        "--visibility", choices=get_args(Visibility), help="who may see it (default: the platform's own)"
    )
    parser.add_argument("--language", help="BCP 47, such as en")
    parser.add_argument("--warning", help="content warning")
    parser.add_argument("--split", action="store_true", help="continue an over-long text in a thread")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _metrics_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("link", nargs="*", help="permalinks")
    parser.add_argument("--key", help="all posts of an idempotency key")
    parser.add_argument("--account", help="the account that owns the permalinks")
    parser.add_argument("--csv", action="store_true", help="print CSV, with every column")


def _sign_in_arguments(commands: Any) -> None:
    login = _simple(commands, "login", _login, "sign in at a platform, and add the account")
    login.add_argument("platform", help="such as x, mastodon, linkedin")
    login.add_argument(
        "--name", dest="account", help="what to call the account (default: its name at the platform)"
    )
    login.add_argument("--server", metavar="URL", help="where a platform has many servers, such as Mastodon")
    login.add_argument("--flow", help="which way to sign in, where a platform has several")
    login.add_argument(
        "--for",
        dest="wanted",
        metavar="LIST",
        help="publish,metrics,replies,delete,messages (default: the first two)",
    )
    login.add_argument("--client-id", metavar="ID", help="your developer app; its secret is asked for")
    login.add_argument(
        "--redirect-uri", metavar="URL", help="the callback address that is registered with it"
    )
    login.add_argument("--no-browser", action="store_true", help="print the address, and take what is pasted")
    login.add_argument("--port", type=_port, help="where on this machine the browser comes back to")
    login.add_argument(
        "--timeout", type=_positive, default=300, metavar="SECONDS", help="how long to wait for the browser"
    )
    several = login.add_mutually_exclusive_group()
    several.add_argument(
        "--all", action="store_true", help="every account the sign-in reaches, without asking"
    )
    several.add_argument(
        "--pick", action="append", metavar="ID", help="only the account with this id; repeat it"
    )
    login.add_argument("--replace", action="store_true", help="write over a name or an app that is there")
    logout = _simple(commands, "logout", _logout, "end a sign-in, and remove the account")
    logout.add_argument("account", metavar="NAME", help="the account's name")
    logout.add_argument("--keep", action="store_true", help="leave the account in the configuration")
    accounts = _simple(
        commands, "accounts", _accounts, "who is signed in, what they may do, what needs repair"
    )
    accounts.add_argument("--check", action="store_true", help="ask each platform whether that is still so")


def _control_arguments(commands: Any) -> None:
    for name, command, words in (
        ("halt", _halt, "stop publishing: all, an account, platform:x or key:launch-1"),
        ("resume", _resume, "lift a halt"),
    ):
        parser = _simple(commands, name, command, words)
        parser.add_argument("scope", help="all, an account's name, platform:NAME or key:KEY")
        parser.add_argument("--reason", required=True, help="it is written in the journal")
        parser.add_argument("--by", required=True, help="who says so; it is written in the journal")
    settle = _simple(commands, "settle", _settle, "look for posts whose fate is unknown; sends nothing")
    settle.add_argument("key", nargs="?", help="an idempotency key (default: everything that is open)")
    settle.add_argument("--account", help="only this account's post")
    settle.add_argument("--found", metavar="LINK", help="you have seen it: its permalink")
    settle.add_argument("--not-live", action="store_true", help="you have looked: it is not there")
    settle.add_argument("--by", help="your name, for the journal")


def _past_arguments(commands: Any) -> None:
    _simple(commands, "halts", _halts, "what is stopped now, since when, by whom and why")
    history = _simple(commands, "history", _past, "what was published or tried, oldest first")
    history.add_argument("--key", help="only this idempotency key")
    history.add_argument("--account", help="only this account")
    delete = _simple(commands, "delete", _delete, "delete what is live under an idempotency key")
    delete.add_argument("--key", required=True, help="the idempotency key it was published with")
    delete.add_argument("--account", help="only this account's post")


# --- the commands -----------------------------------------------------------------------------------------
def _client(options: argparse.Namespace) -> Client:
    from .client import Client

    return Client.from_config(options.config)


def _demo(options: argparse.Namespace) -> int:
    from .cli.demo import demo

    demo()
    return 0


def _plan(options: argparse.Namespace) -> int:
    from ._render import plan_table

    with _client(options) as client:
        plan = client.plan(_post(options), options.to)
        print(json.dumps(plan.to_dict(), indent=2) if options.json else plan_table(plan).wrapped(_columns()))
    return 0 if plan.ok else 1


def _publish(options: argparse.Namespace) -> int:
    from .cli.display import Display

    with _client(options) as client:
        post = _post(options)
        with Display(sys.stderr) as display:
            report = client.publish(
                post,
                options.to,
                idempotency_key=options.key,
                skip_invalid=options.skip_invalid,
                wait=options.wait,
                errors="return",
                progress=display,
            )
    print(json.dumps(report.to_dict(), indent=2) if options.json else _shown(report))
    try:
        report.raise_for_errors()
    except PublishErrors as errors:
        from .cli.words import as_commands

        print(f"socialkit: {as_commands(errors.message)}", file=sys.stderr)
        return 1
    return 0


def _shown(report: Report) -> str:
    from ._render import report_table
    from .cli.words import as_commands

    return report_table(report, as_commands).wrapped(_columns())


def _metrics(options: argparse.Namespace) -> int:
    with _client(options) as client:
        if not options.key and not options.link:
            raise ConfigError("metrics: give permalinks, or --key of something that was published")
        receipts = _receipts(client, options.key) if options.key else []
        table = client.fetch_metrics([*receipts, *options.link], account=options.account)
    sys.stdout.write(table.to_csv() if options.csv else f"{table}\n")
    return 1 if table.errors else 0


def _receipts(client: Client, key: str, account: str | None = None) -> list[Receipt]:
    past = client.history(idempotency_key=key, account=account)
    receipts = [receipt for report in past for receipt in report.receipts]
    if not receipts:
        raise ConfigError(f"nothing is published under the key {key!r} (history lists the keys)")
    return receipts


def _posts(options: argparse.Namespace) -> int:
    from ._render import Table

    with _client(options) as client:
        found = client.fetch_posts(options.account, limit=options.limit)
    rows = [
        (post.platform, post.published_at, post.url, (post.text or "").splitlines()[:1]) for post in found
    ]
    lines = [(platform, at, url, text[0] if text else "") for platform, at, url, text in rows]
    table = Table(("platform", "published", "url", "text"), lines)
    print(table.wrapped(_columns()) if lines else "no posts")
    return 0


def _login(options: argparse.Namespace) -> int:
    from .cli.login import login

    return login(options)


def _logout(options: argparse.Namespace) -> int:
    from .cli.sign_ins import logout

    return logout(options)


def _accounts(options: argparse.Namespace) -> int:
    from .cli.sign_ins import accounts

    return accounts(options)


def _halt(options: argparse.Namespace) -> int:
    with _client(options) as client:
        halt = client.halt(options.scope, reason=options.reason, by=options.by)
    print(f"stopped: {halt.scope} ({halt.reason}), by {halt.by}")
    for flight in halt.in_flight:
        print(f"  may still appear: {flight.account} {flight.key} {flight.text!r}; {flight.cancel}")
    for receipt in halt.handed_over:
        print(
            f"  the platform publishes by itself: {receipt.platform} {receipt.id} {receipt.url or ''}; delete it there"
        )
    if halt.complete:
        print("  nothing can appear any more")
    return 0


def _resume(options: argparse.Namespace) -> int:
    with _client(options) as client:
        lifted = client.resume(options.scope, reason=options.reason, by=options.by)
    print(f"lifted {len(lifted)} halt{'s' * (len(lifted) != 1)}")
    return 0 if lifted else 1


def _settle(options: argparse.Namespace) -> int:
    with _client(options) as client:
        report = client.settle(
            options.key,
            account=options.account,
            found=options.found,
            not_live=options.not_live,
            by=options.by,
        )
    print(_shown(report) if len(report) else "nothing is open")
    return 1 if report.unsettled else 0


def _halts(options: argparse.Namespace) -> int:
    from ._render import Table

    with _client(options) as client:
        rows = [(halt.scope, halt.at, halt.by, halt.reason) for halt in client.halts()]
    print(
        Table(("scope", "since", "by", "reason"), rows).wrapped(_columns()) if rows else "nothing is stopped"
    )
    return 0


def _past(options: argparse.Namespace) -> int:
    from ._render import Table, fate

    with _client(options) as client:
        past = client.history(account=options.account, idempotency_key=options.key)
    rows = [
        (report.key, outcome.account, fate(outcome), outcome.url)
        for report in past
        for outcome in report.outcomes
    ]
    print(Table(("key", "account", "status", "url"), rows).text() if rows else "nothing was published yet")
    return 0


def _delete(options: argparse.Namespace) -> int:
    with _client(options) as client:
        receipts = _receipts(client, options.key, options.account)
        client.delete(receipts)
    for receipt in receipts:
        print(f"deleted: {receipt.platform} {receipt.url or receipt.id}")
    return 0


def _features(options: argparse.Namespace) -> int:
    from .cli.features import matrix, sign_in_matrix
    from .registry import adapter, platforms

    print(sign_in_matrix() if options.sign_in else matrix(adapter(name) for name in platforms()))
    return 0


def _sandbox(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from .cli.sandbox import sign_in_lines
    from .sandbox import Sandbox
    from .testing import ManualClock

    clock = ManualClock(datetime.now(UTC), flows=True)
    with Sandbox(options.platform, clock=clock) as box, box.serve(port=options.port) as url:
        print(f"sandbox at {url} (open it: every timeline, as a person sees it; Ctrl-C ends it)")
        print("accounts to paste into your program:")
        for platform in (name for name, one in box.boxes.items() if one.publishes):
            print(_constructor(platform, box[platform].credentials(f"{url}/{platform}")))
        print("\n".join(["or sign in there, with what these commands ask for:", *sign_in_lines(box, url)]))
        sys.stdout.flush()
        _wait_for_interrupt()
    return 0


def _constructor(platform: str, arguments: dict[str, Any]) -> str:
    """The call that makes the account, as Python."""
    from .registry import adapter

    lines = [f"        {name}={value!r}," for name, value in arguments.items()]
    return "\n".join([f"    {platform!r}: {adapter(platform).__name__}(", *lines, "    ),"])


def _wait_for_interrupt() -> None:
    import threading

    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


# --- a post from arguments --------------------------------------------------------------------------------
def _post(options: argparse.Namespace) -> Post:
    from .model import Post

    if options.post:
        if also := [f"--{name}" for name in _SAID if getattr(options, name)]:
            raise ConfigError(f"--post has the whole post: leave out {', '.join(also)}")
        if options.text:
            raise ConfigError("--post has the whole post: leave out the text")
        path = Path(options.post)
        try:
            return Post.from_dict(json.loads(path.read_text(encoding="utf-8")), files=path.parent)
        except (OSError, json.JSONDecodeError) as error:
            raise ConfigError(f"--post {path}: {error}") from error
    text = sys.stdin.read().rstrip("\n") if options.text == "-" else options.text or ""
    return Post(
        text,
        _media(options),
        title=options.title,
        tags=options.tag,
        visibility=options.visibility,
        link=options.link,
        language=options.language,
        content_warning=options.warning,
        split=options.split,
    )


def _media(options: argparse.Namespace) -> list[Any]:
    """Pictures, videos, documents, in this order, the first ones with alt texts."""
    from .model import File, Image, Video

    given = [
        (kind, path) for kind, paths in ((Image, options.image), (Video, options.video)) for path in paths
    ]
    if len(options.alt) > len(given):
        raise ConfigError(f"--alt: {len(options.alt)} given, for {len(given)} pictures and videos")
    alts = [*options.alt, *[None] * len(given)]
    media: list[Any] = []
    for (kind, path), alt in zip(given, alts, strict=False):
        away = path.lower().startswith(("https://", "http://"))
        media.append(kind.from_url(path, alt=alt) if away else kind(path, alt=alt))
    return [*media, *(File(path) for path in options.file)]


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


if __name__ == "__main__":
    sys.exit(main())
