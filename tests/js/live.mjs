// The widget's module as a browser gets it: text, with no package.json beside it.
import { readFile } from "node:fs/promises";

const source = await readFile(new URL("../../streamviz/widgets/live.js", import.meta.url), "utf8");
export const live = await import(`data:text/javascript,${encodeURIComponent(source)}`);
