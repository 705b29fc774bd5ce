// What the page shows around the hits: sections, skeletons, the welcome, and the honest failures.

import { command, h } from "./dom.js";
import { card } from "./hits.js";
import { t } from "./strings.js";

const CAPTIONS = ["caption", "title", "description"];
const EXAMPLES = 5;
const ENOUGH = 3; // of the better sort: then the next sort is not looked at

/** Empty lists for the hits to go into: one for a single Kind, both side by side for all. */
export function frame(results, kind, choose) {
  const section = (one, title) => h("section", { class: `section ${one}`, hidden: true, "aria-labelledby": `head-${one}` },
    h("div", { class: kind === "all" ? "section-head" : "hidden" }, h("h2", { id: `head-${one}` }, title),
      kind === "all" && h("button", { type: "button", class: "link", onclick: () => choose(one) }, t.seeAll)),
    h("p", { class: "remark", hidden: true }, t.remark[one]),
    h("ul", { id: `list-${one}`, class: `list ${one}` }));
  results.className = kind;
  results.replaceChildren(...[
    kind !== "text" && section("image", t.pictures),
    kind !== "image" && section("text", t.texts),
  ].filter(Boolean));
}

export function skeleton(results, kind) {
  frame(results, kind, () => {});
  const ratios = [1.5, 0.8, 1.2, 1, 1.7, 0.7, 1.4, 1.1, 1.6, 0.9, 1.3, 1];
  for (const list of results.querySelectorAll(".list")) {
    list.parentElement.hidden = false;
    for (const ratio of ratios) {
      const node = h("li", { class: "hit skeleton", "aria-hidden": "true" });
      node.style.setProperty("--ratio", ratio);
      list.append(node);
    }
  }
}

const note = (results, title, ...rest) => {
  results.className = "alone";
  results.replaceChildren(h("div", { class: "note" }, h("h2", null, title), rest));
};
const button = (label, onclick) => h("button", { type: "button", class: "tool", onclick }, label);
const row = (...buttons) => h("p", { class: "row" }, buttons.filter(Boolean));

export function nothing(results, allKinds, start) {
  note(results, t.nothing, h("p", null, t.nothingHow), row(allKinds && button(t.showAllKinds, allKinds), button(t.clear, start)));
}

export function nothingClear(results, nearest, start) {
  note(results, t.nothingClear, h("p", null, t.nothingClearHow), row(button(t.showNearest, nearest), button(t.clear, start)));
}

export function problem(results, message, again, start) {
  note(results, t.failed, h("p", { role: "alert" }, message), row(button(t.again, again), button(t.clear, start)));
}

export function noCollection(results, add) {
  note(results, t.noneTitle, h("p", null, t.noneHow), command(t.command, t), h("p", null, t.noneThen), row(button(t.addFiles, () => add())));
}

export function welcome(results, kind, totals, assets, act, search, add) {
  const examples = examplesFrom(assets);
  const hasCaption = ({ metadata }) => CAPTIONS.some((field) => metadata?.[field]);
  const inOrder = [...assets.filter(hasCaption), ...assets.filter((asset) => !hasCaption(asset))];
  results.className = "welcome";
  results.replaceChildren(
    h("div", { class: "intro" },
      h("h2", { class: "lead" }, totals?.found || assets.length ? t.welcome : t.emptyTitle),
      h("p", null, t.welcomeHow),
      h("p", { class: "totals" }, counted(totals)),
      examples.length > 0 && h("div", { class: "examples" }, h("h3", null, t.tryThese),
        h("ul", null, examples.map((words) => h("li", null, h("button", { type: "button", onclick: () => search(words) }, words))))),
      !totals?.found && row(button(t.addFiles, () => add()))),
    assets.length > 0 && h("section", { class: `section ${kind}` },
      h("div", { class: "section-head" }, h("h2", null, t.fromCollection)),
      h("ul", { class: `list ${kind}` }, inOrder.map((asset) => card(asset, act)))) || "");
}

export function counted(totals) {
  const { image = 0, text = 0 } = totals?.kinds ?? {};
  const waiting = totals?.pending > 0 ? ` ${t.waiting(totals.pending)}` : "";
  return t.holds(t.nPictures(image), t.nPassages(text)) + waiting;
}

/** A few short queries in the collection's own words: first clauses of captions, else labels. */
function examplesFrom(assets) {
  const found = new Set();
  for (const field of [...CAPTIONS, "label"]) {
    for (const { metadata } of found.size < ENOUGH ? assets : []) {
      const value = metadata?.[field];
      const clause = typeof value === "string" ? value.split(/[,;:.(]/)[0].trim() : "";
      if (clause.length < 4 || clause.length > 44 || found.size >= EXAMPLES) continue;
      found.add(clause);
    }
  }
  return [...found];
}

export function collectionChoice(names, chosen, choose) {
  if (names.length < 2) return names;
  const select = h("select", { "aria-label": t.collection, onchange: () => choose(select.value) },
    names.map((name) => h("option", { value: name }, name)));
  select.value = chosen;
  return [select];
}
