// One hit as a card: a mounted print for a picture, a catalogue card for a passage.

import { h, icon, marked } from "./dom.js";
import { t } from "./strings.js";

const TITLES = ["title", "caption", "name", "description"];

export const sourceOf = (asset) => asset.source ?? asset.sources?.[0] ?? {};

const fileOf = (asset) => {
  const path = sourceOf(asset).path ?? sourceOf(asset).uri ?? "";
  return path.split(/[\\/]/).filter(Boolean).pop() ?? "";
};

export function titleOf(asset) {
  const values = TITLES.map((field) => asset.metadata?.[field]);
  return values.find((value) => typeof value === "string" && value.trim())?.trim();
}

/** What to call an asset: its caption or title, else its file's name. */
export const nameOf = (asset) =>
  titleOf(asset) ?? (fileOf(asset) || (asset.kind === "image" ? t.aPicture : t.aPassage));

/** Where it is, short: the file's name, with its page or row. */
export function placeOf(asset) {
  const { page, row } = sourceOf(asset);
  return [fileOf(asset), page && t.page(page), row && t.row(row)].filter(Boolean).join(", ");
}

/** Relevance from which the API calls a hit a clear match. */
export const CLEAR = 0.5;

/** True if it is known not to match; what is not known may. */
export const isUnclear = ({ relevance }) => typeof relevance === "number" && relevance < CLEAR;

/** The address of a thumbnail with the given longest side. */
export function thumbnail(asset, size) {
  if (!asset.thumbnail_url) return null;
  const url = new URL(asset.thumbnail_url, location.href);
  url.searchParams.set("size", size);
  return url.href;
}

/** The card as a list element. `act` holds href(id), open(id), like(id), unlike(id). */
export function card(hit, act) {
  const text = hit.kind === "text";
  const body = text ? passage(hit) : print(hit);
  const node = h("li", { class: `hit ${hit.kind}`, "data-id": hit.id },
    h("a", {
      class: "open", href: act.href(hit.id),
      onclick: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a tab of its own, as for any link
        event.preventDefault();
        act.open(hit.id);
      },
    }, body),
    h("div", { class: "acts" },
      button("plus", t.moreLike, () => act.like(hit.id)),
      button("minus", t.lessLike, () => act.unlike(hit.id))));
  // Known before the picture arrives: the grid never moves.
  if (!text) node.style.setProperty("--ratio", ratio(hit));
  return node;
}

const ratio = ({ width, height }) =>
  (width && height ? Math.min(2.1, Math.max(0.6, width / height)) : 1).toFixed(3);

function button(name, label, act) {
  return h("button", { type: "button", class: `act ${name}`, "aria-label": label, title: label, onclick: act }, icon(name));
}

/** How relevant it is; its cosine where that is not known. */
function score(hit) {
  if (typeof hit.score !== "number") return null;
  if (typeof hit.relevance !== "number") return h("span", { class: "score", title: t.score(hit.score, hit.space) }, hit.score.toFixed(2));
  const title = `${t.relevance}: ${t.percent(hit.relevance)}. ${t.score(hit.score, hit.space)}`;
  return h("span", { class: isUnclear(hit) ? "score unclear" : "score", title }, t.percent(hit.relevance));
}

function print(hit) {
  const source = thumbnail(hit, 512);
  const image = source && h("img", {
    src: source, alt: "", loading: "lazy", decoding: "async",
    onload: (event) => event.target.classList.add("here"),
  });
  return [h("span", { class: "frame" }, image), h("span", { class: "caption" }, h("span", null, nameOf(hit)), score(hit))];
}

function passage(hit) {
  const words = hit.matched?.includes("words")
    && h("span", { class: "words", title: t.matchedWordsTitle }, t.matchedWords);
  const place = h("span", { class: "place", title: sourceOf(hit).path }, h("b", null, placeOf(hit)), titleOf(hit) && ` ${titleOf(hit)}`);
  return [
    h("span", { class: "card-head" }, place, words, score(hit)),
    h("span", { class: "passage" }, marked(hit.snippet ?? hit.text ?? "", hit.highlights)),
  ];
}
