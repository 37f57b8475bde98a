// Which of the open tabs does what only one of them should. A lock decides where the browser has locks. It has none on
// plain http from another computer; there the tabs agree among themselves: who is seen and hears of nobody leads.

const ANSWER_MS = 300; // a tab that leads answers within this, unless the browser has frozen it
const LOOK_MS = 4000;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Of tabs with a channel between them, one that is seen leads.
 * @param {BroadcastChannel} channel
 * @param {() => void} begin
 * @param {() => void} end
 */
function elect(channel, begin, end) {
  const me = Math.random();
  let leading = false;
  let heard = Number.NEGATIVE_INFINITY; // when another tab said last that it leads

  /** @param {boolean} now */
  const lead = (now) => {
    if (leading === now) return;
    leading = now;
    channel.postMessage(now ? { leads: me } : { left: true });
    (now ? begin : end)();
  };

  const look = async () => {
    if (leading) channel.postMessage({ leads: me }); // one that was frozen may have been replaced meanwhile
    if (leading || document.hidden) return;
    const asked = performance.now();
    channel.postMessage({ who: true });
    await pause(ANSWER_MS * (1 + Math.random()));
    if (heard < asked && !document.hidden) lead(true);
  };

  channel.addEventListener("message", ({ data }) => {
    if (data.leads !== undefined) heard = performance.now();
    if (data.leads < me)
      lead(false); // two began at once
    else if (leading && (data.who || data.leads !== undefined)) channel.postMessage({ leads: me });
    if (data.left) look();
  });
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => lead(false));
  addEventListener("pageshow", look);
  setInterval(look, LOOK_MS);
  look();
}

/**
 * Call `begin` when this tab leads all tabs of the page, and `end` should another take over.
 * @param {string} name
 * @param {() => void} begin
 * @param {() => void} end
 */
export function whenLeading(name, begin, end) {
  if (!("BroadcastChannel" in globalThis)) return begin();
  if (!navigator.locks) return elect(new BroadcastChannel(`${name}.leader`), begin, end);
  navigator.locks.request(name, () => (begin(), new Promise(() => {})));
}
