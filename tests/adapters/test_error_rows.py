"""Every row of the platforms' error tables: the answer it is for, and what it means for a person.

The tables stand beside the manuals' own: status, codes, words, the error, what to do. ``~`` says that the post may be
live all the same, ``+`` that a new access token may help. Codes of Meta are "code/subcode".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from socialkit import registry
from socialkit.adapters import _errors
from socialkit.adapters.base import Adapter, Response
from socialkit.rules import ErrorRow

from .fakes import NOW

TABLES = {
    "linkedin": """
        400 | - | Unable to obtain activity | Unavailable ~ |
        400 | - | Unable to retrieve access token: authorization code not found | ReauthNeeded | sign in again
        400 | invalid_grant |  | ReauthNeeded | sign in again
        400 | MEDIA_ASSET_PROCESSING |  | Unavailable | the medium is not processed yet
        400 | - | urn:li:image:C4E is not ready | Unavailable | the medium is not processed yet
        400 | - | isVoterVisibleToAuthor must be true | Declined | polls must show the author who voted
        400 | FIELD_LENGTH_TOO_LONG |  | Declined | shorten it
        400 | ILLEGAL_ARGUMENT MISSING_FIELD |  | Declined | the request does not have the form LinkedIn
        400 | VALUE_OUT_OF_RANGE |  | Declined | the request does not have the form LinkedIn
        401 | REVOKED_ACCESS_TOKEN 65601 |  | ReauthNeeded | the member ended the sign-in
        401 | - | The token has been revoked by the user | ReauthNeeded | the member ended the sign-in
        401 | EXPIRED_ACCESS_TOKEN 65602 |  | ReauthNeeded + | a token lives 60 days
        401 | INVALID_ACCESS_TOKEN 65600 |  | ReauthNeeded + | the token is malformed or unknown
        401 | - |  | ReauthNeeded + | the token is not accepted
        403 | - | Accessing this video resource is forbidden | Declined | the medium was uploaded for another
        403 | ACCESS_DENIED 100 |  | MissingScope | the token lacks a scope, the app a product,
        403 | - | Not enough permissions to access: posts.CREATE.20260901 | MissingScope | the token lacks a scope,
        404 | NOT_FOUND RESOURCE_NOT_FOUND |  | Declined | it is deleted, or the URN is wrong
        405 | - |  | Declined | the request does not have the form LinkedIn
        409 | - |  | Unavailable | something else was writing at the same moment
        422 | DUPLICATE_POST |  | Duplicate ~ |
        422 | - | Content is a duplicate of urn:li:share:7 | Duplicate ~ |
        426 | NONEXISTENT_VERSION VERSION_MISSING |  | Declined | give a newer version= to LinkedIn(...): each
        429 | TOO_MANY_REQUESTS 101 |  | RateLimited | quotas are counted anew at 00:00 UTC
        500 | - |  | Unavailable ~ |
        502 | - |  | Unavailable ~ |
        503 | - |  | Unavailable ~ |
        504 | - |  | Unavailable ~ |
    """,
    "facebook": """
        400 | - | (#100) Name parameter too long | Declined | shorten the title
        400 | 100 | Invalid appsecret_proof provided in the API argument | ReauthNeeded | the app demands
        400 | 100 | (#100) No permission to publish the video | MissingScope | give the Page's token, not the
        400 | 1/99 |  | Declined | the address in the post is bad
        400 | 10/1893063 |  | Declined | the Page is restricted from messaging
        400 | 100/33 |  | Declined | it is gone, this token may not see it, or it
        400 | 100/1366046 |  | Declined | the photo is too large, or no JPEG or PNG
        400 | 100/1366051 |  | Duplicate ~ | these photos are in a post already
        400 | 368/1390008 |  | RateLimited | posting too fast
        400 | 368/1346003 |  | Declined | Facebook takes it for abuse
        400 | 200/1404006 368/4854002 |  | Declined | a security check is open: sign in at
        400 | 200/1404078 |  | Declined | the person needs Page Publishing Authorization
        400 | 368/1404102 |  | Declined | it breaks the community standards
        400 | 368/1404112 |  | Declined | Facebook blocks the Page or the person for a
        400 | 100/1609008 |  | Declined | a post cannot link to facebook.com
        400 | 100/1609005 |  | Declined | the linked page could not be read
        400 | 100/2061006 |  | Declined | the address in the post is bad
        400 | 100/1349125 |  | Declined | the content is not valid
        400 | 100/2069019 |  | Declined | the file is not valid
        400 | 100/1609010 6000/1363047 1363047 |  | Unavailable ~ |
        400 | 110 210 |  | Declined |
        400 | 190/458 |  | ReauthNeeded | the person removed the app; sign in again
        400 | 190/459 190/464 |  | ReauthNeeded | sign in at facebook.com in a browser and
        400 | 190/460 |  | ReauthNeeded | the password was changed; sign in again
        400 | 190/463 190/467 490 |  | ReauthNeeded | sign in again
        400 | 190/492 |  | ReauthNeeded | sign in again; the person lost the role on
        400 | 200 |  | MissingScope | the permission pages_manage_posts is missing,
        400 | 283 |  | MissingScope | the permission pages_read_engagement is
        400 | 324 |  | Declined | the picture is missing or not valid
        400 | 352 |  | Declined | the format of the video is not supported
        400 | 368 |  | Declined | Facebook blocks the Page or the person for a
        400 | 389 |  | Declined | Facebook could not fetch the file
        400 | 506 |  | Duplicate ~ |
        400 | 1500 |  | Declined | the address in the post is bad
        400 | 2500 |  | Declined | no token came along, or the API version is
        400 | 3001 |  | Declined |
        400 | 6000 6001 |  | Declined | Facebook could not read the video; upload it
        400 | 100 |  | Declined |
        400 | SESSION |  | Declined | the upload session is over
        400 | 190 102 |  | ReauthNeeded | sign in again
        400 | 104 |  | ReauthNeeded | the app demands appsecret_proof; look at its
        400 | 4 17 32 341 613 80000 80001 80002 80003 80004 80005 80006 80008 80009 80014 |  | RateLimited |
        400 | 3 |  | MissingScope | the app lacks this capability
        400 | 10 275 |  | MissingScope | sign in again and leave every permission
        400 | 1 2 9999 |  | Unavailable ~ |
    """,
    "instagram": """
        400 | 10 | (#10) Not enough viewers for the media | Declined | fewer than five people saw the story
        400 | 100/33 |  | Declined | it is gone, not the account's, or not to be
        400 | -2/2207003 |  | Unavailable | the media took too long to fetch; the address
        400 | -2/2207020 |  | Declined | publish again: a new container is made
        400 | -1/2207001 |  | Unavailable ~ |
        400 | -1/2207032 |  | Unavailable |
        400 | -1/2207053 |  | Unavailable | publish again: a new container is made
        400 | 1/2207057 |  | Declined | thumb_offset must be less than the video's
        400 | 4/2207051 |  | Declined ~ | it looks like spam to Instagram; wait some
        400 | 9/2207042 |  | RateLimited | the account's posts of 24 hours are used up
        400 | 9004 9004/2207052 |  | Unavailable | the address must give the file itself to
        400 | 9007 9007/2207027 |  | Unavailable | the media are not ready yet
        400 | 24/2207006 |  | Declined | publish again: a new container is made
        400 | 24/2207008 |  | Unavailable | publish again: a new container is made
        400 | 25 25/2207050 |  | Declined | the account is restricted, inactive or held:
        400 | 100/2207023 |  | Declined |
        400 | 100/2207028 |  | Declined | a carousel has 2 to 10 items
        400 | 100/2207035 |  | Declined | products of a video have no position
        400 | 100/2207036 |  | Declined | products of a picture need x and y
        400 | 100/2207037 |  | Declined | look at the ids of the products
        400 | 100/2207040 |  | Declined | at most 20 people are tagged
        400 | 352 352/2207026 |  | Declined | encode the video anew: MP4, H.264 or HEVC,
        400 | 36000 36000/2207004 |  | Declined | a picture has at most 8 MiB
        400 | 36001 36001/2207005 |  | Declined | Instagram takes JPEG only; give a local file,
        400 | 36003 36003/2207009 |  | Declined | a picture in the feed is 4:5 to 1.91:1
        400 | 36004 36004/2207010 |  | Declined | shorten the caption to 2,200 characters
        400 | 100/2207064 |  | Declined | people tagged in a video have no position
        400 | -2/2207077 |  | Unavailable | the video could not be fetched; the address
        400 | 10/2207081 |  | Declined | the account cannot post trial reels
        400 | -1/2207082 |  | Unavailable | publish again: a new container is made
        400 | -1/2207085 |  | Declined | delete it in the app; the permission
        400 | 100/2207089 |  | Declined | an item of a carousel cannot be published
        400 | 110 |  | Declined | a person named there has no public account
        400 | 100/2108006 |  | Declined | it is older than the professional account; it
        400 | 10/2534022 |  | Declined | the time to answer that message is over
        400 | 9009 |  | Declined | the account is not available
        400 | -2 |  | Unavailable |
        400 | -1 |  | Unavailable ~ |
        400 | upload-again |  | Unavailable |
        400 | upload-failed |  | Declined | the video did not arrive whole, or is none
        400 | 190 102 |  | ReauthNeeded | sign in again
        400 | 104 |  | ReauthNeeded | the app demands appsecret_proof; look at its
        400 | 4 17 32 341 613 80000 80001 80002 80003 80004 80005 80006 80008 80009 80014 |  | RateLimited |
        400 | 3 |  | MissingScope | the app lacks this capability
        400 | 10 275 |  | MissingScope | sign in again and leave every permission
        400 | 1 2 9999 |  | Unavailable ~ |
    """,
    "threads": """
        400 | 24/4279009 |  | Unavailable | the container was not ready, or Threads lost
        400 | 100/4279004 |  | Declined | the pictures and videos of the carousel are
        400 | 10/4279013 |  | Declined | Threads keeps this account from posting: look
        400 | 4/2207051 |  | Declined ~ | Threads takes this for automated behaviour:
        400 | 100/4279050 |  | Duplicate | it is reposted already
        400 | 1/4476002 |  | Declined | sign in with the Threads app id of the app,
        400 | 1/2207052 1/9004 |  | Unavailable | Threads could not fetch a medium: look
        400 | -2/2207003 |  | Unavailable | fetching a medium took Threads too long: look
        400 | 352/2207026 |  | Declined | encode the video anew: H.264 or HEVC, AAC, 23
        400 | THREADS_API__LINK_LIMIT_EXCEEDED |  | Declined | at most 5 different links
        400 | THREADS_API__FEATURE_NOT_AVAILABLE |  | Declined | this account or app does not have that feature
        400 | THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES |  | Declined | two letters each, as in ISO 3166-1
        400 | 100/33 |  | Declined | it is gone, or the token may not see it
        400 | 100 |  | Declined |
        400 | 341 |  | Unavailable ~ |
        400 | 190 |  | ReauthNeeded + | sign in again
        400 | 102 |  | ReauthNeeded | sign in again
        400 | 104 |  | ReauthNeeded | the app demands appsecret_proof; look at its
        400 | 4 17 32 613 80000 80001 80002 80003 80004 80005 80006 80008 80009 80014 |  | RateLimited |
        400 | 3 |  | MissingScope | the app lacks this capability
        400 | 10 275 |  | MissingScope | sign in again and leave every permission
        400 | 1 2 9999 |  | Unavailable ~ |
    """,
    "youtube": """
        308 | - |  | Declined | YouTube holds a part of the video; publish
        400 | uploadLimitExceeded |  | RateLimited | the channel's own upload limit, whatever the
        400 | processingFailure |  | Unavailable |
        400 | subscriptionDuplicate |  | Duplicate |
        400 | invalidTitle |  | Declined | a title has 1 to 100 characters, none of them
        400 | invalidDescription |  | Declined | a description has at most 5000 bytes, and no
        400 | invalidTags |  | Declined | all tags together have at most 500 characters
        400 | invalidCategoryId |  | Declined | GET /youtube/v3/videoCategories lists the
        400 | invalidPublishAt |  | Declined | only a private video that never was public
        400 | invalidFilename |  | Declined | rename the file
        400 | invalidRecordingDetails |  | Declined | look at options.recorded_at
        400 | invalidVideoGameRating |  | Declined |
        400 | invalidVideoMetadata |  | Declined | the metadata do not go together
        400 | defaultLanguageNotSet |  | Declined | localizations need Post.language
        400 | mediaBodyRequired |  | Declined | the video is empty
        400 | invalidImage |  | Declined | the picture cannot be read
        400 | imageFormatUnsupported |  | Declined | a thumbnail is a JPEG or PNG
        400 | imageTooTall imageTooWide |  | Declined | make the picture smaller
        400 | failedPrecondition |  | Declined | the picture is too large, or the video not
        400 | keyInvalid |  | Declined | the API key is not known
        400 | badRequest missingRequiredParameter unexpectedParameter incompatibleParameters |  | Declined |
        400 | invalidFilters invalidCriteria invalidMine |  | Declined |
        400 | invalidPageToken |  | Declined | start with the first page again
        400 | manualSortRequired |  | Declined | set the playlist to manual order, or leave
        400 | commentTextRequired |  | Declined | a comment needs a text
        400 | commentTextTooLong |  | Declined | shorten the comment
        400 | channelOrVideoIdMissing parentCommentIdMissing parentCommentIsPrivate |  | Declined |
        400 | invalidCommentMetadata |  | Declined |
        401 | youtubeSignupRequired |  | ReauthNeeded | make a channel for the Google account at
        401 | authError authorizationRequired |  | ReauthNeeded + |
        403 | quotaExceeded dailyLimitExceeded |  | RateLimited | the project's quota of the day is spent; it
        403 | rateLimitExceeded |  | RateLimited |
        429 | rateLimitExceeded |  | RateLimited |
        403 | userRateLimitExceeded |  | RateLimited |
        429 | userRateLimitExceeded |  | RateLimited |
        429 | uploadRateLimitExceeded |  | RateLimited | too many requests; thumbnails may have to
        403 | insufficientPermissions |  | MissingScope | sign in again with the scope
        403 | forbidden |  | Declined | sign in as the channel's owner, with the
        403 | accountDelegationForbidden channelForbidden |  | Declined | sign in as the channel's owner, with the
        403 | forbiddenPrivacySetting |  | Declined | the channel may not use this visibility
        403 | forbiddenLicenseSetting |  | Declined | the channel may not use this licence
        403 | authenticatedUserAccountClosed |  | Declined | look at the channel in YouTube Studio: it is
        403 | authenticatedUserAccountSuspended |  | Declined | look at the channel in YouTube Studio: it is
        403 | authenticatedUserNotChannel |  | Declined | look at the channel in YouTube Studio: it is
        403 | channelClosed channelSuspended |  | Declined | look at the channel in YouTube Studio: it is
        403 | accessNotConfigured SERVICE_DISABLED |  | Declined | enable the YouTube Data API v3 (and the
        403 | commentsDisabled |  | Declined | comments are off for this video
        403 | operationNotSupported ineligibleAccount |  | Declined |
        403 | playlistContainsMaximumNumberOfVideos |  | Declined | the playlist is full
        404 | videoNotFound channelNotFound playlistNotFound playlistItemNotFound |  | Declined |
        404 | captionNotFound commentNotFound commentThreadNotFound parentCommentNotFound |  | Declined |
        409 | captionExists videoAlreadyInPlaylist |  | Duplicate |
        500 | internalError |  | Unavailable ~ |
        503 | backendError |  | Unavailable ~ |
    """,
    "tiktok": """
        400 | invalid_params | The chunk size is invalid | Declined | since August 2026 TikTok takes several chunks
        400 | invalid_params invalid_param |  | Declined | a field is not as TikTok wants it
        400 | scope_permission_missed |  | MissingScope | developers.tiktok.com: the app lacks this
        400 | invalid_file_upload |  | Declined | the file is not as TikTok wants it
        400 | app_version_check_failed |  | Declined | the creator's TikTok app must be 31.8 or newer
        400 | invalid_publish_id publish_not_cancellable |  | Declined |
        400 | access_token_invalid |  | ReauthNeeded + | the token is expired or revoked
        400 | scope_not_authorized |  | MissingScope | sign in again and leave that permission ticked
        400 | token_not_authorized_for_specified_publish_id |  | Declined | it is another user's
        400 | spam_risk_too_many_posts |  | RateLimited | the creator has made all posts of a day
        400 | spam_risk_user_banned_from_posting |  | Declined | the creator is banned from posting
        400 | spam_risk_too_many_pending_share |  | RateLimited | the creator has to finish what waits in the
        400 | reached_active_user_cap |  | RateLimited | the app's cap of creators a day
        400 | unaudited_client_can_only_post_to_private_accounts |  | Declined | until TikTok has audited the app it
        400 | url_ownership_unverified |  | Declined | verify the domain of the media (your
        400 | privacy_level_option_mismatch |  | Declined | the creator's options have changed: plan again
        400 | rate_limit_exceeded |  | RateLimited |
        400 | internal_error |  | Unavailable ~ |
        404 | - |  | Declined | there is no such thing: every path ends with
        405 | - |  | Declined | there is no such thing: every path ends with
        429 | - |  | RateLimited |
    """,
    "pinterest": """
        400 | - | invalid_grant: the code is used | ReauthNeeded | sign in again
        400 | - | Unable to reach the URL | Unavailable | Pinterest could not fetch the medium from its
        400 | - | cover_image_url or cover_image_content_type is missing | Declined | a video pin has a cover:
        400 | 1 4196 6126 400 |  | Declined |
        401 | 3 |  | MissingScope | sign in again with boards:read boards:write
        401 | 7 |  | Declined | the account may not use that board or pin
        401 | 2 - |  | ReauthNeeded + | sign in again
        403 | - | Apps with Trial access may not create Pins in production | Declined | an app with trial access may
        403 | 29 |  | Declined | the account may not do this; or an app with
        403 | 403 |  | Declined | the account may not do this; analytics need a
        404 | - | Media not found. | Unavailable | the upload is not known yet; publish again
        404 | 30 |  | Declined | there is no such user
        404 | 40 |  | Declined | look at the name or id of the board
        404 | 50 |  | Declined | the pin is gone, or never was the account's
        404 | 2031 |  | Declined | look at the name or id of the section
        404 | 404 |  | Declined |
        405 | - |  | Declined |
        409 | - |  | Unavailable | something else is writing to the board
        429 | 8 |  | RateLimited |
        503 | 4197 |  | Unavailable ~ | Pinterest has switched this part of its API
    """,
    "reddit": """
        200 | RATELIMIT |  | RateLimited | new accounts post slowly, per subreddit
        200 | QUOTA_FILLED BAD_CAPTCHA |  | Declined | Reddit asks new accounts to wait; publish
        200 | ALREADY_SUB |  | Duplicate ~ | the link is there already;
        200 | SUBREDDIT_NOEXIST SUBREDDIT_REQUIRED |  | Declined | choose another subreddit with
        200 | SUBREDDIT_NOTALLOWED |  | Declined | choose another subreddit with
        200 | NO_SELFS NO_LINKS NO_IMAGES NO_VIDEOS |  | Declined | this kind of post is not allowed there
        200 | GALLERIES_DISABLED |  | Declined | this kind of post is not allowed there
        200 | NO_TEXT TOO_LONG TOO_SHORT NO_URL BAD_URL |  | Declined | change the post as Reddit says
        200 | INVALID_OPTION DOMAIN_BANNED |  | Declined | change the post as Reddit says
        200 | BAD_FLAIR_TEMPLATE_ID |  | Declined | choose another flair
        200 | BANNED_FROM_SUBREDDIT USER_MUTED USER_BLOCKED |  | Declined | the account may not do this there
        200 | IN_TIMEOUT |  | Declined | the account may not do this there
        200 | VERIFIED_USER_REQUIRED |  | Declined | confirm the account's e-mail address
        200 | USER_REQUIRED |  | ReauthNeeded | sign in as a user, not as the app alone
        200 | THREAD_LOCKED TOO_OLD DELETED_LINK DELETED_COMMENT |  | Declined | it takes no answer or edit
        200 | NOT_AUTHOR |  | Declined | it takes no answer or edit
        200 | - |  | Declined |
        301 | - |  | Declined | choose another subreddit with
        302 | - |  | Declined | choose another subreddit with
        400 | SUBMIT_VALIDATION_FLAIR_REQUIRED |  | Declined | choose a flair with Reddit.Options(flair=…)
        400 | SUBMIT_VALIDATION_ERROR |  | Declined | the subreddit asks for that in its post
        400 | EntityTooLarge |  | Declined | the file is larger than Reddit takes
        400 | - |  | Declined |
        401 | - |  | ReauthNeeded + | the token is expired, revoked or malformed
        403 | insufficient_scope |  | MissingScope | sign in again with the scopes that publishing
        403 | blocked |  | Declined | Reddit blocks the client or its network: give
        403 | AccessDenied |  | Declined | the place for the upload is no longer good
        403 | - |  | Declined | the subreddit is private or quarantined, or
        404 | - |  | Declined | it is gone, or there is no such thing
        408 | - |  | Unavailable ~ |
        409 | - |  | Unavailable ~ |
        413 | - |  | Declined | too large for one request
        414 | - |  | Declined | the address is too long
        415 | - |  | Declined | change the post as Reddit says
        429 | - |  | RateLimited |
        451 | - |  | Declined | withheld for legal reasons
        500 | - |  | Unavailable ~ |
        502 | - |  | Unavailable ~ |
        503 | - |  | Unavailable ~ |
        504 | - |  | Unavailable ~ |
        520 | - |  | Unavailable ~ |
        522 | - |  | Unavailable ~ |
    """,
}
SESSION = [f"{place}{number}" for number in range(1_363_019, 1_363_047) for place in ("6000/", "")]
"""The family of errors of Facebook's upload sessions, as subcodes and as codes."""


@attrs.frozen
class Case:
    """One answer, and what it has to mean."""

    platform: str
    status: int
    code: str
    words: str
    raises: str
    definite: bool
    refresh: bool
    hint: str

    def __str__(self) -> str:
        return "-".join(
            filter(None, (self.platform, str(self.status), self.code, self.words.partition(" ")[0]))
        )


def cases() -> Iterator[Case]:
    for platform, table in TABLES.items():
        for line in filter(None, (line.strip() for line in table.splitlines())):
            status, codes, words, error, hint = (part.strip() for part in line.split("|"))
            raises, *marks = error.split()
            for code in SESSION if codes == "SESSION" else codes.split():
                told = "" if code == "-" else code
                yield Case(platform, int(status), told, words, raises, "~" not in marks, "+" in marks, hint)


CASES = list(cases())


# --- the answers, as the platforms give them --------------------------------------------------------------------
def answered(case: Case) -> Response:
    body = {
        "reddit": reddit,
        "linkedin": linkedin,
        "youtube": youtube,
        "tiktok": tiktok,
        "pinterest": pinterest,
    }
    told = body.get(case.platform, meta)(case)
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    url = f"{registry.adapter(case.platform)().server}/somewhere"
    return Response(case.status, headers(case), content, url=url, method="POST", received_at=NOW)


def headers(case: Case) -> dict[str, str]:
    scope = 'Bearer realm="reddit", error="insufficient_scope"'
    return {"www-authenticate": scope} if case.code == "insufficient_scope" else {}


def linkedin(case: Case) -> Any:
    code: dict[str, Any] = {"serviceErrorCode": int(case.code)} if case.code.isdigit() else {}
    if case.code and not code:
        code = {"error" if case.code == "invalid_grant" else "code": case.code}
    return {"status": case.status, "message": case.words or "No.", **code}


def meta(case: Case) -> Any:
    if case.code.startswith("upload-"):
        return {"debug_info": {"retriable": case.code == "upload-again", "type": "ProcessingFailedError"}}
    code, _, subcode = case.code.partition("/")
    words = case.words or "No."
    if code.startswith("THREADS_API__"):
        code, words = "100", code
    more = {"error_subcode": int(subcode)} if subcode else {}
    told = {
        "message": words,
        "type": "OAuthException",
        "code": int(code or -7),
        "is_transient": code == "9999",
    }
    return {"error": told | more}


def youtube(case: Case) -> Any:
    if not case.code:
        return b""
    one = {"message": case.words or "No.", "domain": "youtube.common", "reason": case.code}
    return {"error": {"code": case.status, "message": "No.", "errors": [one]}}


def tiktok(case: Case) -> Any:
    if not case.code:
        return b"<html>No.</html>"
    return {"data": {}, "error": {"code": case.code, "message": case.words or "No.", "log_id": "2026"}}


def pinterest(case: Case) -> Any:
    return (
        {"code": int(case.code), "message": case.words or "No."}
        if case.code
        else {"message": case.words or "No."}
    )


def reddit(case: Case) -> Any:
    if case.status == 200:
        return {"json": {"errors": [[case.code or "SOMETHING_NEW", case.words or "No.", "sr"]]}}
    if case.code in ("EntityTooLarge", "AccessDenied"):
        return f"<Error><Code>{case.code}</Code><Message>No.</Message></Error>".encode()
    if case.code == "blocked":
        return b"<html><body>You have been blocked by network security.</body></html>"
    if case.code.startswith("SUBMIT_VALIDATION"):
        flair = case.code == "SUBMIT_VALIDATION_FLAIR_REQUIRED"
        reason = case.code if flair else "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING"
        told = {"fields": ["title"], "explanation": "No.", "message": "Bad Request", "reason": reason}
        return told | {"error_type": "SUBMIT_VALIDATION_ERROR"}
    return {"message": "No.", "error": case.status}


# --- what they mean ---------------------------------------------------------------------------------------------
def read(
    adapter: Adapter, response: Response, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, ErrorRow | None]:
    """The error, and the row of the rules it was read from."""
    used: list[ErrorRow] = []
    fits = _errors._fits

    def watched(row: ErrorRow, *told: Any) -> bool:
        fitting = fits(row, *told)
        if fitting:
            used.append(row)
        return fitting

    with monkeypatch.context() as patch:
        patch.setattr(_errors, "_fits", watched)
        error = adapter.parse_error(response)
    return error, used[-1] if used else None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_means_its_error(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    error, row = read(registry.adapter(case.platform)(), answered(case), monkeypatch)
    assert row is not None, "no row of the rules is about it"
    assert type(error).__name__ == case.raises
    assert (error.definite, error.refreshable) == (case.definite, case.refresh)
    assert case.hint in str(error).partition(f"(HTTP {case.status})")[2]
    assert bool(row.hint) is bool(case.hint)


@pytest.mark.parametrize("platform", TABLES)
def test_every_row_has_an_answer_of_its_own(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a row that is taken out, and one that another row hides, are found."""
    adapter = registry.adapter(platform)()
    mine = [case for case in CASES if case.platform == platform]
    used = [read(adapter, answered(case), monkeypatch)[1] for case in mine]
    rows = list(adapter.rules.errors)
    unused = [row for row in rows if not any(row is one for one in used)]
    assert not unused
    assert len(used) == len(rows), "two answers are read from one row"
