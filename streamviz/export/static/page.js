// @ts-check
// A page of its own: everything is in it, and nothing is asked of any network.

import { unpacked } from "../../widgets/static/frames.js";
import { createPlayer, large } from "../../widgets/static/player.js";
import { bytes, plotlyFrom, wholeFilm } from "./offline.js";

/** @param {string} id */
const packed = (id) => bytes(/** @type {HTMLElement} */ (document.getElementById(id)));

async function start() {
  const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
  const { metadata: card, segment: shot, options, width } = await unpacked(packed("film"));
  // Text is to be read from the last row: it grows with the stage.
  const scale = (/** @type {number} */ plots) => Math.round((20 * large(plots) * stage.clientWidth) / width) / 20;
  const { signal } = new AbortController();
  const how = { ...options, scale, everywhere: true };
  const player = createPlayer({ card, source: wholeFilm(shot), signal, options: how });
  const Plotly = await plotlyFrom(packed("plotly"));
  player.root.dataset.stage = "";
  stage.replaceChildren(player.root);
  addEventListener("resize", player.restyle, { signal });
  player.ready(Plotly);
}

start();
