// @ts-check
// plotly.js, from its compressed source: one copy per page, whichever widget needs it first.

const PLOTLY = Symbol.for("streamviz.plotly");
const TIMEOUT_MS = 15000;

/** The text that was compressed with gzip; a Blob would go through another process. @param {BufferSource} packed */
const unzipped = (packed) => new Response(/** @type {any} */ (new Response(packed).body).pipeThrough(new DecompressionStream("gzip"))).text();

/** The value that was packed as JSON, which is compressed if it is no text. @param {BufferSource | string} packed */
export const unpacked = async (packed) => JSON.parse(typeof packed === "string" ? packed : await unzipped(packed));

/** Run the source of plotly.js. @param {BufferSource} packed @returns {Promise<any>} */
export async function plotlyFrom(packed) {
  const source = await unzipped(packed);
  const module = { exports: {} };
  try {
    // plotly.js looks for `module` first, so it leaves no global name behind.
    new Function("module", "exports", "define", source)(module, module.exports, undefined);
    return module.exports;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
  }
  // The page's security policy forbids that; it may allow a module from a blob.
  const head = "const module = { exports: {} }, exports = module.exports, define = undefined;";
  const url = URL.createObjectURL(new Blob([`${head}\n${source}\nexport { module };`], { type: "text/javascript" }));
  try {
    return (await import(url)).module.exports;
  } catch {
    throw new Error("the page's Content-Security-Policy lets no plotly.js run: allow blob: in its script-src, or show an exported .html in an iframe");
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Let the widgets of this page use a plotly.js that a script of the page brings. @param {Promise<any>} Plotly */
export const providePlotly = (Plotly) => void (/** @type {any} */ (globalThis)[PLOTLY] = Plotly);

/** plotly.js, fetched from the kernel once per page. If a widget goes before its request is
 * answered, the next widget sends one.
 * @param {any} model @param {AbortSignal} signal @returns {Promise<any>} */
export function loadPlotly(model, signal) {
  const page = /** @type {any} */ (globalThis);
  const first = () => (page[PLOTLY] ??= fetched(model, signal).catch((error) => {
    delete page[PLOTLY];
    throw error;
  }));
  return page[PLOTLY]?.catch(first) ?? first();
}

/** @param {any} model @param {AbortSignal} signal @returns {Promise<any>} */
async function fetched(model, signal) {
  const over = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  /** @type {(message: any, buffers: any[]) => void} */
  let receive;
  const packed = new Promise((resolve, reject) => {
    receive = ({ type }, buffers) => type === "plotly" && resolve(buffers[0]);
    over.addEventListener("abort", () => reject(new Error(signal.aborted ? "the widget that requested plotly.js is gone" : "the kernel did not send plotly.js")));
    model.on("msg:custom", receive);
    model.send({ type: "plotly" });
  }).finally(() => model.off("msg:custom", receive));
  return plotlyFrom(await packed);
}
