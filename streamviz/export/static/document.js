// @ts-check
// A notebook to read: a player takes the place of each picture that has frames.

import { printsAsInWindow } from "streamviz/dom.js";
import { plotlyOfPage, replacePicture } from "./offline.js";

async function start() {
  const scripts = [...document.querySelectorAll("script[data-frames]")];
  if (!scripts.length) return;
  printsAsInWindow(() => Math.SQRT2 * innerWidth, 24); // in the shape of A4
  const Plotly = await plotlyOfPage();
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  // A player plays, and takes the browser's time, only while it is visible.
  /** @type {Map<Element, ReturnType<typeof replacePicture>>} */
  const players = new Map();
  const visible = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      const script = /** @type {Element} */ (target.nextElementSibling);
      const known = players.get(script);
      if (!isIntersecting) {
        known?.then(({ player }) => player.pause());
      } else if (!known) {
        const made = replacePicture(script, Plotly);
        players.set(script, made);
        made.then(({ player, autoplay }) => autoplay && !reduced.matches && player.play());
      }
    }
  });
  for (const script of scripts) visible.observe(/** @type {Element} */ (script.previousElementSibling));
}

start();
