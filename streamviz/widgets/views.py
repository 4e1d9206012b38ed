"""The open views of a widget, and how many frames each may still be sent."""

from __future__ import annotations

import time

FRAMES_AHEAD = 24
"""How many frames may be sent and not drawn; a view grants more as it draws, sixteen at a time."""
_PATIENCE_S = 2.0  # how long one view may keep the others waiting


class Views:
    """The open views of a widget. All of them receive every frame."""

    def __init__(self) -> None:
        self._credits: dict[str, int] = {}
        self._all_ready_s = 0.0

    def __len__(self) -> int:
        return len(self._credits)

    def __contains__(self, view: str) -> bool:
        return view in self._credits

    def add(self, view: str) -> None:
        """Add a view that has been sent all that it shows."""
        self._credits[view] = FRAMES_AHEAD

    def remove(self, view: str) -> bool:
        """Remove a view that was closed; return whether it was the last one."""
        return self._credits.pop(view, None) is not None and not self._credits

    def clear(self) -> None:
        """Remove all views."""
        self._credits.clear()

    def grant(self, view: str, frames: int) -> None:
        """Let a view be sent more frames."""
        self._credits[view] = min(FRAMES_AHEAD, self._credits[view] + frames)

    def count_frame(self) -> None:
        """Count a frame that was sent."""
        self._credits = {view: max(0, credit - 1) for view, credit in self._credits.items()}

    def are_ready(self) -> bool:
        """Return whether there are views and all accept a frame; do not wait long for one of them.

        A page that was closed or reloaded sends nothing. So a view that keeps the others waiting is
        removed. If it grants frames again, it is sent all that it shows.
        """
        now_s = time.monotonic()
        ready = {view: credit for view, credit in self._credits.items() if credit}
        if len(ready) < len(self._credits):
            if not ready or now_s - self._all_ready_s < _PATIENCE_S:
                return False
            self._credits = ready
        self._all_ready_s = now_s
        return bool(ready)
