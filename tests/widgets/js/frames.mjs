// The film's module as a browser gets it: joined to what it imports.
import { readFile } from "node:fs/promises";

const text = async (name) => readFile(new URL(`../../../streamviz/widgets/static/${name}`, import.meta.url), "utf8");
const joined = [await text("keyboard.js"), await text("live.js"), await text("frames.js")]
  .join("\n")
  .replaceAll(/^import .*;\n/gm, "")
  .replace("export default", "const widget =");
export const film = await import(`data:text/javascript,${encodeURIComponent(joined)}`);
