"""A video uploaded from a file by other people's clients, or by what people write where there is no such client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .logins import PAGE
from .peers import (
    Rival,
    bluesky_client,
    google_client,
    graph_api,
    linkedin_client,
    mastodon_client,
    peer,
    pinterest_api,
    reddit_client,
    signed,
    tiktok_client,
)

PIECE = 4 << 20
Work = Callable[[str], str]
"""Uploads the file at that path; how it ended."""


def _mastodon(given: dict[str, Any]) -> Work:
    client = mastodon_client(given)
    client.status_post("a small one")

    def work(video: str) -> str:
        medium = client.media_post(video, mime_type="video/mp4", synchronous=True)
        return "published" if client.status_post("a huge one", media_ids=[medium]).id else "?"

    return work


def _bluesky(given: dict[str, Any]) -> Work:
    client = bluesky_client(given, timeout=120)
    client.send_post("a small one")

    def work(video: str) -> str:
        server = client.com.atproto.server
        wanted = {"aud": server.describe_server().did, "lxm": "com.atproto.repo.uploadBlob"}
        token = server.get_service_auth(wanted).token
        data = Path(video).read_bytes()
        url = f"{given['server']}/xrpc/app.bsky.video.uploadVideo?did={client.me.did}&name=video.mp4"
        headers = {"authorization": f"Bearer {token}", "content-type": "video/mp4"}
        client.request.post(url=url, headers=headers, content=data)
        return "uploaded"

    return work


def _x(given: dict[str, Any]) -> Work:
    """Four mebibytes read, sent, forgotten."""
    client = signed(given)
    client.post("/2/tweets", json={"text": "a small one"})

    def work(video: str) -> str:
        size = Path(video).stat().st_size
        wanted = {"media_type": "video/mp4", "total_bytes": size, "media_category": "tweet_video"}
        name = client.post("/2/media/upload/initialize", json=wanted).json()["data"]["id"]
        for index, piece in enumerate(_pieces(video)):
            path = f"/2/media/upload/{name}/append"
            client.post(path, data={"segment_index": index}, files={"media": piece}).raise_for_status()
        done = client.post(f"/2/media/upload/{name}/finalize")
        return "uploaded" if done.is_success else done.text

    return work


def _pieces(video: str) -> Iterator[bytes]:
    with open(video, "rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")


def _youtube(given: dict[str, Any]) -> Work:
    """Google's own client, in pieces as large as ours."""
    client = google_client(given)
    media = peer("googleapiclient.http")
    assert media is not None
    body = {"snippet": {"title": "a huge one"}, "status": {"privacyStatus": "public"}}
    client.channels().list(part="id", mine=True).execute()

    def work(video: str) -> str:
        file = media.MediaFileUpload(video, "video/mp4", chunksize=8 << 20, resumable=True)
        request, done = client.videos().insert(part="snippet,status", body=body, media_body=file), None
        while done is None:
            _, done = request.next_chunk()
        return "uploaded" if done["id"] else "?"

    return work


def _facebook(given: dict[str, Any]) -> Work:
    """Its uploader, which sends the pieces that Facebook asks for."""
    logging.getLogger().setLevel(logging.ERROR)  # its uploader warns of its own calls
    api, uploader = graph_api(given), peer("facebook_business.video_uploader")
    kinds = peer("facebook_business.adobjects.advideo")
    assert uploader is not None
    assert kinds is not None
    page = api.call("GET", ("me",)).json()["id"]

    def work(path: str) -> str:
        video = kinds.AdVideo(parent_id=page, api=api)
        video["filepath"] = path
        return "uploaded" if uploader.VideoUploadSession(video).start()["id"] else "?"

    return work


def _page(given: dict[str, Any]) -> Work:
    """A container, and its bytes in one request from an open file."""
    client = signed(given)
    me = client.get("/v26.0/me", params={"fields": "instagram_business_account"}).json()
    account = me["instagram_business_account"]["id"]

    def work(video: str) -> str:
        form = {"media_type": "REELS", "upload_type": "resumable", "caption": "a huge one"}
        made = client.post(f"/v26.0/{account}/media", data=form).json()
        headers = {"authorization": f"OAuth {given['token']}", "offset": "0"}
        headers |= {"file_size": str(Path(video).stat().st_size), "content-type": "video/mp4"}
        with open(video, "rb") as file:
            done = client.post(made["uri"], content=file, headers=headers)
        return "uploaded" if done.is_success else done.text

    return work


def _tiktok(given: dict[str, Any]) -> Work:
    client = tiktok_client(given)
    client.get_creator_info()

    def work(video: str) -> str:
        told = client.create_video(
            "FILE_UPLOAD", "POST_VIDEO_FILE", "a huge one", "PUBLIC_TO_EVERYONE", video_path=video
        )
        return "uploaded" if told["initial_response"]["data"]["publish_id"] else "?"

    return work


def _linkedin(given: dict[str, Any]) -> Work:
    """The client registers and finishes the video; its parts go up as LinkedIn's guide writes it."""
    call = linkedin_client(given)
    owner = f"urn:li:organization:{given['organization']}"
    call("finder", "/organizationAcls", finder_name="roleAssignee", query_params={"state": "APPROVED"})

    def work(video: str) -> str:
        wanted = {"owner": owner, "fileSizeBytes": Path(video).stat().st_size}
        wanted |= {"uploadCaptions": False, "uploadThumbnail": False}
        asked = {"action_name": "initializeUpload", "action_params": {"initializeUploadRequest": wanted}}
        told = call("action", "/videos", **asked).value
        with open(video, "rb") as file:
            etags = [_put(call.session, given, one, file) for one in told["uploadInstructions"]]
        final = {"video": told["video"], "uploadToken": told["uploadToken"], "uploadedPartIds": etags}
        headers = {"authorization": f"Bearer {given['token']}", "linkedin-version": "202609"}
        url = f"{given['server']}/rest/videos?action=finalizeUpload"  # the client fails at its empty answer
        done = call.session.post(url, json={"finalizeUploadRequest": final}, headers=headers)
        return "uploaded" if done.ok else done.text

    return work


def _put(session: Any, given: dict[str, Any], part: dict[str, Any], file: Any) -> str:
    file.seek(part["firstByte"])
    data = file.read(part["lastByte"] + 1 - part["firstByte"])
    headers = {"authorization": f"Bearer {given['token']}", "content-type": "application/octet-stream"}
    answer = session.put(part["uploadUrl"], data=data, headers=headers)
    answer.raise_for_status()
    return str(answer.headers["etag"]).strip('"')


def _pinterest(given: dict[str, Any]) -> Work:
    """The SDK registers the medium; its form goes up with httpx, which streams files."""
    sdk, media = peer("pinterestsdk"), pinterest_api(given, "Media")
    assert sdk is not None
    pinterest_api(given, "UserAccount").user_account_get()

    def work(video: str) -> str:
        import httpx

        form = media.media_create(sdk.MediaUploadCreate(media_type="video"))
        with open(video, "rb") as file:
            fields = {name: str(value) for name, value in form.upload_parameters.to_dict().items()}
            files = {"file": ("video.mp4", file)}
            done = httpx.post(form.upload_url, data=fields, files=files, timeout=120, trust_env=False)
        return "uploaded" if done.is_success else done.text

    return work


def _reddit(given: dict[str, Any]) -> Work:
    client, praw = reddit_client(given), peer("praw")
    assert praw is not None
    from .pictures import png

    brand = client.subreddit(f"u_{client.user.me().name}")
    brand.submit("a small one", selftext="a small one")

    def work(video: str) -> str:
        media, picture = praw.models.PostMedia(video), praw.models.PostMedia(png(8, 8), name="a.png")
        shown = {"media": media, "thumbnail": picture}
        brand.submit("a huge one", video=shown, without_websockets=True)
        return "published"

    return work


UPLOADERS = {
    "mastodon": Rival("mastodon", _mastodon),
    "bluesky": Rival("atproto", _bluesky),
    "x": Rival("httpx", _x, "by hand: tweepy uploads to 1.1 only"),
    "youtube": Rival("googleapiclient", _youtube),
    "facebook": Rival("facebook_business", _facebook),
    PAGE: Rival("httpx", _page, "by hand: facebook_business takes addresses only"),
    "tiktok": Rival("tiktok_api_client", _tiktok),
    "linkedin": Rival("linkedin_api", _linkedin, "parts put by hand: it uploads nothing"),
    "pinterest": Rival("pinterestsdk", _pinterest, "form sent with httpx: it uploads nothing"),
    "reddit": Rival("praw", _reddit),
}
