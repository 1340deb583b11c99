"""The sandbox as a real server: the same answers and the same faults over sockets."""

from __future__ import annotations

import threading

import httpx
import pytest

from socialkit.errors import ConfigError
from socialkit.sandbox import Sandbox


@pytest.fixture
def served(toy):
    with toy.serve() as url, httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        yield client


def texts(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("toy")]


def test_apis_answer_under_a_path_per_platform(toy, served):
    assert served.post("/toy/notes", json={"text": "hello"}).status_code == 201
    assert texts(toy) == ["hello"]
    assert served.get("/toy/notes").json()[0]["text"] == "hello"
    assert served.get("/elsewhere/notes").status_code == 404


def test_the_date_is_the_sandboxs_alone(served):
    answer = served.get("/toy/notes")
    assert answer.headers.get_list("date") == ["Mon, 02 Nov 2026 09:00:00 GMT"]


@pytest.mark.parametrize("kind", ["dropped-before", "dropped-after"])
def test_a_dropped_connection_is_a_closed_socket(toy, served, kind):
    toy.fault(kind)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending"):
        served.post("/toy/notes", json={"text": "hello"})
    assert texts(toy) == (["hello"] if kind == "dropped-after" else [])
    assert served.get("/toy/notes").status_code == 200


def test_a_hanging_answer_ends_at_the_clients_timeout(toy, served):
    toy.fault("stored-then-hang")
    with pytest.raises(httpx.ReadTimeout):
        served.post("/toy/notes", json={"text": "hello"}, timeout=0.05)
    assert texts(toy) == ["hello"]


def test_a_server_with_a_hanging_request_stops(toy):
    toy.fault("stored-then-hang")
    failed: list[Exception] = []

    def post(url: str) -> None:
        try:
            httpx.post(f"{url}/toy/notes", json={"text": "hello"}, timeout=10, trust_env=False)
        except httpx.TransportError as error:
            failed.append(error)

    with toy.serve() as url:
        thread = threading.Thread(target=post, args=(url,))
        thread.start()
        waited = threading.Event()
        for _ in range(1000):
            if toy.requests:
                break
            waited.wait(0.005)
    thread.join(5)
    assert len(failed) == 1


def test_other_languages_drive_it_by_json(toy, served):
    planned = served.post("/sandbox/fault", json={"kind": "stored-then-500", "platform": "toy", "times": 2})
    assert planned.status_code == 200
    assert served.post("/toy/notes", json={"text": "hello"}).status_code == 500
    moved = served.post("/sandbox/clock", json={"advance": 60})
    assert moved.json() == {"now": "2026-11-02T09:01:00+00:00"}
    state = served.get("/sandbox/state").json()
    assert state["timelines"]["toy"][0]["text"] == "hello"
    assert state["faults"] == [{"kind": "stored-then-500", "platform": "toy", "match": None, "times": 1}]
    assert [(line["status"], line["size"]) for line in state["requests"]] == [(500, len('{"text":"hello"}'))]


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/sandbox/fault", {"kind": "explodes"}),
        ("/sandbox/fault", {}),
        ("/sandbox/fault", ["429"]),
        ("/sandbox/clock", {"advance": -1}),
        ("/sandbox/clock", {}),
    ],
)
def test_wrong_controls_are_refused_with_a_reason(served, path, given):
    answer = served.post(path, json=given)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_form_of_another_site_cannot_drive_it(toy, served):
    answer = served.post("/sandbox/clock", content=b'{"advance": 60}', headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert toy.clock.monotonic() == 0


def test_a_taken_port_is_named(toy, served):
    with (
        pytest.raises(ConfigError, match=f"127.0.0.1:{served.base_url.port}"),
        toy.serve(served.base_url.port),
    ):
        pass


def test_it_can_be_served_again(toy):
    for _ in range(2):
        with toy.serve() as url:
            assert httpx.get(f"{url}/toy/notes", trust_env=False).status_code == 200
