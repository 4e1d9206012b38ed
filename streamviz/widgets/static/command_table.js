// @ts-check
// The table of the commands that were sent, newest last.

import { make } from "./dom.js";

const MAX_ROWS = 100;

/** @param {string} tag of each cell @param {string[]} texts */
function makeRow(tag, texts) {
  const row = make("tr", "");
  row.append(...texts.map((text) => make(tag, "", text)));
  return row;
}

export function buildCommandTable() {
  const root = make("div", "log", "", { role: "log", "aria-label": "commands sent", tabindex: "0", hidden: "" });
  const [table, head, body] = [make("table", ""), make("thead", ""), make("tbody", "")];
  head.append(makeRow("th", ["call", "command", "reply", "what changed"]));
  table.append(head, body);
  root.append(table);
  /** @param {[string, string, string, string[]][]} rows */
  const add = (rows) => {
    body.append(...rows.map(([call, command, reply, changes]) => makeRow("td", [call, command, reply, changes.join("\n")])));
    while (body.children.length > MAX_ROWS) body.firstChild?.remove();
    if (rows.length) root.hidden = false;
    root.scrollTop = root.scrollHeight;
  };
  return { root, add, clear: () => body.replaceChildren() };
}
