"""How LinkedIn's API is spoken to: versions, Rest.li's queries, who may do what, errors, quotas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import attrs

from .core import Allowance, Answer, Window, body
from .linkedin_members import SELF_SERVE, Member, Members
from .linkedin_schema import problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Organization", "Wire"]

Json = dict[str, Any]
_DAY = 86_400.0
_POSTING = frozenset(
    {"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER"}
)
_URN = re.compile(r"urn:li:[A-Za-z]+:.+")
_CALLS = "* /(rest|v2)/.*"


@attrs.define
class Organization:
    """A Page: ``roles`` are its members' by username."""

    id: int
    name: str
    vanity: str
    roles: dict[str, str] = attrs.field(factory=dict)
    followers: int = 1200

    @property
    def urn(self) -> str:
        """The Page's URN."""
        return f"urn:li:organization:{self.id}"


class Wire(Members):
    """The part of the box between a request and what it is about.

    ``tier`` is that of apps with the Community Management API: "standard", or "development" with its small quotas and
    without BATCH_GET. ``active_versions`` are the versions that are answered.
    """

    tier: Literal["development", "standard"] = "standard"
    active_versions: frozenset[str] = frozenset({f"2026{month:02}" for month in range(1, 12)})
    windows = (
        Window("member-share", 150, _DAY, _CALLS, per="share"),
        Window("app-share", 100_000, _DAY, _CALLS, per="share"),
        Window("member-development", 100, _DAY, _CALLS, per="development"),
        Window("app-development", 500, _DAY, _CALLS, per="development"),
    )

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        roles = {"brand": "ADMINISTRATOR"}
        self.organizations: dict[int, Organization] = {}
        self.add_organization(Organization(2414183, "Example Shipyard", "example-shipyard", roles))
        self.add_organization(
            Organization(5515715, "Example Harbour", "example-harbour", {"brand": "ANALYST"})
        )

    def add_organization(self, organization: Organization) -> Organization:
        """One more Page."""
        self.organizations[organization.id] = organization
        return organization

    # what LinkedIn says ----------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        names = {400: "ILLEGAL_ARGUMENT", 404: "RESOURCE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
        known = code or names.get(status, "INTERNAL_SERVER_ERROR" if status >= 500 else "ACCESS_DENIED")
        headers = {"x-restli-protocol-version": "2.0.0", "x-restli-error-response": "true"}
        return JSONResponse({"status": status, "code": known, "message": message}, status, headers)

    def invalid(self, field: str, code: str, words: str, status: int = 400) -> Answer:
        """A field that is wrong."""
        from starlette.responses import JSONResponse

        one = {"description": words, "input": {"inputPath": {"fieldPath": field}}, "code": code}
        kind = "com.linkedin.common.error.BadRequest"
        told = {
            "errorDetailType": kind,
            "message": words,
            "errorDetails": {"inputErrors": [one]},
            "status": status,
        }
        return Answer(JSONResponse(told, status))

    def forbid(self, request: Request, resource: str) -> Answer:
        """The refusal of a resource and method, such as ``posts.CREATE``, with the version it was asked in."""
        version = request.headers.get("linkedin-version", "")[:6]
        return self.denied(f"{resource}.{version}01" if version else f"{resource}.NO_VERSION")

    def missing(self, what: str) -> Answer:
        """There is no such thing."""
        return Answer(self.error(404, "NOT_FOUND", f"{what} was not found"))

    def too_many(self, allowance: Allowance) -> Response:
        from starlette.responses import JSONResponse

        whose = "MEMBER" if allowance.window.name.startswith("member") else "APPLICATION"
        words = f"Resource level throttle {whose} DAY limit for calls to this resource is reached."
        told = {"status": 429, "serviceErrorCode": 101, "code": "TOO_MANY_REQUESTS", "message": words}
        return JSONResponse(told, 429)

    def limit_key(self, window: Window, request: Request) -> str | None:
        """By the product the token came from, and per app what a member may do with it; nobody knows the numbers of the
        standard tier."""
        grant = self.grant_of(self.bearer(request))
        if grant is None:
            return None
        product = "share" if grant.scopes <= SELF_SERVE else self.tier
        if product != window.per:
            return None
        app = grant.client_id or "app"
        return f"{app}|{grant.username}" if window.name.startswith("member") else app

    # who asks --------------------------------------------------------------------------------------

    def caller(self, request: Request, resource: str, *scopes: str) -> tuple[str, Member]:
        """Who asks, after version, Rest.li's own headers, token, and one of ``scopes`` were looked at."""
        self._check_version(request)
        grant = self.grant(request)
        if scopes and not grant.scopes & set(scopes):
            raise self.forbid(request, resource)
        return grant.username, self.people[grant.username]

    def checked(self, request: Request, shape: Any) -> Json:
        """The JSON body, after version and token were looked at; refused where it has another shape."""
        self.caller(request, "")
        given: Json = body(request).json()
        if (found := problem(given, shape)) is not None:
            raise self.invalid(*found)
        return given

    def _check_version(self, request: Request) -> None:
        """LinkedIn's own client 0.3.0 misspells the header of Rest.li's version, so that none cannot be refused."""
        version = request.headers.get("linkedin-version", "")
        if not version:
            words = (
                "A version must be present. Please specify a version by adding the LinkedIn-Version header."
            )
            raise Answer(self.error(426, "VERSION_MISSING", words))
        if version[:6] not in self.active_versions:
            day = f"{version}01" if len(version) == 6 else version
            raise Answer(self.error(426, "NONEXISTENT_VERSION", f"Requested version {day} is not active"))
        if request.headers.get("x-restli-protocol-version", "2.0.0") != "2.0.0":
            raise Answer(self.error(400, message="Rest.li protocol version 2.0.0 is needed"))

    def author(
        self, request: Request, resource: str, urn: str, *, member: tuple[str, ...], page: tuple[str, ...]
    ) -> str:
        """The username or Page URN an author's URN means, if the caller may act as it with one of these scopes."""
        username, me = self.caller(request, resource)
        scopes = self.grant(request).scopes
        if urn == f"urn:li:person:{me.id}":
            allowed = bool(scopes & set(member))
        else:
            role = self.role_of(username, urn)
            allowed = role in _POSTING and bool(scopes & set(page))
        if not allowed:
            raise self.forbid(request, resource)
        return urn

    def role_of(self, username: str, urn: str) -> str:
        """The person's role on a Page; "" without one."""
        page = self.page(urn)
        return page.roles.get(username, "") if page is not None else ""

    def page(self, urn: str) -> Organization | None:
        """The Page a URN names."""
        number = urn.rpartition(":")[2]
        found = self.organizations.get(int(number)) if number.isdecimal() else None
        return found if found is not None and urn.startswith("urn:li:organization") else None

    def owns(self, username: str, urn: str) -> bool:
        """Whether the person is, or may post as, the author."""
        return urn == f"urn:li:person:{self.people[username].id}" or self.role_of(username, urn) in _POSTING

    # Rest.li ---------------------------------------------------------------------------------------

    def path_urn(self, request: Request) -> str:
        """The URN in the path; a bare one makes Rest.li see another resource."""
        raw = request.scope.get("raw_path") or b""
        urn = str(request.path_params["urn"])
        if b"urn:li" in raw or not _URN.fullmatch(urn):
            words = "Resource method could not be resolved from request parameters."
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", words))
        return urn

    def query(self, request: Request) -> dict[str, Any]:
        """The query by name: texts, lists and records, as Rest.li 2.0 writes them; a tunnelled one is in the body."""
        raw = request.scope.get("query_string", b"").decode("latin-1")
        if request.headers.get("x-http-method-override", "").upper() == "GET":
            raw = body(request).raw.decode("latin-1")
        pairs = (pair.partition("=") for pair in raw.split("&") if pair)
        return {unquote(name): self._value(value) for name, _, value in pairs}

    def tunnelled(self, request: Request) -> None:
        """A POST that stands for a GET says so."""
        if request.headers.get("x-http-method-override", "").upper() != "GET":
            raise Answer(self.error(405, message="Method not allowed"))

    def _value(self, text: str) -> Any:
        if text.startswith("List(") and text.endswith(")"):
            return [self._value(one) for one in _split(text[5:-1])]
        if text.startswith("(") and text.endswith(")"):
            pairs = (one.partition(":") for one in _split(text[1:-1]))
            return {unquote(name): self._value(value) for name, _, value in pairs}
        if set(text) & set("(),:"):
            words = "Invalid query parameters passed to request: values are percent-encoded"
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", words))
        return unquote(text)

    def paging(self, request: Request, items: list[Any], most: int = 100) -> tuple[list[Any], Json]:
        """One page of a list, and what its answer says about it."""
        query = self.query(request)
        given = {name: str(query.get(name, default)) for name, default in (("start", "0"), ("count", "10"))}
        if not all(value.isdecimal() for value in given.values()) or int(given["count"]) > most:
            raise self.invalid("/count", "VALUE_OUT_OF_RANGE", f"count is at most {most}")
        start, count = int(given["start"]), int(given["count"])
        links = [{"rel": "next", "type": "application/json"}] if items[start + count :] else []
        return items[start : start + count], {
            "start": start,
            "count": count,
            "links": links,
            "total": len(items),
        }


def _split(text: str) -> Iterator[str]:
    """The items of a list or record: at commas outside of brackets."""
    depth, last = 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            yield text[last:at]
            last = at + 1
    if text:
        yield text[last:]
