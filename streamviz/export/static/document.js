// @ts-check
// A notebook to read: where a film lies under a picture, a player takes its place.

import { bytes, plotlyFrom, raise } from "./offline.js";

async function start() {
  const films = [...document.querySelectorAll("script[data-film]")];
  if (!films.length) return;
  const Plotly = await plotlyFrom(bytes(/** @type {Element} */ (document.getElementById("plotly"))));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  // It plays, and takes the browser's time, only while somebody can see it.
  /** @type {Map<Element, ReturnType<typeof raise>>} */
  const raised = new Map();
  const seen = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      const film = /** @type {Element} */ (target.nextElementSibling);
      const known = raised.get(film);
      if (!isIntersecting) {
        known?.then(({ player }) => player.pause());
      } else if (!known) {
        const one = raise(film, Plotly);
        raised.set(film, one);
        one.then(({ player, autoplay }) => autoplay && !still.matches && player.play());
      }
    }
  });
  for (const film of films) seen.observe(/** @type {Element} */ (film.previousElementSibling));
}

start();
