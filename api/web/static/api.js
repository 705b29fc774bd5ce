// Talks to the server. Failures are of two sorts: it said no (Refused), or it did not answer (Away).

import { $, h } from "./dom.js";
import { t } from "./strings.js";

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message ?? t.badAnswer(status));
    this.status = status;
    this.code = body?.code;
  }
}
export class Away extends Error {}

export async function request(path, { json, form, signal } = {}) {
  const asked = json !== undefined || form !== undefined;
  let response;
  try {
    response = await fetch(`/v1/${path}`, {
      method: asked ? "POST" : "GET",
      body: form ?? (json === undefined ? undefined : JSON.stringify(json)),
      headers: json === undefined ? {} : { "Content-Type": "application/json" },
      signal,
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Away(error.message);
  }
  const body = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

export const inCollection = (name, rest = "") => `collections/${encodeURIComponent(name)}${rest}`;

/** Repeats the work while the server is away or not ready, and says so, until it answers. */
export async function patiently(work, signal) {
  for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
    try {
      const answer = await work();
      $("banner").hidden = true;
      return answer;
    } catch (error) {
      const unready = error instanceof Refused && error.status === 503;
      if (!(error instanceof Away) && !unready) {
        if (error.name !== "AbortError") $("banner").hidden = true; // it answered, if with a no
        throw error;
      }
      await pause(wait, unready ? error.message : t.gone, signal);
    }
  }
}

function pause(seconds, sentence, signal) {
  return new Promise((resolve, reject) => {
    const banner = $("banner");
    const left = h("span", { "aria-hidden": "true" }); // ticks unheard: only the sentence is read out
    const now = h("button", { type: "button", onclick: () => end(resolve) }, t.now);
    banner.replaceChildren(h("span", null, sentence), left, now);
    banner.hidden = false;
    const tick = () => {
      left.textContent = t.nextTry(seconds);
      if (seconds-- <= 0) end(resolve);
    };
    const timer = setInterval(tick, 1000);
    const stop = () => end(() => reject(signal.reason));
    const end = (settle) => {
      clearInterval(timer);
      signal?.removeEventListener("abort", stop);
      settle();
    };
    tick();
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
  });
}

/** Follows a job over server-sent events until it ends; resolves with the last progress. */
export function follow(collection, job, onprogress) {
  return new Promise((resolve) => {
    const events = new EventSource(`/v1/${inCollection(collection, `/jobs/${job}/events`)}`);
    let last = null;
    const read = (event) => {
      try { last = JSON.parse(event.data); } catch { return; }
      if (last?.totals) onprogress(last);
    };
    const end = () => { events.close(); resolve(last); };
    events.addEventListener("progress", read);
    events.addEventListener("end", end);
    // Without data it is the browser's own event: it connects again by itself, unless refused.
    events.addEventListener("error", ({ data }) => { if (data || events.readyState === EventSource.CLOSED) end(); });
  });
}
