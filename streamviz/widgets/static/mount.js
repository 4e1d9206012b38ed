// @ts-check
// A widget's views: in the placeholders of its cells' outputs, wherever those move, and in boxes.

import { unpacked } from "./plotly_loader.js";

/** @typedef {(model: any, signal: AbortSignal) => HTMLElement} Builder */
/** @typedef {{root: HTMLElement, area: Element, isCopy: boolean, abort: AbortController, timer: number}} Mounted */

const GONE_AFTER_MS = 1500;
const HELLO_AGAIN_MS = 1000; // then after twice the time, and so on
const HELLO_AT_LEAST_MS = 30000;
const PLACEHOLDER = "[data-streamviz]";
const COPY = ".jp-LinkedOutputView"; // JupyterLab's "Create New View for Output"

/** Tell the kernel something that it did not ask for. A closed notebook does not tell its widgets,
 * so sending may fail.
 * @param {any} model @param {object} message */
export function notify(model, message) {
  try {
    model.send(message);
  } catch {
    // no kernel is listening
  }
}

/** Is a message for this view? Most are for all views. @param {any} model @param {{view?: string}} message */
export const isFor = (model, { view }) => (view || model.view) === model.view;

/** Handle a model's messages one after the other: each by the handler of its type, with what was
 * packed into its buffer, if it has one.
 * @param {any} model @param {AbortSignal} signal @param {Record<string, (content: any, message: any) => void>} handlers */
export function listen(model, signal, handlers) {
  let last = Promise.resolve();
  const receive = (/** @type {any} */ message, /** @type {any[]} */ buffers) => {
    const handle = handlers[message.type];
    if (!handle || !isFor(model, message)) return;
    last = last.then(async () => {
      const content = buffers?.length ? await unpacked(buffers[0]) : null;
      if (!signal.aborted) handle(content, message);
    }).catch((error) => void setTimeout(() => {
      throw error; // where the page's console shows it; the next message is handled
    }));
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => model.off("msg:custom", receive));
}

/** Say hello until the kernel answers: it may be busy, and a message may be lost.
 * @param {any} model @param {AbortSignal} signal */
export function greet(model, signal) {
  let [timer, wait] = [0, HELLO_AGAIN_MS];
  const hello = () => {
    timer = setTimeout(hello, wait);
    wait = Math.min(2 * wait, HELLO_AT_LEAST_MS);
    notify(model, { type: "hello" });
  };
  const stop = () => {
    clearTimeout(timer);
    model.off("msg:custom", receive);
  };
  const receive = (/** @type {any} */ message) => {
    if (["figures", "metadata"].includes(message.type) && isFor(model, message)) stop();
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", stop);
  hello();
}

/** Build one view of a model; its messages carry its name. The reason of its end goes to the kernel:
 * "gone" from its cell, or else "bye"; nothing if the kernel itself is gone.
 * @param {any} model @param {AbortSignal} signal @param {Builder} builder */
function buildView(model, signal, builder) {
  const view = Math.random().toString(36).slice(2);
  const own = Object.assign(Object.create(model), { view, send: (/** @type {object} */ message) => model.send({ ...message, view }) });
  const root = builder(own, signal);
  signal.addEventListener("abort", () => {
    if (signal.reason !== "closed") notify(own, { type: signal.reason === "gone" ? "gone" : "bye" });
  });
  greet(own, signal);
  return root;
}

/** Give a node the styles of the model's layout, as ipywidgets gives them to its own nodes.
 * @param {any} model @param {HTMLElement} root @param {AbortSignal} signal */
function followLayout(model, root, signal) {
  let layout = null;
  const apply = () => {
    for (const [name, value] of Object.entries(layout.attributes)) {
      if (!name.startsWith("_")) root.style.setProperty(name.replaceAll("_", "-"), value);
    }
  };
  const follow = () => {
    layout?.off("change", apply);
    layout = model.get("layout");
    if (!layout?.attributes) return; // a page without a kernel has no layout
    layout.on("change", apply);
    apply();
  };
  model.on("change:layout", follow);
  signal.addEventListener("abort", () => {
    model.off("change:layout", follow);
    layout?.off?.("change", apply);
  });
  follow();
}

/** Does a page's change bring a placeholder? @param {MutationRecord[]} changes */
const bringsPlaceholder = (changes) => changes.some(({ addedNodes }) => [...addedNodes].some(
  (node) => node instanceof Element && (node.matches(PLACEHOLDER) || node.querySelector(PLACEHOLDER)),
));

const picturesOf = (/** @type {Element} */ placeholder) => [...placeholder.querySelectorAll("img")].map(({ src }) => src).join();

/** Mount a view of a model in each of its placeholders, and again when the page replaces one.
 * @param {any} model @param {AbortSignal} signal @param {Builder} builder */
export function mount(model, signal, builder) {
  /** @type {Mounted[]} */
  let views = [];
  const live = new AbortController(); // until the model is gone, here or in the kernel
  // A node that moves loses the focus; give it back, for those who use the keyboard.
  /** @type {HTMLElement | null} */
  let focused = null;
  document.addEventListener("focusin", ({ target }) => {
    const node = /** @type {HTMLElement} */ (target);
    focused = views.some(({ root }) => root.contains(node)) ? node : null;
  }, { signal: live.signal });
  const showPictures = (/** @type {HTMLElement} */ root, /** @type {string} */ display) => {
    for (const child of root.parentElement?.children ?? []) {
      if (child !== root) /** @type {HTMLElement} */ (child).style.display = display;
    }
  };
  const all = (/** @type {ParentNode} */ within, /** @type {string} */ id) => [...within.querySelectorAll(`[data-streamviz="${CSS.escape(model.get(id))}"]`)];
  /** The placeholders of this model. Once saved, they have the same ID in every notebook. So such
   * a one counts where this model was mounted, or in a copy of that output: with its pictures. */
  const placeholders = () => {
    const known = [...new Set(views.map(({ area }) => area))].flatMap((area) => all(area, "fallback_id"));
    const copies = all(document, "fallback_id").filter((one) => one.closest(COPY));
    const pictures = new Set(copies.length ? known.map(picturesOf) : []);
    return new Set([...all(document, "mount_id"), ...known, ...copies.filter((one) => pictures.has(picturesOf(one)))]);
  };
  const newView = (/** @type {Element} */ area) => {
    const abort = new AbortController();
    const root = buildView(model, abort.signal, builder);
    followLayout(model, root, abort.signal);
    const view = { root, area, isCopy: area.closest(COPY) !== null, abort, timer: 0 };
    views.push(view);
    return view;
  };
  const place = (/** @type {Element} */ placeholder) => {
    const area = placeholder.closest(".jp-OutputArea") ?? placeholder.parentElement?.parentElement ?? document.body;
    const view = views.find((one) => one.area === area && !one.root.isConnected) ?? newView(area);
    clearTimeout(view.timer);
    view.timer = 0;
    placeholder.append(view.root);
    showPictures(view.root, "none");
    for (const log of view.root.querySelectorAll(".streamviz-log")) log.scrollTop = log.scrollHeight;
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  };
  const drop = (/** @type {Mounted} */ view, /** @type {string} */ reason) => {
    views = views.filter((one) => one !== view);
    clearTimeout(view.timer);
    showPictures(view.root, "block");
    view.abort.abort(reason);
    view.root.remove();
  };
  const seek = () => {
    for (const placeholder of placeholders()) {
      if (!views.some(({ root }) => placeholder.contains(root))) place(placeholder);
    }
    for (const view of views) {
      // The output area is there without the placeholder: the cell ran again, or was cleared. The
      // area itself leaves the page while it is scrolled out of view, but for a copy, when it closes.
      if (view.root.isConnected || view.timer || !(view.area.isConnected || view.isCopy)) continue;
      view.timer = setTimeout(() => {
        view.timer = 0;
        if (!view.root.isConnected) drop(view, view.area.isConnected ? "gone" : "bye");
      }, GONE_AFTER_MS);
    }
  };
  const observer = new MutationObserver((changes) => {
    if (views.some(({ root }) => !root.isConnected) || bringsPlaceholder(changes)) seek();
  });
  observer.observe(document.body, { childList: true, subtree: true });
  const end = () => {
    model.off("comm_live_update", end);
    observer.disconnect();
    live.abort();
    for (const view of views) drop(view, "closed");
  };
  model.on("comm_live_update", end); // the kernel restarts: show the saved pictures
  signal.addEventListener("abort", end, { once: true });
  seek();
}

/** The anywidget of a node: mounted in its placeholders, and in each view that a layout makes. @param {Builder} builder */
export function widget(builder) {
  const untilAborted = (/** @type {(signal: AbortSignal) => void} */ act) => {
    const abort = new AbortController();
    act(abort.signal);
    return () => abort.abort();
  };
  return {
    initialize: (/** @type {{model: any}} */ { model }) => untilAborted((signal) => mount(model, signal, builder)),
    render: (/** @type {{model: any, el: HTMLElement}} */ { model, el }) => untilAborted((signal) => el.append(buildView(model, signal, builder))),
  };
}
