// @ts-check
// A page of its own: everything is in it, and nothing is requested from a network.

import { printsAsInWindow, wholeHeight } from "streamviz/dom.js";
import { unpacked } from "streamviz/plotly_loader.js";
import { stageScale } from "streamviz/stage.js";
import { bytes, playerOf, plotlyOfPage } from "./offline.js";

async function start() {
  const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
  const frames = await unpacked(bytes(document.getElementById("frames")));
  // The text must be readable from the last row, so it grows with the stage; never is it smaller than on a page.
  const least = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const scale = (/** @type {number} */ plots) => Math.max(least, Math.round((20 * stageScale(plots) * stage.clientWidth) / frames.width) / 20);
  const player = playerOf(frames, { scale, everywhere: true });
  const Plotly = await plotlyOfPage();
  player.root.dataset.stage = "";
  stage.replaceChildren(player.root);
  addEventListener("resize", player.restyle);
  printsAsInWindow(wholeHeight);
  player.ready(Plotly);
}

start();
