// The few lines that stand in for a framework. Text from the server only ever becomes text nodes.

export const $ = (id) => document.getElementById(id);

/** An element: h("a", {href, onclick, class}, ...children). Nullish and false values are left out. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

export function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const [svg, use] = [make("svg"), make("use")];
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/icon.svg#${name}`);
  svg.append(use);
  return svg;
}

/** The text with its highlights as <mark>. The server counts code points, JavaScript does not. */
export function marked(text, highlights) {
  const points = /[\ud800-\udfff]/.test(text) ? [...text] : null;
  const cut = (from, to) => (points ? points.slice(from, to).join("") : text.slice(from, to));
  const out = [];
  let at = 0;
  for (const [from, to] of highlights ?? []) {
    if (from < at || to <= from) continue;
    out.push(cut(at, from), h("mark", null, cut(from, to)));
    at = to;
  }
  return [...out, cut(at)];
}

/** A command to copy. The clipboard exists only in secure contexts, so the button may be missing. */
export function command(text, t) {
  const copy = navigator.clipboard && h("button", {
    type: "button",
    onclick: async ({ currentTarget: button }) => {
      await navigator.clipboard.writeText(text);
      button.textContent = t.copied;
    },
  }, t.copy);
  const pieces = text.split(/(?<=[/\\])/).flatMap((piece) => [piece, h("wbr")]); // breaks between folders
  return h("div", { class: "command" }, h("code", null, pieces), copy);
}

/** Opens an element as a modal <dialog>, with its close button; gone from the page once closed. */
export function modal(name, title, t, ...children) {
  const heading = h("h2", { id: `${name}-title` }, title);
  const dialog = h("dialog", { class: name, "aria-labelledby": heading.id },
    h("div", { class: "dialog-head" }, heading,
      h("button", { class: "tool bare", type: "button", "aria-label": t.close, onclick: () => dialog.close() }, icon("close"))),
    children);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
