// Numbers, times and sizes in words: the one place that writes them. Draws nothing.

/** @param {string} iso a time without a zone is UTC */
export const date = (iso) => new Date(/[zZ]$|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`);

const TIME = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" }); // making one takes long
const DAY = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });

/** "14:03" today, "3 Nov, 14:03" before. @param {string} iso */
export function clock(iso) {
  const then = date(iso);
  const today = then.toDateString() === new Date().toDateString();
  return today ? TIME.format(then) : `${DAY.format(then)}, ${TIME.format(then)}`;
}

/** "3 Nov 2026, 14:03:21". @param {string} iso */
export const moment = (iso) => date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

/** "0.4 s", "12 s". @param {number} s */
export const seconds = (s) => (s < 9.95 ? `${s.toFixed(1)} s` : `${Math.round(s)} s`);

/** How long something takes: "about 4 min". @param {number} s seconds */
export function about(s) {
  if (s < 90) return `about ${Math.max(1, Math.round(s))} s`;
  return s < 5400 ? `about ${Math.round(s / 60)} min` : `about ${(s / 3600).toFixed(1)} h`;
}

/** How long something still takes: "about 4 min left". @param {number} s seconds */
export const remaining = (s) => `${about(s)} left`;

/** "65 %". @param {number} share 0–1 */
export const percent = (share) => `${Math.round(share * 100)} %`;

/** A size on the disk: "14 kB", "3.2 MB", "27 GB". @param {number} n */
export function bytes(n) {
  /** @param {number} value @param {string} unit */
  const said = (value, unit) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  if (n < 1e6) return `${Math.max(1, Math.round(n / 1e3))} kB`;
  return n < 1e9 ? said(n / 1e6, "MB") : said(n / 1e9, "GB");
}

/** Memory, as graphics cards are sold: "760 MB", "7.6 GB" of 1024 each. @param {number} mb */
export const memory = (mb) => (mb < 1000 ? `${Math.round(mb)} MB` : `${Math.round(mb / 102.4) / 10} GB`);

/** "1,234". @param {number} n */
export const grouped = (n) => n.toLocaleString("en");

/** "1 picture", "1,234 pictures". @param {number} n @param {string} one @param {string} many */
export const count = (n, one = "picture", many = `${one}s`) => `${grouped(n)} ${n === 1 ? one : many}`;

/** Whether something is said at all. @param {unknown} value */
export const given = (value) => value !== null && value !== undefined && value !== "";

/** What is said of something, on one line. @param {...(string | number | false | null | undefined)} parts */
export const line = (...parts) => parts.filter(Boolean).join(" · ");

/** A part of an address: what is said, none of what is empty. @param {Record<string, unknown>} values */
export const query = (values) =>
  new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (given(value) ? [[name, String(value)]] : [])));
