// @ts-check
// A film in somebody else's page: each script element that names one gets its player behind it.

import { createPlayer } from "../widgets/player.js";
import { plotlyFrom, unlined, wholeFilm } from "./offline.js";

/** @type {string} */
const PLOTLY = ""; // @plotly
/** @type {string} */
const STYLE = ""; // @style

/** @param {HTMLScriptElement} script @param {Promise<any>} Plotly */
async function play(script, Plotly) {
  const place = document.createElement("div");
  place.className = "streamviz";
  script.after(place);
  const { film, theme } = script.dataset;
  try {
    const reply = await fetch(new URL(/** @type {string} */ (film), document.baseURI));
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    const { card, shot, options } = unlined(await reply.text());
    const dark = theme === "dark" ? true : theme === "light" ? false : null;
    const { signal } = new AbortController();
    const player = createPlayer({ card, source: wholeFilm(shot), signal, options: { ...options, dark } });
    place.append(player.root);
    player.ready(await Plotly);
  } catch (error) {
    place.textContent = `${film} can't be played: ${/** @type {Error} */ (error).message}`;
  }
}

const style = document.createElement("style");
style.textContent = STYLE;
document.head.append(style);
const letters = atob(PLOTLY);
const Plotly = plotlyFrom(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
for (const script of document.querySelectorAll("script[type=module][data-film]")) {
  play(/** @type {HTMLScriptElement} */ (script), Plotly);
}
