"""How the tests of the X sandbox talk to it: post, read, upload, and what an error says."""

from __future__ import annotations

import math

API = "https://api.x.com"
POSTS = "/2/tweets"
ME = "/2/users/1500000000000000001"
TIMELINE = f"{ME}/tweets"


async def post(client, text="hello", **fields):
    answer = await client.post(POSTS, json={"text": text, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def read(client, post_id, **query):
    answer = await client.get(f"{POSTS}/{post_id}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def upload(client, data, category="tweet_image"):
    files = {"media": ("a", data, "application/octet-stream")}
    return await client.post("/2/media/upload", files=files, data={"media_category": category})


async def start(client, total, category="tweet_video", kind="video/mp4"):
    fields = {"media_type": kind, "media_category": category, "total_bytes": total}
    answer = await client.post("/2/media/upload/initialize", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["id"]


async def append(client, media_id, index, data):
    path = f"/2/media/upload/{media_id}/append"
    return await client.post(path, files={"media": ("a", data)}, data={"segment_index": str(index)})


async def send_video(client, data, pieces=2):
    size = math.ceil(len(data) / pieces)
    media_id = await start(client, len(data))
    for index in range(pieces):
        answer = await append(client, media_id, index, data[index * size : (index + 1) * size])
        assert answer.status_code == 200
    return await client.post(f"/2/media/upload/{media_id}/finalize")


def problem_of(answer):
    """Status and the sentences of an error."""
    value = answer.json()
    return answer.status_code, [error["message"] for error in value.get("errors", ())] or value["detail"]
