// The board's module, with the module that it imports: text, as a browser gets it.
import { readFile } from "node:fs/promises";

const read = (name) => readFile(new URL(`../../streamviz/widgets/${name}`, import.meta.url), "utf8");
const asModule = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
const reach = asModule(await read("reach.js"));
const live = asModule((await read("live.js")).replace('"./reach.js"', JSON.stringify(reach)));
export const board = await import(asModule((await read("board.js")).replace('"./live.js"', JSON.stringify(live))));
