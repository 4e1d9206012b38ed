// @ts-check
// Slides whose plots play: each begins when its slide is shown, and rests when that is left.

import { bytes, plotlyFrom, raise } from "./offline.js";

/** @typedef {Awaited<ReturnType<typeof raise>>} Raised */

const PLAY_AGAIN = 82; // the key R

async function start() {
  const { Reveal, RevealNotes } = /** @type {any} */ (globalThis);
  const deck = new Reveal(document.querySelector(".reveal"), {
    center: false,
    controlsLayout: "edges",
    hash: true,
    width: 1280,
    height: 720,
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
      const one = raised.get(film) ?? Plotly.then((found) => raise(film, found, 1.6));
      raised.set(film, one);
      one.then(({ player, autoplay }) => {
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
