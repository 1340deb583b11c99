"""What a Misskey server tells people about themselves beyond who they are."""

from __future__ import annotations

from typing import Any

__all__ = ["detailed"]

Json = dict[str, Any]
_NOTHING = (
    *("url", "uri", "movedTo", "alsoKnownAs", "updatedAt", "lastFetchedAt", "bannerUrl", "bannerBlurhash"),
    *("description", "location", "birthday", "lang", "pinnedPageId", "pinnedPage", "memo", "avatarId"),
    *("bannerId", "followedMessage"),
)
_NO = (
    *("isLocked", "isSilenced", "isSuspended", "isModerator", "isAdmin", "alwaysMarkNsfw", "autoSensitive"),
    *("carefulBot", "noCrawle", "preventAiLearning", "isDeleted", "hideOnlineStatus", "twoFactorEnabled"),
    *("hasUnreadSpecifiedNotes", "hasUnreadMentions", "hasUnreadAnnouncement", "hasUnreadAntenna"),
    *("hasUnreadChannel", "hasUnreadChatMessages", "hasUnreadNotification"),
    *("hasPendingReceivedFollowRequest", "usePasswordLessLogin", "securityKeys"),
)
_YES = ("publicReactions", "canChat", "injectFeaturedNote", "receiveAnnouncementEmail", "autoAcceptFollowed")
_EMPTY = (
    *(
        "fields",
        "verifiedLinks",
        "pinnedNoteIds",
        "pinnedNotes",
        "roles",
        "unreadAnnouncements",
        "mutedWords",
    ),
    *("hardMutedWords", "mutedInstances", "achievements"),
)
_MAY = (
    *(
        "gtlAvailable",
        "ltlAvailable",
        "canPublicNote",
        "canSearchNotes",
        "canSearchUsers",
        "canUseTranslator",
    ),
    *(
        "canCreateChannel",
        "canUpdateBioMedia",
        "canImportAntennas",
        "canImportBlocking",
        "watermarkAvailable",
    ),
    *("canImportFollowing", "canImportMuting", "canImportUserLists"),
)
_MAY_NOT = (
    *("canInvite", "canManageCustomEmojis", "canManageAvatarDecorations", "canHideAds", "alwaysMarkNsfw"),
)
_LIMITS = {
    "mentionLimit": 20,
    "inviteLimit": 0,
    "inviteLimitCycle": 10080,
    "inviteExpirationTime": 0,
    "driveCapacityMb": 100,
    "maxFileSizeMb": 30,
    "pinLimit": 5,
    "antennaLimit": 5,
    "wordMuteLimit": 200,
    "webhookLimit": 3,
    "clipLimit": 10,
    "noteEachClipsLimit": 200,
    "userListLimit": 10,
    "userEachUserListsLimit": 50,
    "rateLimitFactor": 1,
    "avatarDecorationLimit": 1,
    "noteDraftLimit": 10,
    "scheduledNoteLimit": 1,
}


def detailed(made: str) -> Json:
    """The fields of ``POST /api/i`` that are alike for everybody here."""
    return {
        **dict.fromkeys(_NOTHING),
        **dict.fromkeys(_NO, False),
        **dict.fromkeys(_YES, True),
        **{name: [] for name in _EMPTY},
        **dict.fromkeys(("followersCount", "followingCount", "notesCount"), 0),
        **dict.fromkeys(("unreadNotificationsCount", "loggedInDays"), 0),
        **dict.fromkeys(("followingVisibility", "followersVisibility"), "public"),
        "createdAt": made,
        "chatScope": "mutual",
        "isExplorable": True,
        "twoFactorBackupCodesStock": "none",
        "notificationRecieveConfig": {},
        "emailNotificationTypes": ["follow", "receiveFollowRequest"],
        "policies": _policies(),
    }


def _policies() -> Json:
    files = ["text/plain", "application/json", "image/*", "video/*", "audio/*"]
    said = {"uploadableFileTypes": files, "chatAvailability": "available"}
    return {**dict.fromkeys(_MAY, True), **dict.fromkeys(_MAY_NOT, False), **_LIMITS, **said}
