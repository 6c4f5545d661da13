"""A list that moves to a temporary file when it grows, so that long transcripts are read in flat memory."""

import tempfile
from collections.abc import Iterator
from typing import IO, Generic, TypeVar

import msgspec

T = TypeVar("T")

KEPT_BYTES = 16_000_000
"""What is held in memory, about; what comes after it goes to the file."""
ITEM_BYTES = 150
"""What an item takes beside its text, about."""
BLOCK_BYTES = 2_000_000
"""Written to the file at once, about."""


class Spool(Generic[T]):
    """Items of one msgspec type, appended and then read in order, as often as wanted."""

    def __init__(self, kind: type[T]) -> None:
        self._first: list[T] = []
        self._items = self._first
        self._left = KEPT_BYTES
        self._blocks: list[int] = []
        self._file: IO[bytes] | None = None
        self._decoder = msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
        self._encoder = msgspec.msgpack.Encoder()

    def append(self, item: T, size: int) -> None:
        """Add an item of about `size` bytes."""
        self._items.append(item)
        self._left -= size + ITEM_BYTES
        if self._left < 0:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="nextstep-")  # noqa: SIM115 - it lives as long as the spool
        else:
            self._blocks.append(self._file.write(self._encoder.encode(self._items)))
        self._items = []
        self._left = BLOCK_BYTES

    def __del__(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def __bool__(self) -> bool:
        """Whether anything was appended."""
        return bool(self._first)

    def __iter__(self) -> Iterator[T]:
        """The items in the order in which they came."""
        yield from self._first
        if self._file is not None:
            self._file.seek(0)
            for size in self._blocks:
                yield from self._decoder.decode(self._file.read(size))
            yield from self._items
