"""What tests share: hypothesis without deadlines and with the same examples on every run in CI; a client on the
sandbox a module calls ``box``, and what goes over its wire."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from recording import Recorder
from socialkit import Client
from socialkit.sandbox import Sandbox

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def wire(box: Sandbox) -> Recorder:
    return Recorder(box.transport)


@pytest.fixture
def client(box: Sandbox, wire: Recorder) -> Iterator[Client]:
    with Client(box.accounts(), store=":memory:", transport=wire, clock=box.clock) as client:
        yield client
