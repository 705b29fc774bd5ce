// The picture to search by. A URL cannot hold it: it is kept for this tab, and the URL holds its key.

const SIDE = 512; // models look at 224 to 384 pixels: more would only be sent and thrown away
const KEPT = 6;
const AS_IT_IS = 8e6;

/** Keeps the picture, made small if the browser can read it; returns its key. */
export async function keep(file) {
  const data = await small(file).catch(() => (file.size <= AS_IT_IS ? dataUrl(file) : null));
  if (!data) throw new Error("unreadable");
  const key = Date.now().toString(36);
  const old = Object.keys(sessionStorage).filter((name) => name.startsWith("picture:")).sort();
  for (const name of old.slice(0, Math.max(0, old.length - KEPT + 1))) sessionStorage.removeItem(name);
  sessionStorage.setItem(`picture:${key}`, data);
  return key;
}

/** The kept picture as a data: URL, or null. */
export const kept = (key) => sessionStorage.getItem(`picture:${key}`);

/** The same as bare base64, for the API. */
export const base64 = (key) => kept(key)?.split(",")[1];

export const fileIn = (transfer) =>
  [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));

async function small(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height), 4 * SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // JPEG has no transparency; black would be taken for content
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL("image/jpeg", 0.92);
}

const dataUrl = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});
