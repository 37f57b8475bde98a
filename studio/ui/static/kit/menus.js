// Popovers and lists of choices, shared by the widgets of the settings side. A popover lies in the
// browser's top layer: it is never cut off, Esc and a click elsewhere close it, focus goes back.

/** @param {HTMLElement} button @param {HTMLElement} panel @param {number | "button"} width @param {Element | null} [beside] */
const place = (button, panel, width, beside) => {
  const at = button.getBoundingClientRect();
  const { width: page } = document.documentElement.getBoundingClientRect(); // without the scrollbar's gutter
  panel.style.width = width === "button" ? `${at.width}px` : `${Math.min(width, page - 16)}px`;
  const { width: wide, height: high } = panel.getBoundingClientRect();
  const below = at.bottom + 4 + high <= window.innerHeight - 8;
  const top = below ? at.bottom + 4 : Math.max(8, at.top - high - 4);
  const room = Math.max(8, page - wide - 8);
  const edge = beside?.getBoundingClientRect().right ?? page;
  if (edge + wide + 16 <= page) {
    panel.style.left = `${edge + 8}px`;
    panel.style.top = `${Math.max(8, Math.min(at.top, window.innerHeight - high - 8))}px`;
    return;
  }
  panel.style.left = `${Math.min(Math.max(8, at.left), room)}px`;
  panel.style.top = `${below || at.top > high ? top : Math.max(8, window.innerHeight - high - 8)}px`;
};

// Ties `panel` to `button`. width: pixels or "button". Returns {open, close, follow}; follow: its content has grown.
/**
 * @param {HTMLElement} button
 * @param {HTMLElement} panel
 * @param {{width?: number | "button", onOpen?: () => unknown, beside?: Element | null}} [said] `beside`: to the right of it, where there is room
 */
export const popover = (button, panel, { width = 240, onOpen, beside } = {}) => {
  panel.classList.add("lk-popover");
  panel.setAttribute("popover", "auto");
  button.setAttribute("popovertarget", "");
  button.removeAttribute("popovertarget");
  button.setAttribute("aria-expanded", "false");
  const follow = () => place(button, panel, width, beside);
  let wasOpen = false;

  panel.addEventListener("toggle", ({ newState }) => {
    const open = newState === "open";
    button.setAttribute("aria-expanded", String(open));
    const listen = open ? addEventListener : removeEventListener; // of the window: scrolling anywhere passes there, too
    listen("resize", follow, true);
    listen("scroll", follow, true);
    if (!open && (panel.contains(document.activeElement) || document.activeElement === document.body))
      button.focus({ preventScroll: true });
  });
  new ResizeObserver(() => panel.matches(":popover-open") && follow()).observe(panel); // its words may change while it is open
  const open = () => {
    if (panel.matches(":popover-open")) return;
    panel.showPopover();
    onOpen?.(); // at once, not when the browser tells of the opening: the next key may be there before that
    follow();
  };
  const close = () => panel.matches(":popover-open") && panel.hidePopover();
  // A press on the button dismisses the open popover before the click arrives: remember what it was.
  button.addEventListener("pointerdown", () => (wasOpen = panel.matches(":popover-open")));
  button.addEventListener("click", (event) => {
    if (event.detail && wasOpen) close();
    else open();
    wasOpen = false;
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || panel.matches(":popover-open")) return;
    event.preventDefault();
    open();
  });
  return { open, close, follow };
};

// Arrow keys, Home, End move among `items()`; unavailable ones can be reached, so that their reason is read.
/** @param {HTMLElement} panel @param {() => Element[]} items */
export const rove = (panel, items) => {
  panel.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.findIndex((one) => one === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all.length) return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  });
};
