"""People, hosts and sign-in of the Bluesky sandbox: handles, DIDs, app passwords, sessions, service tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .bluesky_oauth import OAuth
from .bluesky_records import BadRecord, Check, fits, obj, text
from .bodies import BadBody
from .core import Answer, body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Accounts", "Json", "Person", "Row", "stamp"]

Json = dict[str, Any]
Row = tuple[str, str, str, Callable[["Request"], "Response"]]
"""HTTP method, name of the call, the role of the host that answers it, handler."""

FULL, APP, PRIVILEGED = "com.atproto.access", "com.atproto.appPass", "com.atproto.appPassPrivileged"
REFRESH = "com.atproto.refresh"
REFRESH_SECONDS, GRACE_SECONDS = 90 * 86400, 7200
_PROTECTED = frozenset(
    f"com.atproto.server.{name}"
    for name in ("createAppPassword", "getSession", "listAppPasswords", "revokeAppPassword", "updateEmail")
)
"""Some of the calls no service token is made for."""
_SIGN_IN = obj("identifier password", identifier=text(), password=text())
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_NAMES = {
    400: "InvalidRequest",
    401: "AuthenticationRequired",
    403: "Forbidden",
    404: "NotFound",
    405: "InvalidRequest",
    413: "PayloadTooLarge",
    429: "RateLimitExceeded",
    500: "InternalServerError",
    501: "MethodNotImplemented",
    502: "UpstreamFailure",
}
_WORDS = {401: "Authentication Required", 500: "Internal Server Error", 501: "Method Not Implemented"}


@attrs.define(eq=False)
class Person:
    """One account. ``state`` is "active", "deactivated" or "takendown"; ``factor`` means e-mail codes at sign-in."""

    did: str
    handle: str
    password: str
    created_at: datetime
    app_passwords: dict[str, tuple[str, bool]] = attrs.field(factory=dict)
    email_confirmed: bool = True
    factor: bool = False
    state: str = "active"
    rev: str = ""
    commit: str = ""
    seen_at: datetime | None = None


@attrs.define(eq=False)
class Session:
    """A refresh token the server knows: whose, with which rights, until when, and what it was turned into."""

    did: str
    scope: str
    expires_at: datetime
    successor: str | None = None


class Accounts(OAuth):
    """Who is who, on which host, and who asks. The people "brand" and "other" are the first two.

    The access token of a session lives twice as long as ``access_seconds``.
    """

    platform: ClassVar[str] = "bluesky"
    pds_host = "morel.us-east.host.bsky.network"
    video_host = "video.bsky.app"
    roles: ClassVar[dict[str, str]] = {
        "bsky.social": "pds",
        "morel.us-east.host.bsky.network": "pds",
        "api.bsky.app": "app",
        "public.api.bsky.app": "app",
        "video.bsky.app": "video",
        "plc.directory": "plc",
    }
    blob_limit = 52_428_800

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people: dict[str, Person] = {}
        self.sessions: dict[str, Session] = {}
        self.ended_sessions: set[str] = set()

    def account_table(self) -> list[Row]:
        """The calls of this file."""
        server = "com.atproto.server."
        return [
            ("POST", f"{server}createSession", "pds", self.create_session),
            ("POST", f"{server}refreshSession", "pds", self.refresh_session),
            ("POST", f"{server}deleteSession", "pds", self.delete_session),
            ("GET", f"{server}getSession", "pds", self.get_session),
            ("GET", f"{server}describeServer", "pds", self.describe_server),
            ("POST", f"{server}createAppPassword", "pds", self.create_app_password),
            ("GET", f"{server}getServiceAuth", "pds", self.get_service_auth),
            ("GET", "com.atproto.identity.resolveHandle", "any", self.resolve_handle),
        ]

    # errors and inputs ---------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        words = _WORDS.get(status, message) if status in (500, 501) or not message else message
        return JSONResponse({"error": code or _NAMES.get(status, "Unknown"), "message": words}, status)

    def refuse(self, message: str, code: str = "", status: int = 400) -> Answer:
        """An error to raise."""
        return Answer(self.error(status, code, message))

    def token_expired(self) -> Response:
        return self.error(400, "ExpiredToken", "Token has expired")

    def given(self, request: Request, check: Check, limit: int = 150 * 1024) -> Json:
        """The request's JSON object; refused when it is larger than ``limit`` bytes or fails ``check``."""
        read = body(request)
        if len(read.raw) > limit:
            raise self.refuse("request entity too large", "PayloadTooLargeError", 413)
        if not read.content_type:
            raise self.refuse("Request encoding (Content-Type) required but not provided")
        if read.content_type.partition(";")[0].strip().lower() != "application/json":
            raise self.refuse(f"Wrong request encoding (Content-Type): {read.content_type}")
        if not read.raw:
            raise self.refuse("A request body is expected but none was provided")
        try:
            found: Json = read.json()
            check(found, "$")
        except BadBody as error:
            raise self.refuse(str(error), "SyntaxError") from None
        except BadRecord as error:
            raise self.refuse(str(error)) from None
        return found

    def no_body(self, request: Request) -> None:
        """Refuse a body on a call that takes none."""
        read = body(request)
        if read.raw or read.upload is not None:
            raise self.refuse("A request body was provided when none was expected")

    def bad_query(self, request: Request, words: str) -> Answer:
        """The refusal of a query parameter, to raise."""
        return self.refuse(f"Invalid {request.url.path.rpartition('/')[2]} params: {words}")

    def asked(self, request: Request, name: str, default: str | None = None) -> str:
        """A query parameter; refused when it is missing and has no default."""
        value = request.query_params.get(name, default)
        if value is None:
            raise self.bad_query(request, f'Missing required key "{name}"')
        return value

    def number(self, request: Request, name: str, default: int, low: int, high: int) -> int:
        """A whole number in the query, within bounds."""
        value = self.asked(request, name, str(default))
        if not value.lstrip("-").isdecimal():
            raise self.bad_query(request, f'Expected integer value type (got "{value}")')
        if int(value) < low:
            raise self.bad_query(request, f"integer too small (minimum {low}, got {value})")
        if int(value) > high:
            raise self.bad_query(request, f"integer too big (maximum {high}, got {value})")
        return int(value)

    # hosts ---------------------------------------------------------------------------------------

    @property
    def role(self) -> str:
        """What the host of the current request is: pds, app, video, plc; "all" on loopback."""
        return self.roles.get(urlsplit(self.base).netloc, "all")

    @property
    def pds(self) -> str:
        """Base URL of the server the accounts live on."""
        return self.base if self.role == "all" else f"https://{self.pds_host}"

    @property
    def pds_dids(self) -> tuple[str, ...]:
        """The DIDs under which that server takes service tokens; the first is what it calls itself."""
        if self.role != "all":
            return (f"did:web:{self.pds_host}",)
        place = urlsplit(self.base)
        host = place.netloc.replace(":", "%3A")
        path = place.path.replace("/", ":")
        return f"did:web:{host}{path}", f"did:web:{host}", f"did:web:{place.netloc}"

    def did_document(self, person: Person) -> Json:
        """What the directory says about the account."""
        key = "zQ3sh" + self.digest("key", person.did)[:44]
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": person.did,
            "alsoKnownAs": [f"at://{person.handle}"],
            "verificationMethod": [
                {
                    "id": f"{person.did}#atproto",
                    "type": "Multikey",
                    "controller": person.did,
                    "publicKeyMultibase": key,
                }
            ],
            "service": [
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.pds}
            ],
        }

    def directory(self, request: Request) -> Response:
        """``GET plc.directory/:did``."""
        from starlette.responses import JSONResponse

        person = self.people.get(request.path_params["did"])
        if person is None:
            missing = {"message": f"DID not registered: {request.path_params['did']}"}
            return JSONResponse(missing, 404)
        return JSONResponse(self.did_document(person), media_type="application/did+ld+json")

    def health(self, request: Request) -> Response:
        """``GET /xrpc/_health``."""
        from starlette.responses import JSONResponse

        return JSONResponse({"version": "0.5.35"})

    # people --------------------------------------------------------------------------------------

    def add_person(self, handle: str) -> Person:
        """One more account with an app password named "sandbox"."""
        bits = int(self.digest("did", handle)[:30], 16)
        did = "did:plc:" + "".join(_BASE32[bits >> 5 * place & 31] for place in range(24))
        digest = self.digest("password", handle)
        person = Person(did, handle, digest[16:32], self.box.clock.now())
        person.app_passwords["sandbox"] = (_words(digest), False)
        self.people[did] = person
        return person

    def _new_app_password(self, person: Person) -> None:
        """Another one in place of the ready one."""
        person.app_passwords["sandbox"] = (_words(self.serial("app password")), False)

    def person(self, name: str) -> Person | None:
        """The account with that handle, DID or e-mail address."""
        wanted = name.lower()
        for person in self.people.values():
            if wanted in (person.did, person.handle, self.email(person)):
                return person
        return None

    def email(self, person: Person) -> str:
        """The account's e-mail address."""
        return f"{person.handle.partition('.')[0]}@example.com"

    def app_password(self, name: str) -> str:
        """The ready app password of an account."""
        person = self.person(name)
        assert person is not None, f"nobody is called {name!r} here"
        return person.app_passwords["sandbox"][0]

    def token(self, name: str, scope: str = APP) -> str:
        """An access token of an account, as a sign-in would give it."""
        person = self.person(name)
        assert person is not None, f"nobody is called {name!r} here"
        return self._access_token(person, scope)

    # how a person of the sandbox acts --------------------------------------------------------------

    def names(self) -> dict[str, str]:
        return {person.did: person.handle for person in self.people.values()}

    def someone(self, username: str) -> Person:
        """The person of that name: "brand", "other", a handle or a DID."""
        known: dict[str, Person] = dict(zip(("brand", "other"), self.people.values(), strict=False))
        person = known.get(username) or self.person(username)
        if person is None:
            raise KeyError(
                f"nobody called {username!r} here; there are brand, other, {', '.join(self.people)}"
            )
        return person

    def identity_of(self, username: str) -> str:
        return self.someone(username).did

    def address(self, base_url: str | None = None) -> str:
        return base_url or f"https://{self.entryway}"

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        if flow_name != "app_password":
            return {}
        handle = self.someone(username).handle
        return {"handle": handle, "app_password": self.app_password(handle)}

    def expire(self, token: str) -> None:
        if self._session_of(token) is not None:
            self.ended_sessions.add(token)
        super().expire(token)

    def revoke(self, token: str) -> None:
        """End a sign-in as a person does in the settings; an app password ends with its sessions, for a new one."""
        if (did := self._session_of(token)) is not None:
            self.ended_sessions.add(token)
            self.sessions = {name: one for name, one in self.sessions.items() if one.did != did}
            self._new_app_password(self.people[did])
        super().revoke(token)

    def _session_of(self, token: str) -> str | None:
        """Whose session a token belongs to; None for OAuth's tokens and strange ones."""
        opened = self.opened(token)
        return str(opened[1].get("sub")) if opened and "cnf" not in opened[1] else None

    def display_name(self, account: str) -> str:
        return account.partition(".")[0].capitalize()

    # tokens --------------------------------------------------------------------------------------

    def _claims(self, kind: str, scope: str, person: Person, seconds: float) -> tuple[Json, Json]:
        now = int(self.now().timestamp())
        claims = {"scope": scope, "aud": f"did:web:{self.pds_host}", "sub": person.did, "iat": now}
        return {"typ": kind, "alg": "HS256"}, {**claims, "exp": int(now + seconds)}

    def _access_token(self, person: Person, scope: str) -> str:
        header, claims = self._claims("at+jwt", scope, person, 2 * self.access_seconds)
        return self.signed(header, {**claims, "jti": self.serial("session token")[:16]})

    def _refresh_token(self, person: Person, session_id: str) -> str:
        header, claims = self._claims("refresh+jwt", REFRESH, person, REFRESH_SECONDS)
        return self.signed(header, {**claims, "jti": session_id})

    def token_claims(self, request: Request) -> Json:
        """The claims of the request's token; refused when it is missing, false or too old."""
        words = request.headers.get("authorization", "").split(" ")
        if words == [""]:
            raise self.refuse("", "AuthMissing", 401)
        if len(words) != 2:
            raise self.refuse("Malformed authorization header", "InvalidToken")
        if words[0].lower() != "bearer":
            raise self.refuse("Unexpected authorization type", "InvalidToken")
        opened = self.opened(words[1])
        if opened is None:
            raise self.refuse("Token could not be verified", "InvalidToken")
        header, claims = opened
        if "cnf" in claims:
            raise self.refuse("Malformed token", "InvalidToken")
        if claims["exp"] <= self.now().timestamp() or words[1] in self.ended_sessions:
            raise self.refuse("Token has expired", "ExpiredToken")
        return {"typ": header["typ"], **claims}

    def caller(self, request: Request) -> str | None:
        """Whose access token the request carries, whatever is wrong with it; None without one."""
        opened = self.opened(request.headers.get("authorization", "").partition(" ")[2])
        return str(opened[1].get("sub")) if opened else None

    def user(self, request: Request, scopes: tuple[str, ...] = (FULL, APP, PRIVILEGED)) -> Person:
        """Who asks, by an access token; refused when nobody does or the account is off."""
        person = self.people.get(self._did_of(request, scopes))
        if person is None:
            raise self.refuse("Account not found", "AccountNotFound", 403)
        if person.state == "takendown":
            raise self.refuse("Account has been taken down", "AccountTakedown", 401)
        return person

    def _did_of(self, request: Request, scopes: tuple[str, ...]) -> str:
        if request.headers.get("authorization", "").lower().startswith("dpop "):
            if APP not in scopes:
                raise self.refuse("OAuth credentials are not supported for this endpoint", status=403)
            return self.bound_grant(request).username
        claims = self.token_claims(request)
        if claims["typ"] != "at+jwt":
            raise self.refuse("Token could not be verified", "InvalidToken")
        if claims["scope"] not in scopes:
            raise self.refuse("Bad token scope", "InvalidToken")
        return str(claims["sub"])

    def viewer(self, request: Request) -> Person | None:
        """Who asks, or None; behind the account's own server somebody must."""
        if "authorization" not in request.headers and self.role != "pds":
            return None
        return self.user(request)

    def service_user(self, request: Request, audiences: tuple[str, ...], method: str) -> Person:
        """Who asks, by a service token for this audience and method."""
        claims = self.token_claims(request)
        person = self.people.get(str(claims.get("iss")))
        if claims["typ"] != "JWT" or person is None:
            raise self.refuse("poorly formatted jwt", "BadJwt", 401)
        if claims["aud"] not in audiences:
            raise self.refuse("invalid token audience", "BadJwtAudience", 401)
        if claims.get("lxm") != method:
            words = f'bad jwt lexicon method ("lxm"). must match: {method}'
            raise self.refuse(words, "BadJwtLexiconMethod", 401)
        return person

    # sessions ------------------------------------------------------------------------------------

    def create_session(self, request: Request) -> Response:
        """``createSession``: with the password or an app password."""
        given = self.given(request, _SIGN_IN)
        person = self.person(given["identifier"])
        scope = self._scope_for(person, given["password"])
        if person is None or scope is None:
            raise self.refuse("Invalid identifier or password", status=401)
        if person.state == "takendown":
            raise self.refuse("Account has been taken down", "AccountTakedown", 401)
        if scope == FULL and person.factor and not given.get("authFactorToken"):
            words = "A sign in code has been sent to your email address"
            raise self.refuse(words, "AuthFactorTokenRequired", 401)
        return self._session(person, self._new_session(person, scope))

    def _scope_for(self, person: Person | None, password: str) -> str | None:
        if person is None:
            return None
        if password == person.password:
            return FULL
        for words, privileged in person.app_passwords.values():
            if password == words:
                return PRIVILEGED if privileged else APP
        return None

    def _new_session(self, person: Person, scope: str) -> str:
        session_id = self.digest("session", len(self.sessions))[:43]
        expires = self.now() + timedelta(seconds=REFRESH_SECONDS)
        self.sessions[session_id] = Session(person.did, scope, expires)
        return session_id

    def _session(self, person: Person, session_id: str) -> Response:
        from starlette.responses import JSONResponse

        tokens = {
            "accessJwt": self._access_token(person, self.sessions[session_id].scope),
            "refreshJwt": self._refresh_token(person, session_id),
        }
        return JSONResponse({**tokens, **self._whoami(person)})

    def _whoami(self, person: Person) -> Json:
        known = {
            "did": person.did,
            "didDoc": self.did_document(person),
            "handle": person.handle,
            "email": self.email(person),
            "emailConfirmed": person.email_confirmed,
            "emailAuthFactor": person.factor,
            "active": person.state == "active",
        }
        return known if person.state == "active" else {**known, "status": person.state}

    def _refreshing(self, request: Request) -> tuple[str, Session, Person]:
        claims = self.token_claims(request)
        if claims["typ"] != "refresh+jwt":
            raise self.refuse("Token could not be verified", "InvalidToken")
        session = self.sessions.get(claims["jti"])
        if session is None or session.expires_at <= self.now():
            raise self.refuse("Token has been revoked", "ExpiredToken")
        person = self.people[session.did]
        if person.state == "takendown":
            raise self.refuse("Account has been taken down", "AccountTakedown", 401)
        return claims["jti"], session, person

    def refresh_session(self, request: Request) -> Response:
        """``refreshSession``: for two hours the old token gives the same successor."""
        self.no_body(request)
        self.refresh_count += 1
        _, session, person = self._refreshing(request)
        if session.successor is None:
            session.successor = self._new_session(person, session.scope)
            session.expires_at = min(session.expires_at, self.now() + timedelta(seconds=GRACE_SECONDS))
        return self._session(person, session.successor)

    def delete_session(self, request: Request) -> Response:
        """``deleteSession``: the refresh token is dead, access tokens live on to their end."""
        from starlette.responses import Response

        session_id, _, _ = self._refreshing(request)
        del self.sessions[session_id]
        return Response(status_code=200)

    def get_session(self, request: Request) -> Response:
        """``getSession``: who the token belongs to."""
        from starlette.responses import JSONResponse

        return JSONResponse(self._whoami(self.user(request)))

    def create_app_password(self, request: Request) -> Response:
        """``createAppPassword``: only with the password's own session."""
        from starlette.responses import JSONResponse

        person = self.user(request, (FULL,))
        given = self.given(request, obj("name", name=text()))
        if given["name"] in person.app_passwords:
            raise self.refuse("could not create app-specific password")
        digest, privileged = (
            self.digest("app password", person.did, given["name"]),
            bool(given.get("privileged")),
        )
        words = _words(digest)
        person.app_passwords[given["name"]] = (words, privileged)
        made = {"name": given["name"], "password": words, "createdAt": stamp(self.now())}
        return JSONResponse({**made, "privileged": privileged})

    def describe_server(self, request: Request) -> Response:
        """``describeServer``."""
        from starlette.responses import JSONResponse

        entryway = urlsplit(self.base).netloc == self.entryway
        return JSONResponse(
            {
                "did": f"did:web:{self.entryway}" if entryway else self.pds_dids[0],
                "availableUserDomains": [".bsky.social"],
                "inviteCodeRequired": False,
                "blobUploadLimit": self.blob_limit,
                "links": {},
                "contact": {},
            }
        )

    def resolve_handle(self, request: Request) -> Response:
        """``resolveHandle``."""
        from starlette.responses import JSONResponse

        wanted = self.asked(request, "handle").lower()
        if not fits("handle", wanted):
            raise self.bad_query(request, f'Invalid handle (got "{wanted}")')
        person = next((one for one in self.people.values() if one.handle == wanted), None)
        if person is None:
            own = wanted.endswith(f".{self.entryway}")
            raise self.refuse("Unable to resolve handle", "HandleNotFound" if own else "")
        return JSONResponse({"did": person.did})

    def get_service_auth(self, request: Request) -> Response:
        """``getServiceAuth``: a token for another service, good for one method."""
        from starlette.responses import JSONResponse

        person = self.user(request)
        audience, method = self.asked(request, "aud"), request.query_params.get("lxm")
        if not fits("did", audience.partition("#")[0]):
            raise self.refuse("aud must be a valid atproto DID or did#serviceId reference")
        if method is not None and not fits("nsid", method):
            raise self.bad_query(request, f'Invalid NSID (got "{method}")')
        now = self.now().timestamp()
        expires = self.number(request, "exp", int(now) + 60, 0, 2**53)
        self._check_expiry(expires - now, method)
        if method in _PROTECTED:
            words = "cannot request a service auth token for the following protected method"
            raise self.refuse(f"{words}: {method}")
        claims = {"iat": int(now), "iss": person.did, "aud": audience, "exp": expires}
        token = {**claims, "jti": self.digest("service", now, audience, method)[:32]}
        if method:
            token["lxm"] = method
        return JSONResponse({"token": self.signed({"typ": "JWT", "alg": "ES256K"}, token)})

    def _check_expiry(self, seconds: float, method: str | None) -> None:
        words = ""
        if seconds < 0:
            words = "expiration is in past"
        elif seconds > 3600:
            words = "cannot request a token with an expiration more than an hour in the future"
        elif method is None and seconds > 60:
            words = "cannot request a method-less token with an expiration more than a minute in the future"
        if words:
            raise self.refuse(words, "BadExpiration")


def _words(digest: str) -> str:
    """An app password."""
    return "-".join(digest[place : place + 4] for place in range(0, 16, 4))


def stamp(moment: datetime) -> str:
    """A moment as the platform writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
