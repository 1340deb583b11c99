"""Changing a picture just enough to pass a platform's rule. Pillow does the work and is imported on use.

A change is written down as an ``edit`` (format, quality, width, height), from which :func:`redo` makes the
same bytes again.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import attrs

from ..rules import ImageRule
from ._formats import View, look_at

if TYPE_CHECKING:
    from PIL import Image as Pillow

MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_QUALITIES = (92, 88, 84, 80, 75)
_SMALLEST = 200
_METADATA = ("xmp", "XML:com.adobe.xmp", "comment", "photoshop")
_EXIF_TAGS = frozenset({270, 271, 272, 305, 306, 315, 33432, 34665, 34853})
"""Description, camera, software, time, author, copyright, and the EXIF and GPS directories."""


class ImageError(ValueError):
    """The picture cannot be read or made to fit; the text goes on after "...; "."""


@attrs.frozen
class Limits:
    """What a picture must keep to; ``accepts`` are the MIME types taken."""

    accepts: frozenset[str]
    max_bytes: int
    max_side: int | None = None
    max_pixels: int | None = None
    max_frames: int | None = None
    max_volume: int | None = None
    animated: bool = False


@attrs.frozen(eq=False)
class Done:
    """New bytes, the edit that makes them again, and words for a person."""

    data: bytes
    edit: dict[str, Any]
    words: str

    @property
    def mime(self) -> str:
        return MIMES[self.edit["format"]]


@attrs.frozen(eq=False)
class _Picture:
    """A decoded picture, upright, without metadata, in mode L, RGB or (if anything is see-through) RGBA."""

    image: Pillow.Image
    profile: bytes | None
    notes: tuple[str, ...]

    @property
    def alpha(self) -> bool:
        return self.image.mode == "RGBA"


def available() -> bool:
    """Whether Pillow is installed."""
    return find_spec("PIL") is not None


def limits(
    rule: ImageRule,
    animated: bool,
    *,
    max_bytes: int | None,
    max_side: int | None,
    max_pixels: int | None,
    accepts: frozenset[str] | None,
) -> Limits:
    """The rule as it holds for a still or an animated picture, with what the caller names in its place."""
    types = rule.types if accepts is None else accepts
    bytes_, pixels = rule.max_bytes, rule.max_pixels
    if animated:
        types = types & rule.animated_types if rule.animated_count else frozenset()
        bytes_, pixels = rule.animated_max_bytes or bytes_, rule.animated_max_pixels or pixels
    return Limits(
        accepts=types,
        max_bytes=bytes_ if max_bytes is None else max_bytes,
        max_side=rule.max_side if max_side is None else max_side,
        max_pixels=pixels if max_pixels is None else max_pixels,
        max_frames=rule.animated_max_frames if animated else None,
        max_volume=rule.animated_max_volume if animated else None,
        animated=animated,
    )


def objections(
    limits: Limits, mime: str, size: int, width: int | None, height: int | None, frames: int | None
) -> list[str]:
    """Everything about a picture that breaks the limits, in words; empty when it passes."""
    found = []
    if mime not in limits.accepts:
        found.append(f"{'an animated ' if limits.animated else ''}{mime} is not taken")
    if size > limits.max_bytes:
        found.append(f"{size:,} of at most {limits.max_bytes:,} bytes")
    if limits.max_frames and (frames or 0) > limits.max_frames:
        found.append(f"{frames} of at most {limits.max_frames} frames")
    if not (limits.max_side or limits.max_pixels):
        return found
    if not (width and height):
        return [*found, "its width and height cannot be told"]
    if limits.max_side and max(width, height) > limits.max_side:
        found.append(f"{width} × {height} pixels; at most {limits.max_side} on the longer side")
    if limits.max_pixels and width * height > limits.max_pixels:
        found.append(f"{width} × {height} pixels; at most {limits.max_pixels:,} in all")
    if limits.max_volume and width * height * (frames or 0) > limits.max_volume:
        found.append(f"{width} × {height} pixels in {frames} frames; at most {limits.max_volume:,} in all")
    return found


def refusal(mime: str, animated: bool, reason: str) -> str:
    """Why something that is no still picture is not changed."""
    if animated:
        return (
            f"{reason}; an animation is not changed here: make it smaller, or give a still picture or a video"
        )
    return f"{reason}; {mime} is no picture that can be changed"


def fit(data: bytes, mime: str, limits: Limits) -> Done | None:
    """The smallest change that passes; None when it passes after all (its header did not tell its size)."""
    picture = _load(data, mime)
    size = picture.image.size
    if not objections(limits, mime, len(data), *size, 1):
        return None
    ladder = _ladder(limits.accepts, mime, picture.alpha)
    if not ladder:
        taken = ", ".join(sorted(limits.accepts)) or "none"
        raise ImageError(f"of the types taken ({taken}) none can be written here")
    new, edit = _search(picture, ladder, limits, lossless_bytes=len(data) if mime == "image/png" else None)
    return Done(new, edit, _words(mime, len(data), size, new, edit, picture))


def redo(data: bytes, edit: dict[str, Any]) -> bytes:
    """The bytes :func:`fit` made from the same original."""
    return _encode(_load(data, "the original"), edit)


# --- reading ------------------------------------------------------------------------------------------------
def _load(data: bytes, mime: str) -> _Picture:
    from PIL import Image, UnidentifiedImageError

    width, height = look_at(View(lambda start, count: data[start : start + count], len(data))).shown
    most = Image.MAX_IMAGE_PIXELS
    if most and (width or 0) * (height or 0) > most:
        raise ImageError(f"{width} × {height} pixels are more than is safe to unpack ({most:,})")
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _upright(image)
    except UnidentifiedImageError:
        raise ImageError(f"Pillow cannot read {mime}; save it as JPEG or PNG") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"it has more pixels than is safe to unpack ({most:,})") from None
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise ImageError(f"the picture is damaged ({type(error).__name__}: {error})") from None


def _upright(image: Pillow.Image) -> _Picture:
    from PIL import ImageOps

    pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    profile = image.info.get("icc_profile")
    told = any(image.info.get(key) for key in _METADATA) or not _EXIF_TAGS.isdisjoint(image.getexif())
    straight, profile = _plain_mode(ImageOps.exif_transpose(image), profile)
    straight.info = {}
    notes = [f"only the first of its {pages} pages is kept"] if pages > 1 else []
    notes += ["camera, location and other metadata are removed"] if told else []
    return _Picture(straight, profile, tuple(notes))


def _plain_mode(image: Pillow.Image, profile: bytes | None) -> tuple[Pillow.Image, bytes | None]:
    """The picture as L, RGB or RGBA, and its colour profile where it still describes these numbers."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] == 255:
            image = image.convert("RGB")
    elif image.mode.startswith("I;16"):
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode == "CMYK":
        return _from_cmyk(image, profile), None
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode in ("1", "I", "F", "LA") else "RGB")
    space = (profile or b"")[16:20]
    return image, profile if space == (b"GRAY" if image.mode == "L" else b"RGB ") else None


def _from_cmyk(image: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    from PIL import ImageCms

    if profile:
        try:
            ink = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            done = ImageCms.profileToProfile(image, ink, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            done = None
        if done is not None:
            return done
    return image.convert("RGB")


# --- choosing -----------------------------------------------------------------------------------------------
_Ladder = list[tuple[str, tuple[int | None, ...]]]


def _ladder(accepts: frozenset[str], mime: str, alpha: bool) -> _Ladder:
    """The formats to try at one size, each with its qualities; what keeps most comes first."""
    png, jpeg, webp = ("PNG", (None,)), ("JPEG", _QUALITIES), ("WEBP", _QUALITIES)
    can = [step for step in (jpeg, webp, png) if MIMES[step[0]] in accepts]
    if alpha:
        keeps = [step for step in (png, webp) if step in can]
        keeps = keeps[::-1] if mime == "image/webp" else keeps
        return list(keeps or can[:1])
    own = {"image/png": png, "image/gif": png, "image/webp": webp}.get(mime)
    first = [own] if own in can else []
    return [*first, *[step for step in can if step not in first][:1]]


def _search(
    picture: _Picture, ladder: _Ladder, limits: Limits, *, lossless_bytes: int | None
) -> tuple[bytes, dict[str, Any]]:
    full = picture.image.size
    scale = _first_scale(full, limits)
    floor = min(_SMALLEST, max(_scaled(full, scale)))
    while max(size := _scaled(full, scale)) >= floor:
        smallest = 0
        for name, qualities in ladder:
            hopeless = name == "PNG" and lossless_bytes and lossless_bytes * scale**2 > 1.5 * limits.max_bytes
            if hopeless and len(ladder) > 1:
                continue
            smallest, found = _best(picture, name, qualities, size, limits.max_bytes)
            if found is not None:
                return found
        if max(size) == 1:
            break
        scale *= min(0.9, max(0.3, 0.95 * math.sqrt(limits.max_bytes / smallest)))
    raise ImageError(
        f"even with {floor} pixels on its longer side it would have more than {limits.max_bytes:,} bytes"
    )


def _first_scale(full: tuple[int, int], limits: Limits) -> float:
    scale = 1.0
    if limits.max_side:
        scale = min(scale, limits.max_side / max(full))
    if limits.max_pixels:
        scale = min(scale, math.sqrt(limits.max_pixels / (full[0] * full[1])))
    while limits.max_pixels and math.prod(_scaled(full, scale)) > limits.max_pixels and scale > 1e-6:
        scale *= 0.99
    return scale


def _scaled(full: tuple[int, int], scale: float) -> tuple[int, int]:
    if scale >= 1:
        return full
    return max(1, int(full[0] * scale + 1e-9)), max(1, int(full[1] * scale + 1e-9))


def _best(
    picture: _Picture, name: str, qualities: tuple[int | None, ...], size: tuple[int, int], max_bytes: int
) -> tuple[int, tuple[bytes, dict[str, Any]] | None]:
    """(bytes at the lowest quality, the highest quality that fits). The lowest is tried first."""
    edits = list(_edits(name, qualities, size))
    lowest = _encode(picture, edits[-1])
    if len(lowest) > max_bytes:
        return len(lowest), None
    for edit in edits[:-1]:
        if len(data := _encode(picture, edit)) <= max_bytes:
            return len(lowest), (data, edit)
    return len(lowest), (lowest, edits[-1])


def _edits(name: str, qualities: tuple[int | None, ...], size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    from PIL import __version__

    for quality in qualities:
        edit = {"format": name, "width": size[0], "height": size[1], "pillow": __version__}
        yield edit if quality is None else {**edit, "quality": quality}


# --- writing ------------------------------------------------------------------------------------------------
def _encode(picture: _Picture, edit: dict[str, Any]) -> bytes:
    from PIL import Image

    image, size, name = picture.image, (edit["width"], edit["height"]), edit["format"]
    if name == "JPEG" and picture.alpha:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    how: dict[str, Any] = {"icc_profile": picture.profile} if picture.profile else {}
    if name == "JPEG":
        how |= {"quality": edit["quality"], "optimize": True, "progressive": True}
    elif name == "WEBP":
        how |= {"quality": edit["quality"], "method": 4}
    else:
        how |= {"compress_level": 9}
    out = io.BytesIO()
    image.save(out, name, **how)
    return out.getvalue()


def _words(
    mime: str, before: int, size: tuple[int, int], new: bytes, edit: dict[str, Any], picture: _Picture
) -> str:
    done, after = [], MIMES[edit["format"]]
    if after != mime:
        done.append(f"converted from {mime} to {after}")
    if size != (edit["width"], edit["height"]):
        done.append(f"scaled from {size[0]} × {size[1]} to {edit['width']} × {edit['height']} pixels")
    if "quality" in edit:
        done.append(f"saved at quality {edit['quality']}")
    words = f"{', '.join(done) or 'compressed better'} ({_amount(before)} → {_amount(len(new))})"
    white = ["see-through parts become white"] if picture.alpha and edit["format"] == "JPEG" else []
    return "; ".join([words, *white, *picture.notes])


def _amount(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("KB", 1_000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
