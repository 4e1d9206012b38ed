// @ts-check
// The table of the commands that were sent, newest last.

import { make } from "./dom.js";

const MAX_ROWS = 100;

/** @param {string} tag of each cell @param {string[]} texts */
const makeRow = (tag, texts) => make("tr", "", texts.map((text) => make(tag, "", text)));

export function buildCommandTable() {
  const body = make("tbody", "");
  const head = make("thead", "", [makeRow("th", ["call", "command", "reply", "what changed"])]);
  const attributes = { role: "log", "aria-label": "commands sent", tabindex: "0", hidden: "" };
  const root = make("div", "log", [make("table", "", [head, body])], attributes);
  /** @param {[string, string, string, string[]][]} rows */
  const add = (rows) => {
    body.append(...rows.map(([call, command, reply, changes]) => makeRow("td", [call, command, reply, changes.join("\n")])));
    while (body.children.length > MAX_ROWS) body.firstChild?.remove();
    if (rows.length) root.hidden = false;
    root.scrollTop = root.scrollHeight;
  };
  return { root, add, clear: () => body.replaceChildren() };
}
