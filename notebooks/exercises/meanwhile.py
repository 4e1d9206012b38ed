"""A stream on which others are at work, too: something happens between two of your commands."""

from __future__ import annotations

from typing import Any

from streamviz.client.models import StreamInfo
from streamviz.client.stream import Stream


class Meanwhile(Stream):
    """A stream that calls `_meanwhile` after each question of the learner's.

    An answer that is right only if nothing happens between two commands is found out.
    """

    def _meanwhile(self, stream: Stream) -> None:
        """Change the stream, by an object that calls nothing."""
        raise NotImplementedError

    def _then(self, answer: Any) -> Any:
        self._meanwhile(Stream(self.client, self.key))
        return answer

    def range(self, *args: Any, **options: Any) -> Any:
        """Return entries, as any stream does."""
        return self._then(super().range(*args, **options))

    def reverse_range(self, *args: Any, **options: Any) -> Any:
        """Return entries, as any stream does."""
        return self._then(super().reverse_range(*args, **options))

    def read(self, *args: Any, **options: Any) -> Any:
        """Return entries, as any stream does."""
        return self._then(super().read(*args, **options))

    def info(self) -> StreamInfo:
        """Return the stream's numbers, as any stream does."""
        info: StreamInfo = self._then(super().info())
        return info
