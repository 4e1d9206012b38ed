// The widget's module as a browser gets it: text, with no package.json beside it, joined to what it imports.
import { readFile } from "node:fs/promises";

const text = async (name) => readFile(new URL(`../../../streamviz/widgets/static/${name}`, import.meta.url), "utf8");
const joined = [await text("keyboard.js"), await text("live.js")].join("\n").replaceAll(/^import .*;\n/gm, "");
export const live = await import(`data:text/javascript,${encodeURIComponent(joined)}`);
