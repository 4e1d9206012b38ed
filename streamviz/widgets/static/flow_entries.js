// @ts-check
// The entries of a flow: which of them a square stands for, and where one of them is.

import { squareAt } from "./flow_shapes.js";

/** The entries that each square of the tape stands for, oldest first, by the square's number.
 * @param {any[]} data the figure's traces @returns {Map<number, string[]>} */
export function entriesOf([tape, { meta: scene }]) {
  const entries = new Map();
  (tape.customdata ?? []).forEach((/** @type {string} */ id, /** @type {number} */ i) => {
    const number = squareAt(scene, tape.y[i]);
    entries.set(number, [...(entries.get(number) ?? []), id]);
  });
  return entries;
}

/** The consumer of a group that holds an entry. @param {any} group @param {string} id @returns {string | undefined} */
const holderOf = (group, id) => group?.consumers.find((/** @type {any} */ { held }) => held.some((/** @type {any[]} */ [one]) => one === id))?.name;

/** What became of some entries from one scene to the next, in words, and which of them are over.
 * @param {any} before @param {any} after @param {Iterable<string>} entries each the JSON of a group's name and an ID
 * @returns {{words: string[], over: string[]}} */
export function fatesOf(before, after, entries) {
  const fates = { words: [], over: [] };
  for (const entry of entries) {
    const [name, id] = JSON.parse(entry);
    const [old, now] = [before, after].map(({ groups }) => groups?.find((/** @type {any} */ group) => group.name === name));
    const [had, has] = [holderOf(old, id), holderOf(now, id)];
    if (!now || !had || had === has) continue;
    if (has) fates.words.push(`${has} took ${id} over from ${had}`);
    else if (now.bin?.new.includes(id)) fates.words.push(`${id} went to ${now.bin.name}`);
    else if (now.left.includes(id)) fates.words.push(`${had} acknowledged ${id}`);
    if (!has) fates.over.push(entry);
  }
  return fates;
}

/** Where an entry is, in words: for each group who holds it, or whether it waits; empty for a figure that is no flow.
 * @param {any[]} data the figure's traces @param {string} id @returns {string[]} */
export function whereabouts([tape, state], id) {
  const number = tape?.y?.[tape.customdata?.indexOf(id)];
  return (state?.meta?.groups ?? []).flatMap((/** @type {any} */ group) => {
    const [{ name, at }, holder] = [group, holderOf(group, id)];
    if (holder) return [`${holder} holds it`];
    if (number === undefined || at === null) return [];
    return [number > at ? `waits for ${name}` : `read by ${name}`];
  });
}
