// @ts-check
// Where a widget's node goes: into the placeholder in the notebook's output, wherever that moves.

/** @typedef {(model: any, signal: AbortSignal) => HTMLElement} Builder */

const GONE_AFTER_MS = 1500;

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

/** The JSON that the kernel sends in a message's buffer. @param {DataView[]} buffers */
export const received = ([buffer]) => JSON.parse(new TextDecoder().decode(buffer));

/** Mount a model's node in its placeholder, and again each time the page replaces that.
 * @param {any} model @param {AbortSignal} signal @param {Builder} builder */
export function mount(model, signal, builder) {
  /** @type {HTMLElement | null} */
  let root = null;
  /** @type {Element | null} */
  let area = null; // the output area of the placeholder
  let goneTimer = 0;
  const live = new AbortController(); // until the model is gone, here or in the kernel
  // A node that moves loses the focus; give it back, for those who use the keyboard.
  /** @type {HTMLElement | null} */
  let focused = null;
  document.addEventListener("focusin", ({ target }) => {
    focused = root?.contains(/** @type {Node} */ (target)) ? /** @type {HTMLElement} */ (target) : null;
  }, { signal: live.signal });
  const showPictures = (/** @type {string} */ display) => {
    for (const child of root?.parentElement?.children ?? []) {
      if (child !== root) /** @type {HTMLElement} */ (child).style.display = display;
    }
  };
  const selector = (/** @type {string} */ id) => `[data-streamviz="${CSS.escape(model.get(id))}"]`;
  const find = () => document.querySelector(selector("mount_id")) ?? area?.querySelector(selector("fallback_id")) ?? null;
  const seek = () => {
    if (live.signal.aborted || root?.isConnected) return;
    const placeholder = find();
    if (placeholder) {
      clearTimeout(goneTimer);
      goneTimer = 0;
      area = placeholder.closest(".jp-OutputArea") ?? placeholder.parentElement?.parentElement ?? document.body;
      if (!root) {
        root = builder(model, live.signal);
        model.send({ type: "hello" });
      }
      placeholder.append(root);
      showPictures("none");
      for (const log of root.querySelectorAll(".streamviz-log")) log.scrollTop = log.scrollHeight;
      if (focused?.isConnected) focused.focus({ preventScroll: true });
    } else if (root && area?.isConnected && !goneTimer) {
      // The output area is there without the placeholder: the cell ran again, or was cleared.
      goneTimer = setTimeout(() => {
        if (!root?.isConnected && !find()) notify(model, { type: "gone" });
      }, GONE_AFTER_MS);
    }
  };
  const observer = new MutationObserver(seek);
  observer.observe(document.body, { childList: true, subtree: true });
  const end = () => {
    model.off("comm_live_update", end);
    observer.disconnect();
    clearTimeout(goneTimer);
    showPictures("block");
    live.abort();
    root?.remove();
  };
  model.on("comm_live_update", end); // the kernel restarts: show the saved pictures
  signal.addEventListener("abort", end, { once: true });
  seek();
}

/** The anywidget of a node: mounted in its placeholder, and in each view that a layout makes. @param {Builder} builder */
export function widget(builder) {
  const untilAborted = (/** @type {(signal: AbortSignal) => void} */ act) => {
    const abort = new AbortController();
    act(abort.signal);
    return () => abort.abort();
  };
  return {
    initialize: (/** @type {{model: any}} */ { model }) => untilAborted((signal) => mount(model, signal, builder)),
    render: (/** @type {{model: any, el: HTMLElement}} */ { model, el }) => untilAborted((signal) => {
      el.append(builder(model, signal));
      model.send({ type: "hello" });
    }),
  };
}
