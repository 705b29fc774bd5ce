// The whole view lives in the URL, so that a link, a reload and the back button all keep it.

const NONE = { c: "", q: "", kind: "", like: [], unlike: [], picture: "", clear: "", open: "" };

export function readView() {
  const given = new URLSearchParams(location.search);
  const list = (name) => (given.get(name) ?? "").split(",").filter(Boolean);
  const view = { ...NONE, like: list("like"), unlike: list("unlike") };
  for (const name of ["c", "q", "kind", "picture", "clear", "open"]) view[name] = given.get(name) ?? "";
  if (view.kind !== "image" && view.kind !== "text") view.kind = "";
  if (view.clear !== "1") view.clear = "";
  return view;
}

export function urlOf(view) {
  const pairs = Object.entries(view).filter(([, value]) => value.length > 0);
  const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`);
  return query.length ? `?${query.join("&")}` : "/";
}

/** What is asked for: two views with the same question show the same results. */
export const question = ({ c, q, kind, like, unlike, picture, clear }) =>
  JSON.stringify([c, q.trim(), kind, like, unlike, picture, clear]);

export const asksNothing = (view) =>
  !view.q.trim() && !view.picture && !view.like.length && !view.unlike.length;

export const cleared = (view, kept = {}) => ({ ...NONE, c: view.c, ...kept });
