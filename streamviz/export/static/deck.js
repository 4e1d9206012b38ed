// @ts-check
// Slides whose plots play: each begins when its slide is shown, and rests when that is left.

import { bytes, plotlyFrom, raise } from "./offline.js";

/** @typedef {Awaited<ReturnType<typeof raise>>} Raised */

const HIGH = 720;
const BELOW = 10; // pixels at a slide's foot
const PLAY_AGAIN = 82; // the key R
const LOWEST = 330; // pixels of a player, of which a third is words and controls

/** Give a slide's players the height that its words leave.
 * @param {HTMLElement} slide */
function fit(slide) {
  const players = /** @type {HTMLElement[]} */ ([...slide.querySelectorAll(".streamviz-player")]);
  for (const one of players) one.style.display = "none";
  const each = Math.floor((HIGH - BELOW - slide.scrollHeight) / players.length);
  for (const one of players) {
    one.style.display = "";
    one.style.height = `${Math.max(LOWEST, each)}px`;
  }
}

async function start() {
  const { Reveal, RevealNotes } = /** @type {any} */ (globalThis);
  const deck = new Reveal(document.querySelector(".reveal"), {
    center: false,
    controlsLayout: "edges",
    hash: true,
    width: 1280,
    height: HIGH,
    margin: 0.045,
    slideNumber: "c/t",
    transition: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "slide",
    plugins: [RevealNotes],
    // A key that a player took is no key of the deck's.
    keyboardCondition: (/** @type {KeyboardEvent} */ stroke) =>
      !stroke.defaultPrevented && !["SELECT", "INPUT"].includes(/** @type {HTMLElement} */ (stroke.target).tagName),
  });
  /** @type {Map<Element, Promise<Raised>>} */
  const raised = new Map();
  /** @type {Promise<any> | null} */
  let Plotly = null;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const show = (again = false) => {
    const slide = /** @type {HTMLElement} */ (deck.getCurrentSlide());
    raised.forEach(async (one, film) => {
      if (!slide.contains(film)) (await one).player.pause();
    });
    for (const film of slide.querySelectorAll("script[data-film]")) {
      Plotly ??= plotlyFrom(bytes(/** @type {Element} */ (document.getElementById("plotly"))));
      const one = raised.get(film) ?? Plotly.then((found) => raise(film, found, true));
      raised.set(film, one);
      one.then(({ player, autoplay }) => {
        fit(slide);
        player.restyle();
        if (!again && (!autoplay || still.matches || deck.getCurrentSlide() !== slide)) return;
        player.seek(0);
        player.play();
      });
    }
  };
  await deck.initialize();
  // On paper, and in the speaker's small views, a picture does.
  if (deck.isPrintView() || location.search.includes("receiver")) return;
  deck.on("slidechanged", () => show());
  deck.addKeyBinding({ keyCode: PLAY_AGAIN, key: "R", description: "Play this slide's plots again" }, () => show(true));
  show();
}

start();
