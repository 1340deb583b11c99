"""Other processes for the tests, each forked in milliseconds from one that has everything loaded.

A child works on one task, a dict whose ``job`` names a function of :data:`JOBS`; the two sides talk in JSON
lines. ``strike`` lets the child stop or kill itself at a chosen point of its work with the store.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

PATIENCE = 60.0
"""Real seconds after which a test gives up on a child: a bound, never a wait."""


# --- the test's side --------------------------------------------------------------------------------------------------
class Child:
    """One child: its messages, its signals. ``next()`` gives None once it is dead."""

    def __init__(self, link: socket.socket, pid: int) -> None:
        self.pid = pid
        self.dead = False
        link.settimeout(PATIENCE)
        self._link = link
        self._lines = link.makefile("r", encoding="utf-8")

    def next(self) -> dict[str, Any] | None:
        """The child's next message; None when it has ended."""
        line = self._lines.readline()
        self.dead = not line
        return json.loads(line) if line else None

    def wait_for(self, event: str) -> dict[str, Any] | None:
        """The next message of that name, others skipped; None when the child ended before."""
        while (message := self.next()) is not None:
            assert message["event"] != "done" or message["error"] is None, message["error"]
            if message["event"] == event:
                return message
        return None

    def result(self) -> dict[str, Any] | None:
        """What its job returned; None when it was killed before."""
        done = self.wait_for("done")
        return done and done["value"]

    def has_news(self, seconds: float) -> bool:
        """Whether it says something, or ends, within that many real seconds."""
        return bool(select.select([self._link], [], [], seconds)[0])

    def tell(self, **message: Any) -> None:
        self._link.sendall(json.dumps(message).encode() + b"\n")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def close(self) -> None:
        if not self.dead:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._lines.close()
        self._link.close()


class Nursery:
    """Makes children; kills those that are left at the end."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._control.settimeout(PATIENCE)
        self._children: list[Child] = []

    def start(self, job: str, **task: Any) -> Child:
        """A child that begins at once."""
        ours, theirs = socket.socketpair()
        fds = array.array("i", [theirs.fileno()])
        message = json.dumps({"job": job, **task}).encode()
        self._control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        theirs.close()
        self._children.append(Child(ours, int(self._control.recv(64))))
        return self._children[-1]

    def run(self, job: str, **task: Any) -> Any:
        """What a child's job returned."""
        return self.start(job, **task).result()

    def clear(self) -> None:
        """Kill what is left of the children."""
        for child in self._children:
            child.close()
        self._children.clear()

    def close(self) -> None:
        self.clear()
        self._control.close()
        self._parent.wait(PATIENCE)


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


# --- the child's side -------------------------------------------------------------------------------------------------
class Link:
    """The child's end of the line."""

    clock: Any = None
    store: Any = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")

    def say(self, event: str, **fields: Any) -> None:
        self._connection.sendall(json.dumps({"event": event, **fields}, default=str).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        return dict(json.loads(self._lines.readline() or "{}"))

    def has_word(self) -> bool:
        """Whether the test has said something that was not heard yet."""
        return bool(select.select([self._connection], [], [], 0)[0])


class ServedClock:
    """The clock of a served sandbox: every process sees the same time, and sleeping moves it for all."""

    def __init__(self, url: str) -> None:
        import http.client

        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)

    def close(self) -> None:
        self._connection.close()

    def _advance(self, seconds: float) -> datetime:
        body, headers = json.dumps({"advance": seconds}), {"content-type": "application/json"}
        self._connection.request("POST", "/sandbox/clock", body, headers)
        return datetime.fromisoformat(json.loads(self._connection.getresponse().read())["now"])

    def now(self) -> datetime:
        return self._advance(0)

    def monotonic(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._advance(max(0.0, seconds))
        await asyncio.sleep(0)


class FileClock:
    """A clock that shows what a file holds: reading it costs nothing, and every process sees the same time at once."""

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._shown = mmap.mmap(file.fileno(), 8)

    def close(self) -> None:
        self._shown.close()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        shown: float = struct.unpack("d", self._shown[:8])[0]
        return shown

    def show(self, moment: float) -> None:
        self._shown[:8] = struct.pack("d", moment)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Strike:
    """Where a child stops or kills itself: ``point`` is "before" or "after" a row, "enter" or "leave" the passage."""

    def __init__(self, link: Link, point: str, number: int, how: str) -> None:
        self.link, self.point, self.number, self.how = link, point, number, how
        self.seen = 0

    def at(self, point: str, kind: str = "") -> None:
        if point != self.point:
            return
        self.seen += 1
        if self.seen == self.number:
            self.link.say("struck", kind=kind)
            os.kill(os.getpid(), signal.SIGKILL if self.how == "kill" else signal.SIGSTOP)


class StruckStore:
    """A store whose process is struck at a chosen journal row, or on its way through the passage of commits."""

    def __init__(self, store: Any, strike: Strike) -> None:
        self._store, self._strike = store, strike

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transact(self, work: Callable[[Any], Any], *, durable: bool = False) -> Any:
        return self._watched(self._store.transact, work, durable)

    def try_transact(self, work: Callable[[Any], Any], *, durable: bool = False) -> Any:
        return self._watched(self._store.try_transact, work, durable)

    def _watched(self, transact: Any, work: Callable[[Any], Any], durable: bool) -> Any:
        written: list[str] = []
        result = transact(lambda tx: work(StruckTx(tx, self._strike, written)), durable=durable)
        for kind in written:
            self._strike.at("after", kind)
        return result

    def try_enter(self) -> bool:
        entered: bool = self._store.try_enter()
        if entered:
            self._strike.at("enter")
        return entered

    def leave(self) -> None:
        self._strike.at("leave")
        self._store.leave()


class StruckTx:
    def __init__(self, tx: Any, strike: Strike, written: list[str]) -> None:
        self._tx, self._strike, self._written = tx, strike, written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def append(self, kind: str, data: Any, **where: Any) -> int:
        self._strike.at("before", kind)
        self._written.append(kind)
        return int(self._tx.append(kind, data, **where))


def make_accounts(task: dict[str, Any]) -> dict[str, Any]:
    """Adapters by label; several labels may stand for the same account."""
    from socialkit import Identity
    from socialkit.registry import adapter

    def account(platform: str, given: dict[str, Any] | list[str]) -> Any:
        cls = adapter(platform)
        return cls.signed_in(Identity(platform, *given)) if isinstance(given, list) else cls(**given)

    made = {label: account(platform, given) for label, (platform, given) in task["accounts"].items()}
    if task.get("pins"):
        for one in made.values():
            one.__class__ = pinning(task["pins"] == "repeatable")
    return made


def pinning(repeatable: bool) -> type[Any]:
    """Mastodon that pins every post it has made, by a request that may (not) be repeated."""
    from socialkit import Mastodon
    from socialkit.adapters.base import Call, Part, Sent

    class Pinning(Mastodon):
        async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
            await call.attach("POST", f"/api/v1/statuses/{sent.id}/pin", repeatable=repeatable)
            return sent

    return Pinning


def make_client(task: dict[str, Any], link: Link, kind: str = "AsyncClient") -> Any:
    """A client on the task's store; it strikes where the task says."""
    import httpx

    import socialkit
    from socialkit.store import SQLiteStore

    store = link.store = SQLiteStore(task["store"])
    if link.clock is None:
        link.clock = FileClock(task["clock"]) if task.get("clock") else ServedClock(task["url"])
    if task.get("strike"):
        store = StruckStore(store, Strike(link, *task["strike"]))
    return getattr(socialkit, kind)(
        make_accounts(task),
        store=store,
        clock=link.clock,
        max_wait=task.get("max_wait", 5.0),
        timeout=task.get("timeout", 20.0),
        transport=httpx.AsyncHTTPTransport(verify=False),
        media_host=OnePlace(task["place"]) if task.get("place") else None,
    )


class OnePlace:
    """A media host that the test chose the only place of."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def place(self, name: str, mime: str, size: int, digest: str) -> Any:
        from socialkit.media_host import Place

        return Place(**self._given)


def make_post(task: dict[str, Any]) -> Any:
    from socialkit import Image, Post, Video
    from socialkit.registry import adapter

    texts = task["texts"]
    media = [Image(task["picture"], alt="a small picture")] if task.get("picture") else []
    thumbnail = Image(task["thumbnail"]) if task.get("thumbnail") else None
    media += [Video(task["video"], alt="a small film", thumbnail=thumbnail)] if task.get("video") else []
    post = Post(
        texts[0],
        title=task.get("title"),
        media=media,
        visibility="public",
        thread=[Post(text, visibility="public") for text in texts[1:]],
    )
    if not task.get("options"):
        return post
    platform = adapter(task["accounts"][task["to"]][0])
    return post.variant(platform.platform, platform.Options(**task["options"]))


def told(outcome: Any) -> dict[str, Any]:
    """An outcome as JSON."""
    receipt = outcome.receipt
    return {
        "status": outcome.status.value,
        "ids": [receipt.id, *(part.id for part in receipt.parts)] if receipt else [],
        "error": str(outcome.error) if outcome.error else None,
        "kind": type(outcome.error).__name__,
        "replayed": outcome.replayed,
        "missing": list(outcome.missing),
    }


async def publish(task: dict[str, Any], link: Link) -> Any:
    """Publish once; the outcome of the one account."""
    async with make_client(task, link) as client:
        if task.get("together"):
            link.say("ready")
            await asyncio.to_thread(link.hear)
        report = await client.publish(
            make_post(task),
            to=task["to"],
            idempotency_key=task["key"],
            wait=task.get("wait", 400),
            errors="return",
        )
        return told(report[task["to"]])


async def finish(task: dict[str, Any], link: Link) -> Any:
    """Settle, then publish twice under the same key; both outcomes."""
    async with make_client(task, link) as client:
        await client.settle(task["key"])
        asked = {
            "to": task["to"],
            "idempotency_key": task["key"],
            "wait": task.get("wait", 400),
            "errors": "return",
        }
        reports = [await client.publish(make_post(task), **asked) for _ in range(2)]
        return [told(report[task["to"]]) for report in reports]


async def publish_on_and_on(task: dict[str, Any], link: Link) -> Any:
    """Several tasks publish one post after another until told to stop; counts what became of them."""
    counts: dict[str, int] = {}
    stop = asyncio.Event()
    async with make_client(task, link) as client:

        async def one(worker: int) -> None:
            from socialkit import Post

            number = 0
            while not stop.is_set():
                number += 1
                name = f"{task['name']} {worker} {number}"
                report = await client.publish(
                    Post(name), to=task["to"], idempotency_key=name, errors="return"
                )
                status = report[task["to"]].status.value
                counts[status] = counts.get(status, 0) + 1
                if number == 1:
                    link.say("running")
                if status == "refused":
                    return

        async def listen() -> None:
            await asyncio.to_thread(link.hear)
            stop.set()

        listener = asyncio.ensure_future(listen())
        await asyncio.gather(*(one(worker) for worker in range(task["tasks"])))
        link.say("idle")
        await listener
    return counts


async def call_on_and_on(task: dict[str, Any], link: Link) -> Any:
    """Ask who the account is until told to stop; each message names the calls made. An error ends the job."""
    from socialkit.call import BoundCall

    calls = 0
    async with make_client(task, link) as client:
        account = client._accounts.named(task["to"])
        account.adapter.rules = attrs.evolve(account.adapter.rules, budgets=())
        while not link.has_word():
            await BoundCall(account).read("GET", "/2/users/me")
            calls += 1
            link.say("called", calls=calls, moment=link.clock.monotonic())
    return calls


async def halt(task: dict[str, Any], link: Link) -> Any:
    """Halt; what the halt says, and how long it took."""
    import time

    async with make_client(task, link) as client:
        began = time.perf_counter()
        stop = await client.halt(task["scope"], reason="wrong price", by="duty officer")
        took = time.perf_counter() - began
        flights = [[flight.key, flight.part] for flight in stop.in_flight]
        handed = [receipt.id for receipt in stop.handed_over]
        return {"in_flight": flights, "handed_over": handed, "seconds": took, "scope": stop.scope}


async def resume(task: dict[str, Any], link: Link) -> Any:
    """Lift the halts of a scope; how many that were."""
    async with make_client(task, link) as client:
        return len(await client.resume(task["scope"], reason="price mended", by="duty officer"))


def publish_plainly(task: dict[str, Any], link: Link) -> Any:
    """The sync client, interrupted by SIGINT from outside or at a stage; what the interrupt's report says."""

    def progress(event: Any) -> None:
        link.say("progress", stage=event.stage)
        if event.stage == task.get("interrupt_at"):
            signal.raise_signal(signal.SIGINT)

    asked = {"to": task["to"], "idempotency_key": task["key"], "errors": "return", "progress": progress}
    with make_client(task, link, "Client") as client:
        report, interrupted = None, False
        try:
            report = client.publish(make_post(task), **asked)
        except KeyboardInterrupt as stop:
            report, interrupted = getattr(stop, "report", None), True
        return {"interrupted": interrupted, "outcome": told(report[task["to"]]) if report else None}


JOBS: dict[str, Callable[[dict[str, Any], Link], Any]] = {
    job.__name__: job
    for job in (publish, finish, publish_on_and_on, call_on_and_on, halt, resume, publish_plainly)
}


def work(task: dict[str, Any], connection: socket.socket) -> None:
    """Do the job and say how it ended; an exception is told, not printed."""
    import traceback

    link = Link(connection)
    value, error = None, None
    try:
        if task.get("grace"):
            import socialkit.publish

            socialkit.publish.GRACE = task["grace"]
        value = JOBS[task["job"]](task, link)
        if asyncio.iscoroutine(value):
            value = asyncio.run(value)
    except BaseException:
        error = traceback.format_exc()
    for one in (link.clock, link.store):
        if one is not None:
            one.close()
    link.say("done", value=value, error=error)


def warm_up() -> None:
    """Publish once to every platform, so that everything is imported and every converter made before the first fork."""
    from socialkit.sandbox import Sandbox
    from socialkit.testing import ManualClock

    ours, theirs = socket.socketpair()
    clock = ManualClock(autojump=False)
    everywhere = Sandbox(["mastodon", "bluesky", "x"], clock=clock)
    with ours, theirs, tempfile.TemporaryDirectory() as folder, everywhere as box, box.serve() as url:
        link, file = Link(ours), Path(folder) / "picture.png"
        file.write_bytes(picture())
        for name in box.boxes:
            accounts = {name: [name, box[name].credentials(f"{url}/{name}")]}
            task = {"url": url, "store": f"{folder}/warm.db", "accounts": accounts, "to": name, "key": "warm"}
            asyncio.run(publish({**task, "texts": ["one", "two"], "picture": str(file)}, link))
            asyncio.run(finish({**task, "texts": ["one", "two"], "picture": str(file)}, link))
        assert link.clock is not None
        link.clock.close()


def picture() -> bytes:
    from media_files import png

    return png(8, 8)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.path.insert(0, str(Path(__file__).parent))
    warm_up()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        while fork_one(control):
            pass


def fork_one(control: socket.socket) -> bool:
    """Fork a child for the next task; False when nobody asks any more."""
    message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
    if not message:
        return False
    pid = os.fork()
    if pid == 0:
        control.close()
        with socket.socket(fileno=descriptors[0]) as connection:
            work(json.loads(message), connection)
        os._exit(0)
    os.close(descriptors[0])
    control.send(str(pid).encode())
    return True


if __name__ == "__main__":
    main()


def own_port() -> int:
    """A port for callbacks that no other process of this test run listens on."""
    return 8910 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
