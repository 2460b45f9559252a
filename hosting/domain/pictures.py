"""Pictures without what cameras write beside them: place, device, owner, time. The pixels stay as they came."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

PNG_BEGINNING: Final = b"\x89PNG\r\n\x1a\n"
# Size, pixels and colors; all else is words, times or data of programs.
PNG_KEPT: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"bKGD"}
)
_SOI, _EOI, _SOS, _APP0, _APP2, _APP14, _APP15, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE2, 0xEE, 0xEF, 0xFE
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: restarts within a scan, the beginning."""


class NotAPicture(ValueError):
    """The parts of the file do not follow each other as its format says."""


def without_metadata(content: bytes, media_type: str, *, orientation: int = 1) -> bytes:
    """The picture with its pixels and colors, and which way up it is, only.

    Parameters
    ----------
    content
        A JPEG or PNG file.
    orientation
        How a JPEG is turned for showing, 1 to 8 as Exif counts; 1 is as it lies.

    Raises
    ------
    NotAPicture

    Notes
    -----
    Exif and XMP hold the place, and sometimes the owner, of the camera; phones append a short film after the picture.
    Nothing is compressed anew.

    Examples
    --------
    >>> segments = b"\\xff\\xe1\\x00\\x08Exif\\x00\\x00" + b"\\xff\\xda\\x00\\x02" + b"pixels" + b"\\xff\\xd9"
    >>> without_metadata(b"\\xff\\xd8" + segments + b"film", "image/jpeg")
    b'\\xff\\xd8\\xff\\xda\\x00\\x02pixels\\xff\\xd9'
    """
    if media_type == "image/png":
        return PNG_BEGINNING + b"".join(_png_chunks(content))
    turned = _turned(orientation) if orientation != 1 else b""
    return b"\xff\xd8" + turned + b"".join(_jpeg_segments(content))


def _png_chunks(content: bytes) -> Iterator[bytes]:
    """The chunks that are kept, up to the end of the picture."""
    at, kind = len(PNG_BEGINNING), b""
    while kind != b"IEND":
        head = content[at : at + 8]
        if len(head) < 8:
            raise NotAPicture
        length, kind = struct.unpack(">I4s", head)
        end = at + 12 + length
        if end > len(content):
            raise NotAPicture
        if kind in PNG_KEPT:
            yield content[at:end]
        at = end


def _jpeg_segments(content: bytes) -> Iterator[bytes]:
    """The segments and scans that are kept, up to the end of the picture."""
    at, marker = 2, _SOI
    while marker != _EOI:
        if at + 2 > len(content) or content[at] != 0xFF:
            raise NotAPicture
        marker = content[at + 1]
        if marker == 0xFF:
            # Any number of fill bytes may stand before a marker.
            at += 1
            continue
        end = at + 2 if marker == _EOI or marker in _ALONE else at + 2 + _length(content, at + 2)
        if marker == _SOS:
            end = _end_of_scan(content, end)
        if _is_kept(marker, content[at + 4 : at + 16]):
            yield content[at:end]
        at = end


def _length(content: bytes, at: int) -> int:
    if at + 2 > len(content):
        raise NotAPicture
    return int.from_bytes(content[at : at + 2], "big")


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker stands that is no restart; within a scan 0xFF is followed by 0 or a restart."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise NotAPicture
        following = content[at + 1]
        if following not in {0x00, 0xFF} and following not in _ALONE:
            return at
        at += 1 if following == 0xFF else 2


def _is_kept(marker: int, beginning: bytes) -> bool:
    if marker == _COM:
        return False
    if _APP0 <= marker <= _APP15:
        is_profile = marker == _APP2 and beginning.startswith(b"ICC_PROFILE")
        return is_profile or marker in {_APP0, _APP14}
    return True


def _turned(orientation: int) -> bytes:
    """An Exif segment that says nothing but which way up the picture is."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\x00" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
