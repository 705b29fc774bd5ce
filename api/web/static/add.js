// Adding files: sent in batches, then followed live until each is indexed or its failure is known.

import { follow, inCollection, request } from "./api.js";
import { $, command, h, modal } from "./dom.js";
import { t } from "./strings.js";

const BATCH_FILES = 25;
const BATCH_BYTES = 50e6;

let dialog = null;

/** The dialog to add files to a collection; `collection()` makes one if there is none. */
export function openAdd(collection, name, finished, files = []) {
  if (dialog) return;
  const log = h("div", { class: "log", role: "status" });
  const send = (chosen) => chosen.length && upload([...chosen], collection, log, finished);
  const input = h("input", { type: "file", multiple: true, class: "hidden", onchange: () => { send(input.files); input.value = ""; } });
  const zone = h("label", { class: "zone" }, h("span", null, t.addHow, " ", h("span", { class: "link" }, t.choose)), input);
  dialog = modal("adding", t.addTitle(name), t, zone, log,
    h("div", { class: "aside" }, h("p", null, t.addFolder), command(t.indexInto(name), t)));
  dialog.addEventListener("close", () => { dialog = null; });
  dialog.addEventListener("dragover", (event) => event.preventDefault());
  dialog.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    send(event.dataTransfer.files);
  });
  send(files);
}

export const isOpen = () => dialog !== null;

async function upload(files, collection, log, finished) {
  const bar = h("progress", { max: files.length, value: 0, "aria-label": t.sending(files.length) });
  const line = h("p", null, t.sending(files.length));
  const failures = h("ul", { class: "failures" });
  log.prepend(h("div", null, line, bar, failures));
  const refuse = (name, reason) => {
    told.add(name);
    counts.refused += 1;
    failures.append(h("li", null, h("b", null, name), " ", reason));
  };
  const counts = { added: 0, known: 0, refused: 0 };
  const told = new Set(); // a job's failures repeat those that the upload itself reported
  const jobs = [];
  try {
    const into = await collection();
    for (const batch of batches(files)) {
      const form = new FormData();
      for (const file of batch) form.append("files", file, file.name);
      try {
        const answer = await request(inCollection(into, "/assets/upload"), { form });
        for (const file of answer.files) count(file, counts, refuse);
        if (answer.job) jobs.push(answer.job);
      } catch (error) {
        for (const file of batch) refuse(file.name, error.message);
      }
      bar.value += batch.length;
    }
    for (const { path, message } of await settle(jobs, line, bar)) {
      if (told.has(path)) continue;
      counts.added = Math.max(0, counts.added - 1);
      refuse(path, message);
    }
  } catch (error) {
    refuse("", error.message);
  }
  bar.remove();
  line.textContent = [
    counts.added > 0 && t.added(counts.added),
    counts.known > 0 && t.known(counts.known),
    counts.refused > 0 && t.notAdded(counts.refused),
  ].filter(Boolean).join(" ");
  finished();
}

function* batches(files) {
  let batch = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length && (batch.length === BATCH_FILES || bytes + file.size > BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length) yield batch;
}

function count(file, counts, refuse) {
  if (file.status === "failed" || file.status === "skipped") {
    refuse(file.name, file.reason?.message ?? "");
  } else if (file.ids.length && file.known.length === file.ids.length) {
    counts.known += 1;
  } else {
    counts.added += 1;
  }
}

/** Follows the jobs to their ends; the files that failed on the way. */
async function settle(jobs, line, bar) {
  const failed = [];
  for (const { id: job, collection } of jobs) { // an alias may lead elsewhere by now
    await follow(collection, job, ({ totals }) => {
      const done = totals.indexed + totals.failed + totals.skipped;
      line.textContent = t.indexing(done, totals.found);
      [bar.max, bar.value] = [Math.max(1, totals.found), done];
    });
    failed.push(...await request(inCollection(collection, `/jobs/${job}/failures`)));
  }
  return failed;
}

/** Dragging files over the page: the left half searches by the picture, the right half adds. */
export function acceptDrops(search, add) {
  const drop = $("drop");
  let depth = 0;
  const over = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  const leave = () => { depth = 0; drop.hidden = true; };
  addEventListener("dragenter", (event) => { if (over(event)) { depth += 1; drop.hidden = false; } });
  addEventListener("dragleave", () => { if (--depth <= 0) leave(); });
  addEventListener("dragover", (event) => { if (over(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!over(event)) return;
    event.preventDefault();
    leave();
    const target = event.target.closest?.("[data-to]")?.dataset.to;
    (target === "add" ? add : search)(event.dataTransfer);
  });
}
