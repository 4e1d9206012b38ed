// @ts-check
// A page of its own: everything is in it, and nothing is asked of any network.

import { unpacked } from "../widgets/film.js";
import { createPlayer } from "../widgets/player.js";
import { bytes, plotlyFrom, wholeFilm } from "./offline.js";

/** @param {string} id */
const packed = (id) => bytes(/** @type {HTMLElement} */ (document.getElementById(id)));

async function start() {
  const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
  const { card, shot, options, width, plots } = await unpacked(packed("film"));
  // Text is to be read from the last row: it grows with the stage, and shrinks among several plots.
  const large = plots > 1 ? 1.3 : 1.75;
  const scale = () => Math.round((20 * large * stage.clientWidth) / width) / 20;
  const { signal } = new AbortController();
  const how = { ...options, scale, everywhere: true };
  const player = createPlayer({ card, source: wholeFilm(shot), signal, options: how });
  const Plotly = await plotlyFrom(packed("plotly"));
  stage.replaceChildren(player.root);
  addEventListener("resize", player.restyle, { signal });
  player.ready(Plotly);
}

start();
