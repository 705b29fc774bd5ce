// One asset, large: the picture or the whole passage, what is known of it, and its nearest.

import { inCollection, request } from "./api.js";
import { command, h, icon, marked, modal } from "./dom.js";
import { nameOf, placeOf, sourceOf, thumbnail, titleOf } from "./hits.js";
import { t } from "./strings.js";

const SHOWN_BY_BROWSERS = /^image\/(jpeg|png|gif|webp|avif|bmp|svg\+xml)$/;
const LARGEST = 40e6;
const NEIGHBOURS = 12;

let dialog = null;
let loading = null;

/** Shows the asset. `hit` may already hold it; `act` holds href, open, like, unlike, step, closed. */
export async function show(collection, id, hit, act) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  const body = h("div", { class: "detail-body" });
  if (dialog) {
    dialog.querySelector(".detail-body").replaceWith(body);
  } else {
    dialog = modal("detail", "", t, body);
    dialog.addEventListener("close", () => {
      dialog = null;
      loading.abort();
      act.closed();
    });
    const step = (by, name, label) => h("button", { type: "button", class: "tool bare", "aria-label": label, title: label, onclick: () => act.step(by) }, icon(name));
    dialog.querySelector(".dialog-head h2").after(step(-1, "left", t.previous), step(1, "right", t.next));
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && !event.altKey && !event.metaKey && !event.ctrlKey) act.step(by);
    });
  }
  try {
    if (hit) fill(body, hit, act);
    const path = inCollection(collection, `/assets/${encodeURIComponent(id)}`);
    const [asset, near] = await Promise.all([
      request(path, { signal }),
      request(`${path}/neighbours?limit=${NEIGHBOURS}`, { signal }).catch((error) => {
        if (error.name === "AbortError") throw error;
        return { hits: [] }; // the asset itself is worth showing without them
      }),
    ]);
    fill(body, { ...hit, ...asset, highlights: hit?.highlights, snippet: hit?.snippet }, act, near.hits);
  } catch (error) {
    if (error.name === "AbortError") return;
    dialog.querySelector("h2").textContent = t.failed;
    body.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  }
}

export const close = () => dialog?.close();

function fill(body, asset, act, near) {
  const name = nameOf(asset);
  dialog.querySelector("h2").textContent = asset.kind === "text" ? titleOf(asset) ?? placeOf(asset) : name;
  // The second filling adds the neighbours; the picture that is already there stays.
  const shown = body.querySelector(".sheet") ?? (asset.kind === "text" ? sheet(asset) : plate(asset, name));
  if (asset.bytes < LARGEST && SHOWN_BY_BROWSERS.test(asset.media_type)) enlarge(shown.querySelector("img"), asset.content_url);
  body.replaceChildren(shown,
    h("div", { class: "facts" },
      h("div", { class: "actions" },
        choice("plus", t.moreLike, () => act.like(asset.id)),
        choice("minus", t.lessLike, () => act.unlike(asset.id)),
        asset.content_url && h("a", { class: "tool", href: asset.content_url, download: "" }, t.download)),
      places(asset),
      list(t.details, facts(asset)),
      h("section", { class: "near" }, h("h3", null, t.neighbours), near ? nearest(near, act) : h("p", { class: "skeleton bar" }))));
}

const choice = (name, label, act) =>
  h("button", { type: "button", class: "tool", onclick: act }, icon(name), label);

function sheet(asset) {
  const whole = asset.text ?? asset.snippet ?? "";
  // Highlights count from the start of the snippet, which may be cut out of the text: …so….
  const snippet = asset.snippet ?? "";
  const lead = snippet.startsWith("…") && !whole.startsWith("…") ? 1 : 0;
  const core = snippet.slice(lead, snippet.endsWith("…") && !whole.endsWith("…") ? -1 : undefined);
  const at = core ? whole.indexOf(core) : -1;
  const inside = asset.highlights?.map((ends) => ends.map((end) => end - lead));
  const spot = at < 0 ? [whole] : [whole.slice(0, at), ...marked(core, inside), whole.slice(at + core.length)];
  return h("div", { class: "sheet text" }, h("p", null, spot));
}

function plate(asset, name) {
  const image = h("img", { alt: name, width: asset.width, height: asset.height, src: thumbnail(asset, 512) });
  return h("div", { class: "sheet image" }, image);
}

/** The original takes the thumbnail's place once it is here whole. */
function enlarge(image, address) {
  const whole = new Image();
  whole.onload = () => { image.src = address; };
  whole.src = address;
}

function places(asset) {
  const sources = asset.sources?.length ? asset.sources : [sourceOf(asset)];
  return h("section", null, h("h3", null, t.where), sources.map((source) => h("div", null,
    command(source.path ?? source.uri ?? "", t),
    (source.page || source.row) && h("p", { class: "aside" }, source.page ? t.page(source.page) : t.row(source.row)))));
}

function facts(asset) {
  const known = Object.entries(asset.metadata ?? {}).filter(([, value]) => value !== null && value !== "");
  if (typeof asset.relevance === "number") known.push([t.relevance, t.percent(asset.relevance)]);
  if (typeof asset.score === "number") known.push([t.similarity, asset.score.toFixed(3)]);
  if (asset.width && asset.height) known.push([t.size, t.pixels(asset.width, asset.height)]);
  if (asset.media_type) known.push([t.type, [asset.media_type, asset.bytes && t.bytes(asset.bytes)].filter(Boolean).join(", ")]);
  return known;
}

function list(title, entries) {
  const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return entries.length > 0 && h("section", null, h("h3", null, title),
    h("dl", null, entries.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, text(value))))));
}

function nearest(hits, act) {
  if (!hits.length) return h("p", { class: "aside" }, t.noNeighbours);
  return h("ul", { class: hits[0].kind }, hits.map((hit) => h("li", null,
    h("a", {
      href: act.href(hit.id), title: nameOf(hit), "aria-label": hit.kind === "image" ? nameOf(hit) : null,
      onclick: (event) => { event.preventDefault(); act.open(hit.id); },
    }, hit.kind === "image"
      ? h("img", { src: thumbnail(hit, 256), alt: "", loading: "lazy" })
      : hit.snippet ?? hit.text))));
}
