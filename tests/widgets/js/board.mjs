// The board's module, with the module that it imports: text, as a browser gets it.
import { readFile } from "node:fs/promises";

const read = (path) => readFile(new URL(`../../../${path}`, import.meta.url), "utf8");
const WIDGETS = "streamviz/widgets/static";
const asModule = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
const keyboard = asModule(await read(`${WIDGETS}/keyboard.js`));
const live = asModule((await read(`${WIDGETS}/live.js`)).replace('"./keyboard.js"', JSON.stringify(keyboard)));
export const board = await import(asModule((await read("notebooks/go_game/static/board.js")).replace('"streamviz/live.js"', JSON.stringify(live))));
