// Semblance's search page: the view (URL) decides what is asked, the answer decides what is shown.

import { acceptDrops, isOpen, openAdd } from "./add.js";
import { inCollection, patiently, request } from "./api.js";
import * as detail from "./detail.js";
import { $, h, icon } from "./dom.js";
import { CLEAR, card, isUnclear, nameOf, thumbnail } from "./hits.js";
import { listen, showKeys } from "./keys.js";
import * as picture from "./picture.js";
import { t } from "./strings.js";
import { asksNothing, cleared, question, readView, urlOf } from "./view.js";
import * as states from "./states.js";

const PAUSE = 200; // milliseconds without a key before a search starts
const SETTLED = 2000; // typing again after this long is a new step for the back button
const REACH = 10_000; // the API ranks no further
const BY_ITSELF = 400; // hits loaded by scrolling; then the button asks, so that the end can be reached
const MIXED = "all";

let view = readView();
let collections = [];
let shown = []; // hits on the page, best first
let answered = null; // the question that `shown` answers
let searching = null; // AbortController of the search under way
let typed = 0; // when the last change by typing went into the history
let known = new Map(); // assets that chips name
let timer = 0;

const act = {
  href: (id) => urlOf({ ...view, open: id }),
  open: (id) => go({ open: id }, Boolean(view.open)),
  like: (id) => judge("like", id),
  unlike: (id) => judge("unlike", id),
  step(by) {
    const next = shown[shown.findIndex(({ id }) => id === view.open) + by];
    if (next) go({ open: next.id }, true);
  },
  closed() {
    if (!view.open) return;
    const id = view.open;
    if (history.state?.over) history.back();
    else go({ open: "" }, true);
    cardOf(id)?.focus();
  },
};

// --- the view ------------------------------------------------------------------------------------

function go(change, replace = false) {
  const before = view;
  const words = timer ? { q: $("query").value } : {}; // typed just now, not searched for yet
  stopTyping();
  view = { ...view, ...words, ...change };
  remember();
  const over = Boolean(view.open) && (replace ? history.state?.over : !before.open);
  history[replace ? "replaceState" : "pushState"]({ over }, "", urlOf(view));
  show();
}

/** How far this step of the history was read, for the way back to it. */
function remember() {
  if (answered) history.replaceState({ ...history.state, shown: shown.length, y: scrollY }, "");
}

function judge(list, id) {
  const other = list === "like" ? "unlike" : "like";
  const asset = shown.find((hit) => hit.id === id);
  if (asset) known.set(id, asset);
  go({
    open: "",
    [list]: [...view[list].filter((one) => one !== id), id],
    [other]: view[other].filter((one) => one !== id),
  });
}

function show() {
  document.title = t.title(view.q);
  const input = $("query");
  // What is being typed at this moment is not in the view yet: it must not be taken away.
  if (!timer && input.value.trim() !== view.q.trim()) input.value = view.q;
  document.querySelector(`#kinds input[value="${view.kind}"]`).checked = true;
  const select = $("collection").querySelector("select");
  if (select) select.value = view.c;
  $("clear").checked = Boolean(view.clear);
  $("clear").parentElement.hidden = asksNothing(view);
  showParts();
  if (question(view) !== answered) search();
  if (view.open) detail.show(view.c, view.open, shown.find(({ id }) => id === view.open) ?? known.get(view.open), act);
  else detail.close();
}

// --- the search box ------------------------------------------------------------------------------

function showParts() {
  const chips = [];
  if (view.picture) {
    const source = picture.kept(view.picture);
    chips.push(chip("picture", t.yourPicture, source, () => go({ picture: "" })));
  }
  for (const list of ["like", "unlike"]) {
    for (const id of view[list]) {
      const asset = known.get(id);
      if (!asset) learn(id);
      const drop = () => go({ [list]: view[list].filter((one) => one !== id) });
      chips.push(chip(list, t[list](asset ? nameOf(asset) : "…"), asset && thumbnail(asset, 128), drop));
    }
  }
  $("parts").replaceChildren(...chips);
  $("query").placeholder = chips.length ? t.placeholderMore : t.placeholder;
}

function chip(sort, name, source, drop) {
  const remove = () => { drop(); $("query").focus(); };
  return h("li", { class: `chip ${sort}` },
    sort !== "picture" && icon(sort === "like" ? "plus" : "minus"),
    source ? h("img", { src: source, alt: name, title: name }) : h("span", null, name),
    h("button", { type: "button", "aria-label": t.remove(name), title: t.remove(name), onclick: remove }, icon("close")));
}

/** A chip from a link: fetch what it stands for. An asset that is gone keeps its bare chip. */
async function learn(id) {
  known.set(id, { id, kind: "image", metadata: {} });
  try {
    known.set(id, await request(inCollection(view.c, `/assets/${encodeURIComponent(id)}`)));
    showParts();
  } catch { /* the search itself says what is wrong */ }
}

async function usePicture(file) {
  if (!file) return;
  try {
    go({ picture: await picture.keep(file), open: "" });
  } catch {
    problem(new Error(t.pictureUnreadable));
  }
}

function typing() {
  stopTyping();
  timer = setTimeout(takeWords, PAUSE);
}

function stopTyping() {
  clearTimeout(timer);
  timer = 0;
}

function takeWords() {
  stopTyping();
  const words = $("query").value;
  if (words.trim() === view.q.trim()) return;
  const sameStep = Date.now() - typed < SETTLED;
  typed = Date.now();
  go({ q: words }, sameStep);
}

// --- searching -----------------------------------------------------------------------------------

const pageSize = () => (innerWidth < 700 ? 24 : innerWidth < 1900 ? 48 : 96);

function body(offset, limit) {
  const ids = (list) => list.map((asset) => ({ asset }));
  const parts = ids(view.like);
  if (view.q.trim()) parts.unshift({ text: view.q.trim() });
  if (view.picture) parts.push({ image: picture.base64(view.picture) });
  const min_relevance = view.clear ? CLEAR : null;
  return { parts, not: ids(view.unlike), kind: view.kind || null, min_relevance, offset, limit };
}

async function search() {
  searching?.abort();
  const mine = (searching = new AbortController());
  const asked = question(view);
  let held = focused();
  const { y = 0, shown: before = 0 } = history.state ?? {};
  answered = null;
  $("more").hidden = true;
  if (!view.c) return void states.noCollection($("results"), add);
  if (view.picture && !picture.kept(view.picture)) return problem(new Error(t.pictureGone));
  busy(true);
  try {
    if (asksNothing(view)) {
      await welcome(mine.signal);
    } else {
      const limit = Math.min(1000, Math.max(before, pageSize())); // 1000: the API's largest page
      const answer = await ask(0, limit, mine.signal);
      held = focused();
      shown = [];
      states.frame($("results"), view.kind || MIXED, (kind) => go({ kind }));
      append(answer.hits, limit);
      say(answer);
      if (!shown.length) nothing();
    }
    answered = asked;
    scrollTo(0, y);
    if (held !== null) (cardOf(held) ?? document.querySelector(".hit .open") ?? $("results")).focus({ preventScroll: true });
  } catch (error) {
    if (error.name !== "AbortError" && mine === searching) problem(error);
  } finally {
    if (mine === searching) busy(false);
  }
}

function nothing() {
  if (view.clear) states.nothingClear($("results"), () => go({ clear: "" }), start);
  else states.nothing($("results"), view.kind && (() => go({ kind: "" })), start);
}

/** The id of the hit that has the focus; "" if something else among the results has it, else null. */
const focused = () => {
  const { activeElement: at } = document;
  return $("results").contains(at) ? at.closest(".hit")?.dataset.id ?? "" : null;
};
const cardOf = (id) => document.querySelector(`.hit[data-id="${CSS.escape(id)}"] .open`);

const ask = (offset, limit, signal) =>
  patiently(() => request(inCollection(view.c, "/search"), { json: body(offset, limit), signal }), signal);

const watcher = new IntersectionObserver(([entry]) => {
  if (entry.isIntersecting && shown.length < BY_ITSELF) more();
}, { rootMargin: "600px" });

async function more() {
  const button = $("more");
  if (button.disabled || !answered) return;
  button.disabled = true;
  try {
    const limit = Math.min(pageSize(), REACH - shown.length);
    append((await ask(shown.length, limit, searching.signal)).hits, limit);
    $("status").textContent = t.shown(shown.length);
  } catch (error) {
    if (error.name !== "AbortError") problem(error);
  } finally {
    button.disabled = false;
    watcher.unobserve(button); // observing anew asks again whether it is in sight
    watcher.observe(button);
  }
}

function append(hits, limit) {
  const have = new Set(shown.map(({ id }) => id)); // the index may have moved between two pages
  const fresh = hits.filter(({ id }) => !have.has(id));
  shown.push(...fresh);
  for (const hit of fresh) $(`list-${hit.kind}`)?.append(card(hit, act));
  for (const kind of ["image", "text"]) {
    const section = $(`list-${kind}`)?.parentElement;
    if (!section) continue;
    const mine = shown.filter((hit) => hit.kind === kind);
    section.hidden = !mine.length;
    section.querySelector(".remark").hidden = !mine.every(isUnclear);
  }
  $("more").hidden = hits.length < limit || shown.length >= REACH;
}

function say({ milliseconds }) {
  const rest = shown.every(isUnclear) && t.noneClear;
  $("status").textContent = shown.length ? t.shown(shown.length, milliseconds?.total, rest) : view.clear ? t.nothingClear : t.nothing;
}

function busy(is) {
  document.body.classList.toggle("busy", is);
  $("results").setAttribute("aria-busy", is);
  if (!is) return;
  // Answers usually come before anything has to be said; a skeleton only for the first ones.
  const mine = searching;
  setTimeout(() => {
    if (mine !== searching || !document.body.classList.contains("busy")) return;
    $("status").textContent = t.searching;
    if (!shown.length) states.skeleton($("results"), view.kind || MIXED);
  }, 250);
}

function problem(error) {
  shown = [];
  answered = null;
  $("more").hidden = true;
  $("status").textContent = "";
  states.problem($("results"), error.message, search, start);
}

const start = () => { go(cleared(view)); $("query").focus(); };

// --- before the first question -------------------------------------------------------------------

async function welcome(signal) {
  const at = (rest) => patiently(() => request(inCollection(view.c, rest), { signal }), signal);
  const kind = view.kind || "image";
  const [{ totals }, { assets }] = await Promise.all([at(""), at(`/assets?kind=${kind}&status=indexed&limit=${pageSize()}`)]);
  shown = assets;
  $("status").textContent = "";
  states.welcome($("results"), kind, totals, assets, act, (words) => go({ q: words }), add);
  if (totals?.pending) watchTotals(signal);
}

/** While files are being indexed: their count goes on, and at the end the welcome is shown anew. */
function watchTotals(signal) {
  setTimeout(async () => {
    if (signal.aborted) return;
    const { totals } = await request(inCollection(view.c), { signal }).catch(() => ({}));
    if (signal.aborted) return;
    const line = document.querySelector(".totals");
    if (line && totals) line.textContent = states.counted(totals);
    if (totals && !totals.pending) search();
    else watchTotals(signal);
  }, 2000);
}

async function startUp(first = true) {
  const list = await patiently(() => request("collections"));
  // aliases first: what everybody uses stays chosen when it leads elsewhere
  collections = [...list.flatMap((entry) => entry.aliases ?? []), ...list.map((entry) => entry.name)];
  if (!view.c) view.c = collections[0] ?? "";
  $("collection").replaceChildren(...states.collectionChoice(collections, view.c, (c) => go(cleared(view, { c, q: view.q, kind: view.kind }))));
  if (view.c || first) show();
  if (!view.c) setTimeout(startUp, 3000, false);
}

function add(files) {
  const name = view.c || "default"; // as the command line calls it
  const collection = async () => {
    if (!view.c) await request("collections", { json: { name } });
    return name;
  };
  openAdd(collection, name, () => {
    answered = null;
    known = new Map();
    if (view.c) search();
    else startUp();
  }, files);
}

// --- wiring --------------------------------------------------------------------------------------

function words() {
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t[node.dataset.t];
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t[node.dataset.label]);
  for (const node of document.querySelectorAll("[data-title]")) node.title = t[node.dataset.title];
}

function wire() {
  $("query").addEventListener("input", typing);
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    takeWords();
    typed = 0;
  });
  $("picture").addEventListener("change", ({ target }) => {
    usePicture(target.files[0]);
    target.value = "";
  });
  addEventListener("paste", (event) => {
    const file = !isOpen() && picture.fileIn(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    usePicture(file);
  });
  acceptDrops((transfer) => usePicture(picture.fileIn(transfer) ?? transfer.files[0]), (transfer) => add([...transfer.files]));
  $("kinds").addEventListener("change", ({ target }) => go({ kind: target.value }));
  $("clear").addEventListener("change", ({ target }) => go({ clear: target.checked ? "1" : "" }));
  $("add").addEventListener("click", () => add());
  $("keys").addEventListener("click", showKeys);
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
  $("more").addEventListener("click", more);
  watcher.observe($("more"));
  history.scrollRestoration = "manual"; // hits come later than the browser would scroll
  addEventListener("popstate", () => {
    stopTyping();
    view = { ...readView(), c: readView().c || collections[0] || "" };
    show();
  });
  addEventListener("pagehide", remember);
  listen();
}

words();
wire();
if (asksNothing(view) && matchMedia("(hover: hover)").matches) $("query").focus(); // not where a keyboard would pop up
startUp().catch(problem);
