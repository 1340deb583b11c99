"""Web sockets of the sandbox: what is told, when, to whom, and what befalls them; in process and served."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import ToyBox
from socialkit.sandbox import Answer, Sandbox
from socialkit.transport import AnswerLost, Transport, Unreachable

ADDRESS = "wss://toy.example.com/told/k3y"


class TellingBox(ToyBox):
    """Tells "begun" at once, "done" ten seconds later; who knows no key is refused; "quiet" says nothing more."""

    def routes(self):
        return [*super().routes(), self.socket("/told/{key}", self.tell)]

    def tell(self, socket):
        key, now = socket.path_params["key"], self.now()
        if key not in ("k3y", "quiet"):
            raise Answer(self.error(403))
        return [(now, "begun"), (None if key == "quiet" else now + timedelta(seconds=10), "done")]


@pytest.fixture
def box():
    with Sandbox([TellingBox]) as made:
        yield made


def listen(box, url=ADDRESS, limit=60.0):
    made = Transport(transport=box.transport, clock=box.clock)
    return made.listen(url, home="https://toy.example.com", done="done".__eq__, limit=limit)


async def test_words_come_at_their_moment(box):
    began = box.clock.now()
    assert await listen(box) == "done"
    assert box.clock.now() - began == timedelta(seconds=10)
    (line,) = box.requests
    assert (line.method, line.path, line.status, line.step) == ("GET", "/told/k3y", 101, "read")


async def test_a_platforms_clock_may_be_off(box):
    box.fault("clock-skew", platform="toy", seconds=-300)
    began = box.clock.now()
    assert await listen(box) == "done"
    assert box.clock.now() - began == timedelta(seconds=10)


@pytest.mark.parametrize("kind", ["dropped-before", "stored-then-500", "429", "expired-token"])
async def test_faults_that_refuse(box, kind):
    box.fault(kind, platform="toy", match="GET /told/.*")
    with pytest.raises(Unreachable):
        await listen(box)
    assert box.requests[0].status == 403
    assert await listen(box) == "done"


async def test_who_may_not_is_refused(box):
    with pytest.raises(Unreachable):
        await listen(box, "wss://toy.example.com/told/other")
    with pytest.raises(Unreachable):
        await listen(box, "wss://toy.example.com/elsewhere")


@pytest.mark.parametrize("kind", ["dropped-after", "stored-then-hang"])
async def test_faults_that_say_nothing(box, kind):
    box.fault(kind, platform="toy", match="GET *")
    began = box.clock.now()
    with pytest.raises(AnswerLost):
        await listen(box)
    waited = (box.clock.now() - began).total_seconds()
    assert waited == (60 if kind == "stored-then-hang" else 0)


async def test_a_fault_of_posts_is_none_of_sockets(box):
    box.fault("dropped-before", platform="toy")
    assert await listen(box) == "done"
    assert len(box.faults.pending()) == 1


async def test_who_leaves_is_not_spoken_to(box):
    with pytest.raises(AnswerLost):
        await listen(box, limit=5.0)
    box.clock.advance(60)
    for _ in range(9):
        await asyncio.sleep(0)
    assert not box._hanging


async def test_a_served_socket_tells_the_same(box):
    with box.serve() as url:
        address = f"{url.replace('http', 'ws', 1)}/toy/told"
        async with connect(f"{address}/k3y") as socket:
            assert [await socket.recv(), await socket.recv()] == ["begun", "done"]
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        with pytest.raises(InvalidStatus):
            await connect(f"{address}/other")
        with pytest.raises(InvalidStatus):
            await connect(f"{url.replace('http', 'ws', 1)}/nowhere")


async def test_a_server_with_a_silent_socket_stops(box):
    with box.serve() as url:
        socket = await connect(f"{url.replace('http', 'ws', 1)}/toy/told/quiet")
        assert await socket.recv() == "begun"
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    assert not box._hanging
