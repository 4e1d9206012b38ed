// @ts-check
// Slides with players: each plays while its slide is shown.

import { plotlyOfPage, replacePicture } from "./offline.js";

const HIGH = 720;
const BELOW = 10; // pixels at the bottom of a slide
const PLAY_AGAIN = 82; // the key R
const LOWEST = 330; // pixels of a player; texts and controls take a third of them

/** Give the players of a slide the height that its other content leaves. @param {HTMLElement} slide */
function fit(slide) {
  const players = /** @type {HTMLElement[]} */ ([...slide.querySelectorAll(".streamviz-player")]);
  for (const one of players) one.style.display = "none";
  const each = Math.floor((HIGH - BELOW - slide.scrollHeight) / players.length);
  for (const one of players) Object.assign(one.style, { display: "", height: `${Math.max(LOWEST, each)}px` });
}

async function start() {
  const { Reveal, RevealNotes } = /** @type {any} */ (globalThis);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  const deck = new Reveal(document.querySelector(".reveal"), {
    center: false,
    controlsLayout: "edges",
    hash: true,
    width: 1280, height: HIGH, margin: 0.045,
    slideNumber: "c/t",
    transition: reduced.matches ? "none" : "slide",
    plugins: [RevealNotes],
    // The deck ignores a key that a player has used.
    keyboardCondition: (/** @type {KeyboardEvent} */ stroke) =>
      !stroke.defaultPrevented && !["SELECT", "INPUT"].includes(/** @type {HTMLElement} */ (stroke.target).tagName),
  });
  /** @type {Map<Element, ReturnType<typeof replacePicture>>} */
  const players = new Map();
  let Plotly = null;
  const show = (again = false) => {
    const slide = /** @type {HTMLElement} */ (deck.getCurrentSlide());
    players.forEach(async (one, script) => {
      if (!slide.contains(script)) (await one).player.pause();
    });
    for (const script of slide.querySelectorAll("script[data-frames]")) {
      Plotly ??= plotlyOfPage();
      const one = players.get(script) ?? Plotly.then((loaded) => replacePicture(script, loaded, true));
      players.set(script, one);
      one.then((/** @type {Awaited<ReturnType<typeof replacePicture>>} */ { player, autoplay }) => {
        fit(slide);
        player.restyle();
        if (!again && (!autoplay || reduced.matches || deck.getCurrentSlide() !== slide)) return;
        player.seek(0);
        player.play();
      });
    }
  };
  // What is on another slide is reached neither by keyboard nor by a screen reader.
  const hideOthers = () => {
    for (const slide of deck.getSlides()) slide.inert = slide !== deck.getCurrentSlide();
  };
  await deck.initialize();
  // On paper, and in the small views for the speaker, the picture stays.
  if (deck.isPrintView() || location.search.includes("receiver")) return;
  deck.on("slidechanged", () => {
    hideOthers();
    show();
  });
  deck.addKeyBinding({ keyCode: PLAY_AGAIN, key: "R", description: "Play this slide's plots again" }, () => show(true));
  hideOthers();
  show();
}

start();
