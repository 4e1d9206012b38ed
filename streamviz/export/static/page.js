// @ts-check
// A page of its own: everything is in it, and nothing is requested from a network.

import { unpacked } from "streamviz/plotly_loader.js";
import { Player } from "streamviz/player.js";
import { stageScale } from "streamviz/stage.js";
import { bytes, plotlyOfPage, wholeSource } from "./offline.js";

async function start() {
  const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
  const { metadata, segment, options, width } = await unpacked(bytes(document.getElementById("frames")));
  // The text must be readable from the last row, so it grows with the stage; never is it smaller than on a page.
  const least = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const scale = (/** @type {number} */ plots) => Math.max(least, Math.round((20 * stageScale(plots) * stage.clientWidth) / width) / 20);
  const own = { ...options, scale, everywhere: true };
  const player = new Player(metadata, wholeSource(segment), own, new AbortController().signal);
  const Plotly = await plotlyOfPage();
  player.root.dataset.stage = "";
  stage.replaceChildren(player.root);
  addEventListener("resize", player.restyle);
  player.ready(Plotly);
}

start();
