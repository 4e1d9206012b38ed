"""Write and read gzip members that carry an index (RFC 1952, as BGZF does).

Any tool that reads gzip reads the whole file. This module jumps from header to header without
decompressing the text, because each header holds its member's length and an index of its text.
The header's extra field has one subfield, ``SV``: the member's length (4 bytes), whether the index
continues in the next member (1 byte), and the index, compressed with zlib. An index that is too
long for one extra field starts in members without text.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from streamviz.errors import RecordingError

GZIP = b"\x1f\x8b"
MAX_TEXT = 2**24  # bytes of a block's text, and of its index: a hostile file takes no more memory
_HEAD = GZIP + b"\x08\x04\x00\x00\x00\x00\x00\xff"  # deflate, an extra field, no time, any system
_EXTRA = struct.Struct("<H2sHIB")  # its length, the subfield's name and length, the two numbers
_TAIL = struct.Struct("<II")  # CRC-32 and length of the text
_START = len(_HEAD) + _EXTRA.size
_MAX_PART = 2**16 - _EXTRA.size  # bytes of an index in one extra field
_MAX_MEMBER = MAX_TEXT + 2**17
_LEVEL = 5  # 2% more bytes than at 6, in two thirds of the time


class BrokenBlock(RecordingError):
    """A block can't be read; `last` tells whether no other block follows."""

    def __init__(self, text: str, *, last: bool = False) -> None:
        super().__init__(text)
        self.last = last


class Block(NamedTuple):
    """A block of text in a file."""

    number: int  # from 1
    start: int  # of its compressed text, in bytes
    end: int  # of its gzip member, in bytes
    contents: bytes  # its index


def pack_block(text: bytes, index: bytes) -> bytes:
    """Return a text and its index as gzip members; RecordingError if one of them is too long."""
    longest = max(len(text), len(index))
    if longest > MAX_TEXT:
        raise RecordingError(f"a block of {longest:,} bytes is too long: at most {MAX_TEXT:,}")
    packed = zlib.compress(index)
    parts = [packed[at : at + _MAX_PART] for at in range(0, len(packed), _MAX_PART)]
    empty = [_member(b"", part, continues=True) for part in parts[:-1]]
    return b"".join([*empty, _member(text, parts[-1], continues=False)])


def _member(text: bytes, part: bytes, *, continues: bool) -> bytes:
    compressor = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    body = compressor.compress(text) + compressor.flush()
    length = _START + len(part) + len(body) + _TAIL.size
    size = _EXTRA.size - 2 + len(part)
    extra = _EXTRA.pack(size, b"SV", size - 4, length, continues)
    return _HEAD + extra + part + body + _TAIL.pack(zlib.crc32(text), len(text))


def read_blocks(file: IO[bytes], size: int) -> Iterator[Block]:
    """Return the blocks of a file of `size` bytes, reading only their headers and the last text."""
    at, number, parts = 0, 1, b""
    while at < size:
        try:
            start, end, part, continues = _header(file, at, size)
            parts += part
            _check_length(parts, "its index")
            if not continues:
                contents = _inflate(zlib.decompressobj(), parts, "its index")
                block = Block(number, start, end, contents)
                if end == size:  # a crash may have cut the last one short
                    read_text(file, block)
                yield block
                number, parts = number + 1, b""
        except BrokenBlock as error:
            raise BrokenBlock(f"block {number}: {error}", last=_is_last(file, at, size)) from error
        at = end
    if parts:
        raise BrokenBlock(f"block {number}: its index breaks off", last=True)


def _header(file: IO[bytes], at: int, size: int) -> tuple[int, int, bytes, bool]:
    """Return where a member's text starts and the member ends, and its part of an index."""
    file.seek(at)
    head = file.read(_START)
    if not head.startswith(_HEAD[: len(head)]):
        raise BrokenBlock(f"it starts with {head[: len(_HEAD)]!r}, not with a header and its index")
    if len(head) < _START:
        raise BrokenBlock("its header breaks off")
    length, name, own, member, continues = _EXTRA.unpack_from(head, len(_HEAD))
    start, end = at + len(_HEAD) + 2 + length, at + member
    if name != b"SV" or own != length - 4 or start < at + _START or continues > 1:
        raise BrokenBlock(f"its header holds {head[len(_HEAD) :]!r}, not an index")
    if end > size and end - at <= _MAX_MEMBER:
        raise BrokenBlock(f"it breaks off after {size - at:,} of {member:,} bytes")
    if not start + _TAIL.size < end <= at + _MAX_MEMBER:
        raise BrokenBlock(f"its length cannot be {member:,} bytes")
    return start, end, file.read(start - at - _START), bool(continues)


def _is_last(file: IO[bytes], at: int, size: int) -> bool:
    """Tell whether no other header follows a broken one."""
    if size - at > _MAX_MEMBER:
        return False
    file.seek(at)
    return file.read(_MAX_MEMBER).find(_HEAD, 1) < 0


def read_text(file: IO[bytes], block: Block) -> bytes:
    """Return a block's text; BrokenBlock if it is not what was written."""
    file.seek(block.start)
    body = file.read(block.end - block.start)
    text = _inflate(zlib.decompressobj(-zlib.MAX_WBITS), body[: -_TAIL.size], "its text")
    if body[-_TAIL.size :] != _TAIL.pack(zlib.crc32(text), len(text)):
        raise BrokenBlock("its checksum is wrong")
    return text


def _check_length(data: bytes, what: str) -> None:
    if len(data) > MAX_TEXT:
        raise BrokenBlock(f"{what} is too long")


def _inflate(decompressor: Any, data: bytes, what: str) -> bytes:
    try:
        text: bytes = decompressor.decompress(data, MAX_TEXT)
    except zlib.error as error:
        raise BrokenBlock(f"{what} can't be decompressed ({error})") from error
    if not decompressor.eof:
        fault = "is too long" if len(text) == MAX_TEXT else "breaks off"
        raise BrokenBlock(f"{what} {fault}")
    if decompressor.unused_data:
        raise BrokenBlock(f"{what} ends before its block does")
    return text
