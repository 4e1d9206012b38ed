// Plays the pictures of a page: the player is fetched when the first of them is near.
const films = [...document.querySelectorAll("script[data-film]")];
const player = films.length && new URL(films[0].dataset.film.replace(/[^/]+$/, "streamviz-player.js"), document.baseURI);
const near = new IntersectionObserver((changes) => {
  if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
  near.disconnect();
  import(player).catch(() => {}); // a page from a file, which may import nothing: it keeps its pictures
}, { rootMargin: "100%" });
for (const film of films) near.observe(film.previousElementSibling);
