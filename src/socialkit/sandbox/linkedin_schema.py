"""The shapes of LinkedIn's JSON bodies, and the first place where one has another shape."""

from __future__ import annotations

from typing import Any, cast

__all__ = [
    "COMMENT",
    "COMMENT_CHANGE",
    "EDITABLE",
    "FINALIZE",
    "INITIALIZE",
    "POST",
    "POST_CHANGE",
    "STATE",
    "problem",
]

Shape = Any
"""A type; a list with the shape of its entries; an object's fields by name, with "?" those that may be left out."""

_IMAGE: Shape = {"id?": str, "altText?": str}
_POLL: Shape = {
    "question?": str,
    "options?": [{"text": str}],
    "settings?": {"duration?": str, "voteSelectionType?": str, "isVoterVisibleToAuthor?": bool},
}
_ARTICLE: Shape = dict.fromkeys(("source?", "title?", "description?", "thumbnail?", "thumbnailAltText?"), str)
_FACETS = (
    "degrees",
    "geoLocations",
    "industries",
    "interfaceLocales",
    "jobFunctions",
    "seniorities",
    "staffCountRanges",
)
_DISTRIBUTION: Shape = {
    "feedDistribution?": str,
    "targetEntities?": [{f"{name}?": [str] for name in _FACETS} | {"interfaceLocales?": list}],
    "thirdPartyDistributionChannels?": [str],
}
EDITABLE: Shape = {
    "commentary?": str,
    "contentCallToActionLabel?": str,
    "contentLandingPage?": str,
    "lifecycleState?": str,
    "adContext?": dict,
}
POST: Shape = {
    "author": str,
    "commentary": str,
    "visibility": str,
    "distribution": _DISTRIBUTION,
    "lifecycleState": str,
    "isReshareDisabledByAuthor?": bool,
    "content?": {
        "media?": {"id?": str, "title?": str, "altText?": str},
        "multiImage?": {"images?": [_IMAGE], "altText?": str},
        "article?": _ARTICLE,
        "poll?": _POLL,
    },
    "reshareContext?": {"parent": str, "root?": str},
    "container?": str,
    "contentLandingPage?": str,
    "contentCallToActionLabel?": str,
    "adContext?": dict,
}
POST_CHANGE: Shape = {"patch": {"$set": dict}}
COMMENT: Shape = {
    "actor": str,
    "object?": str,
    "message": {"text?": str, "attributes?": [dict]},
    "parentComment?": str,
    "content?": [{"entity": {"image": str}}],
}
COMMENT_CHANGE: Shape = {"patch": {"message": {"$set": {"text?": str, "attributes?": [dict]}}}}
STATE: Shape = {"patch": {"$set": {"commentsState?": str}}}
INITIALIZE: Shape = {
    "initializeUploadRequest": {
        "owner?": str,
        "fileSizeBytes?": int,
        "uploadCaptions?": bool,
        "uploadThumbnail?": bool,
        "mediaLibraryMetadata?": dict,
    }
}
FINALIZE: Shape = {"finalizeUploadRequest": {"video?": str, "uploadToken?": str, "uploadedPartIds?": [str]}}

Problem = tuple[str, str, str]
Json = dict[str, Any]


def problem(value: Any, shape: Shape, field: str = "") -> Problem | None:
    """Where a body has not its shape: the field, LinkedIn's code and words; None when it fits.

    >>> problem({"patch": {"$set": {"commentsState": 5}}}, STATE)
    ('/patch/$set/commentsState', 'INVALID_VALUE', '/patch/$set/commentsState :: is no str')
    """
    kind = type(shape) if isinstance(shape, dict | list) else shape
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        place = field or "/"
        return place, "INVALID_VALUE", f"{place} :: is no {kind.__name__}"
    if isinstance(shape, dict):
        return _in_object(cast("Json", value), shape, field)
    if isinstance(shape, list):
        found = (problem(one, shape[0], f"{field}/{number}") for number, one in enumerate(value))
        return next(filter(None, found), None)
    return None


def _in_object(value: Json, shape: Json, field: str) -> Problem | None:
    for name in sorted(value):
        place = f"{field}/{name}"
        if name not in shape and f"{name}?" not in shape:
            return place, "ILLEGAL_ARGUMENT", f"{place} :: unrecognized field found but not allowed"
    for name, inner in shape.items():
        bare = name.removesuffix("?")
        place = f"{field}/{bare}"
        if bare not in value and bare == name:
            return place, "MISSING_FIELD", f"{place} :: field is required but not found"
        if bare in value and (found := problem(value[bare], inner, place)) is not None:
            return found
    return None
