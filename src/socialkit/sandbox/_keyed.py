"""People who copy a secret from a settings page: what the boxes of such platforms share."""

from __future__ import annotations

import attrs

from .sign_in import Grant, SignIn

__all__ = ["Keyed", "Person"]


@attrs.frozen
class Person:
    """Somebody with an account: the native id, the handle, the name shown."""

    id: str
    username: str
    name: str


class Keyed(SignIn):
    """Each person has one secret per place it is copied from; who revoked it copies a new one."""

    def key_of(self, username: str, place: str = "key", *scopes: str) -> str:
        """The living secret of a person; a new one when the old one was revoked."""
        self.check_known(username)
        keys = (self.new_key(username, f"{place} {number}") for number in range(len(self.ended) + 1))
        key = next(key for key in keys if key not in self.ended)
        grant = Grant(username, frozenset(scopes) or self.known_scopes, issued_at=self.now(), kind="key")
        self.grants.setdefault(key, grant)
        return key

    def new_key(self, username: str, place: str) -> str:
        """A secret in the platform's form; the same every time for the same person and place."""
        return self.digest("key", username, place)[:40]
