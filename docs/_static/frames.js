// Plays the pictures of a page: the player is fetched when the first of them is near.
const scripts = [...document.querySelectorAll("script[data-frames]")];
const player = scripts.length && new URL(scripts[0].dataset.frames.replace(/[^/]+$/, "streamviz-player.js"), document.baseURI);
const near = new IntersectionObserver((changes) => {
  if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
  near.disconnect();
  import(player).catch(() => {}); // a page from a file, which may import nothing: it keeps its pictures
}, { rootMargin: "100%" });
for (const script of scripts) near.observe(script.previousElementSibling);
