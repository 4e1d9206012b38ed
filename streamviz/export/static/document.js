// @ts-check
// A notebook to read: a player takes the place of each picture that has a film.

import { plotlyOfPage, replacePicture } from "./offline.js";

async function start() {
  const films = [...document.querySelectorAll("script[data-film]")];
  if (!films.length) return;
  const Plotly = await plotlyOfPage();
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  // A player plays, and takes the browser's time, only while it is visible.
  /** @type {Map<Element, ReturnType<typeof replacePicture>>} */
  const players = new Map();
  const visible = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      const film = /** @type {Element} */ (target.nextElementSibling);
      const known = players.get(film);
      if (!isIntersecting) {
        known?.then(({ player }) => player.pause());
      } else if (!known) {
        const made = replacePicture(film, Plotly);
        players.set(film, made);
        made.then(({ player, autoplay }) => autoplay && !reduced.matches && player.play());
      }
    }
  });
  for (const film of films) visible.observe(/** @type {Element} */ (film.previousElementSibling));
}

start();
