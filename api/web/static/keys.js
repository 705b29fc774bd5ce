// The keyboard: / ? + − and the arrows. Keys of one character can be switched off (WCAG 2.1.4).

import { $, h, modal } from "./dom.js";
import { t } from "./strings.js";

const OFF = "keys-off";
const isOff = () => localStorage.getItem(OFF) === "1";

export function listen() {
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const writes = event.target.closest("input:not([type=radio], [type=checkbox], [type=file]), select, textarea");
    if (writes ? inSearch(event) : elsewhere(event)) event.preventDefault();
  });
}

function inSearch(event) {
  const query = $("query");
  if (event.target !== query) return false;
  if (event.key === "ArrowDown") return focus(document.querySelector(".hit .open"));
  if (event.key === "Backspace" && query.selectionEnd === 0) {
    const last = [...$("parts").querySelectorAll("button")].pop();
    last?.click();
    return Boolean(last);
  }
  return false;
}

function elsewhere(event) {
  const card = event.target.closest(".hit");
  if (card && event.key.startsWith("Arrow")) return focus(neighbour(card, event.key));
  if (isOff()) return false;
  if (event.key === "/") {
    $("query").select();
    return focus($("query"));
  }
  if (event.key === "?") return showKeys();
  const act = { "+": ".plus", "=": ".plus", "-": ".minus" }[event.key];
  if (!card || !act) return false;
  card.querySelector(act).click();
  return true;
}

function focus(node) {
  node?.focus();
  node?.scrollIntoView({ block: "nearest" });
  return Boolean(node);
}

/** Left and right follow the order, up and down what is seen above and below. */
function neighbour(card, key) {
  const open = (node) => node?.querySelector(".open");
  if (key === "ArrowLeft") return open(card.previousElementSibling);
  if (key === "ArrowRight") return open(card.nextElementSibling);
  const here = card.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  const down = key === "ArrowDown";
  let best = null;
  let least = Infinity;
  for (const other of document.querySelectorAll(".hit")) {
    const there = other.getBoundingClientRect();
    const away = down ? there.top - here.bottom : here.top - there.bottom;
    if (other === card || away < -1) continue;
    // A row's distance counts far more than the distance along the row.
    const cost = away * 8 + Math.max(0, there.left - middle, middle - there.right);
    if (cost < least) [best, least] = [other, cost];
  }
  return open(best) ?? (down ? null : $("query"));
}

export function showKeys() {
  const on = h("input", { type: "checkbox", onchange: () => localStorage.setItem(OFF, on.checked ? "0" : "1") });
  on.checked = !isOff();
  modal("keyboard", t.keysTitle, t,
    h("dl", null, t.keyList.map(([key, what]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, what)))),
    h("label", { class: "check" }, on, " ", t.keysOn));
  return true;
}
