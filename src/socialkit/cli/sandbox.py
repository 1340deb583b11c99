"""What the ``sandbox`` command prints for people who want to try the sign-ins."""

from __future__ import annotations

from typing import Any

from ..registry import flows


def sign_in_lines(box: Any, url: str) -> list[str]:
    """One command per platform of a served sandbox, with the app and the secrets to type."""
    return [line for platform in box.boxes for line in _lines(platform, box[platform], url)]


def _lines(platform: str, box: Any, url: str) -> list[str]:
    flow = flows(platform)[0]
    app, typed = box.app_for(flow.name), box.answers(flow.name)
    command = f"    socialkit login {platform} --server {url}/{platform}"
    if app.get("client_id"):
        command += f" --client-id {app['client_id']}"
    asked = {"secret": app["client_secret"]} if app.get("client_secret") else {}
    return [command, *(f"        {name}: {value}" for name, value in {**asked, **typed}.items())]
