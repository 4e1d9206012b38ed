// @ts-check
// A recording in another site's page: a player after each script element that names a file of frames.

import { plotlyFrom } from "streamviz/plotly_loader.js";
import { decoded, framesFrom, playerOf } from "./offline.js";

/** Put a player where its script's `data-place` says, or else after the script; report what is wrong.
 * @param {HTMLScriptElement} script @param {HTMLElement} player */
function put(script, player) {
  const { place, frames } = script.dataset;
  const target = place ? document.querySelector(place) : null;
  if (target) target.append(player);
  else if (!script.closest("head")) script.after(player);
  else document.body.append(player);
  if (place && !target) console.error(`streamviz: the page has no ${place} for ${frames}`);
  else if (!target && script.closest("head")) {
    console.warn(`streamviz: ${frames} is at the page's end, because its script is in the head: say where with data-place="#an-id"`);
  }
}

/** Is the background of an element dark: the first one that is painted, or else the browser's. @param {HTMLElement} node */
function onDark(node) {
  const grounds = [];
  for (let one = /** @type {Element | null} */ (node); one; one = one.parentElement) grounds.push(getComputedStyle(one).backgroundColor);
  grounds.push(getComputedStyle(node).outlineColor); // the browser's: see `play`
  const colours = grounds.map((one) => (one.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number));
  const [r, g, b] = colours.find(([, , , opacity = 1]) => opacity > 0.5) ?? [255, 255, 255];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;
}

/** Wait until an element is in view, or soon will be. @param {Element} node @returns {Promise<void>} */
const isNear = (node) => new Promise((resolve) => {
  const near = new IntersectionObserver((changes) => {
    if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
    near.disconnect();
    resolve();
  }, { rootMargin: "100%" });
  near.observe(node);
});

/** @param {HTMLScriptElement} script @param {Promise<any>} Plotly */
async function play(script, Plotly) {
  const place = document.createElement("div");
  place.className = "streamviz";
  place.style.outlineColor = "Canvas"; // the ground of a page that paints none
  put(script, place);
  const { frames: url = "", theme } = script.dataset;
  await isNear(place);
  try {
    const reply = await fetch(new URL(url, document.baseURI));
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    const frames = framesFrom(await reply.text());
    const own = theme === "dark" || theme === "light";
    const dark = () => (own ? theme === "dark" : onDark(place));
    const player = playerOf(frames, { dark });
    player.root.toggleAttribute("data-ground", own);
    place.append(player.root);
    const page = new MutationObserver(player.restyle); // its theme may be switched
    for (const node of [document.documentElement, document.body]) page.observe(node, { attributes: true });
    player.ready(await Plotly);
  } catch (error) {
    place.textContent = `${url} can't be played: ${/** @type {Error} */ (error).message}`;
  }
}

/** Put a player at every script element that names a file of frames.
 * @param {{plotly: string, style: string}} data plotly.js, compressed and in base64, and the style sheet */
export function start({ plotly, style }) {
  const sheet = document.createElement("style");
  sheet.textContent = style;
  document.head.append(sheet);
  const Plotly = plotlyFrom(decoded(plotly));
  for (const script of document.querySelectorAll("script[type=module][data-frames]")) {
    play(/** @type {HTMLScriptElement} */ (script), Plotly);
  }
}
