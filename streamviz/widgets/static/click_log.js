// @ts-check
// What a click in the flow caused, in words.

import { fatesOf } from "./flow_entries.js";

const MOST_WORDS = 3; // statements; the oldest goes

/** @param {(text: string) => void} say */
export function buildClickLog(say) {
  /** @type {{act: string, group: string, which: string}[]} */
  let clicks = []; // whose entries are to be followed
  /** @type {Set<string>} */
  const followed = new Set(); // the JSON of a group's name and an ID
  /** @type {string[]} */
  let words = [];
  const add = (/** @type {string[]} */ more) => {
    words = [...words, ...more].slice(-MOST_WORDS);
    say(words.join(" · "));
  };
  /** Follow what a click was about, if the samples show it: all that a killed consumer holds, or else the first entry.
   * @param {typeof clicks[number]} click @param {any} before @param {any} after @returns {boolean} whether that is done */
  const find = (click, before, after) => {
    const [old, now] = [before, after].map(({ groups = [] }) => groups.find((/** @type {any} */ { name }) => name === click.group)?.consumers ?? []);
    const isNew = (/** @type {any} */ one) => !old.some((/** @type {any} */ { name }) => name === one.name);
    if (!click.which) click.which = now.find(isNew)?.name ?? "";
    const one = now.find((/** @type {any} */ { name }) => name === click.which);
    const killed = click.act === "kill";
    if (!one?.held.length || (killed && !one.dead)) return false;
    for (const [id] of killed ? one.held : one.held.slice(0, 1)) followed.add(JSON.stringify([click.group, id]));
    return !killed;
  };
  return {
    /** @param {import("./flow_controls.js").Action} action @param {string} group @param {string} which */
    begin({ label, request }, group, which) {
      clicks = clicks.filter((one) => one.group !== group || one.which !== which);
      if (request.do !== "remove") clicks.push({ act: request.do, group, which });
      words = [];
      add([`you clicked: ${label}`]);
    },
    /** Tell what one more sample shows. @param {any} before a flow's scene @param {any} after */
    tell(before, after) {
      const fates = fatesOf(before, after, followed);
      fates.over.forEach((entry) => followed.delete(entry));
      clicks = clicks.filter((click) => !find(click, before, after));
      if (fates.words.length) add(fates.words);
    },
  };
}
