"""The library's next steps as commands: who typed one is told to type another, not to call Python."""

from __future__ import annotations

import re
import shlex
from functools import partial

_SAME = "the same command with"
_CALLS = (
    (
        r"plan = client\.plan\(post, to=[^)]*\), then client\.publish\(plan, idempotency_key=K\)",
        f"{_SAME} --key {{}}",
    ),
    (r"client\.publish\(post, to=[^)]*?, idempotency_key=<a new key>\)", "the same command with a new --key"),
    (r"client\.publish\(post, to=[^)]*?, idempotency_key=K\)", f"{_SAME} --key {{}}"),
    (r"publish with idempotency_key=K", f"{_SAME} --key {{}}"),
    (r"client\.settle\(K, not_live=True, by=…\)", "socialkit settle {} --not-live --by NAME"),
    (r"client\.settle\(K\)", "socialkit settle {}"),
    (r"client\.resume\(K, …\)", "socialkit resume {} --reason WHY --by NAME"),
)
_KEY = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""


def as_commands(text: str) -> str:
    """The text with every call of the library as the command that does it.

    >>> as_commands("client.settle('launch-1') looks again, sends nothing")
    'socialkit settle launch-1 looks again, sends nothing'
    >>> as_commands("when it may go, client.publish(post, to='toots', idempotency_key='k 1')")
    "when it may go, the same command with --key 'k 1'"
    """
    for call, command in _CALLS:
        text = re.sub(call.replace("K", _KEY), partial(_command, command), text)
    return text


def _command(words: str, found: re.Match[str]) -> str:
    return words.format(*(shlex.quote(one[1:-1]) for one in found.groups()))
