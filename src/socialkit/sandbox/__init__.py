"""The platforms' wire protocols on one machine, in process and as a real server: all without a key.

>>> with Sandbox(["mastodon"]) as box:
...     box.fault("stored-then-500", platform="mastodon").times
1
"""

from .core import Answer, Dropped, Entry, PlatformBox, Sandbox
from .faults import KINDS, Fault
from .picture import sample_photo, sample_picture, sample_video

__all__ = [
    "KINDS",
    "Answer",
    "Dropped",
    "Entry",
    "Fault",
    "PlatformBox",
    "Sandbox",
    "sample_photo",
    "sample_picture",
    "sample_video",
]
