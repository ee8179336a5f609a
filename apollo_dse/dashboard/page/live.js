// What keeps a view up to date: documents from the server, the time since something came, drawing anew in place.

const POLL_MS = 2000;
const RECENT_MS = 30_000;
const SILENT = "The dashboard's server does not answer; what is shown may be old.";

/** A document of the server. Throws an error whose message is the server's sentence. */
async function ask(path) {
  const response = await fetch(path, { credentials: "same-origin" });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let sentence = text.trim();
  try {
    sentence = JSON.parse(text).error;
  } catch {
    /* a refusal in plain words */
  }
  throw Object.assign(new Error(sentence), { status: response.status });
}

const pathOf = (name, rest = "") => `/api/studies/${encodeURIComponent(name)}${rest}`;

/** Say what does not work, above everything; nothing: all is well again. */
function trouble(sentence) {
  const box = document.getElementById("trouble");
  box.hidden = !sentence;
  if (sentence && box.textContent !== sentence) box.textContent = sentence;
}

/**
 * Call `update(list)` with the store's list now and every `POLL_MS`, one call after the other; not while the page is
 * out of sight or the pointer is at work, so that nothing moves under it.
 */
function keepUp(update) {
  let held = false,
    timer = 0;
  addEventListener("pointerdown", () => (held = true), true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (held = false), true);
  const round = async () => {
    clearTimeout(timer);
    const start = performance.now();
    if (!document.hidden && !held) {
      try {
        await update(await ask("/api/studies"));
        trouble("");
      } catch (error) {
        trouble(error.status ? error.message : SILENT);
        if (!error.status && !(error instanceof TypeError)) throw error;
      }
    }
    timer = setTimeout(round, Math.max(POLL_MS, 3 * (performance.now() - start)));
  };
  document.addEventListener("visibilitychange", () => document.hidden || round());
  return round();
}

function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** When the last trial came, counted on by this page's own clock; lit while that is recent. */
function liveMark() {
  const element = h("span", { class: "live" });
  let last = null,
    none = "";
  const tick = () => {
    const since = last === null ? null : Date.now() - last;
    element.classList.toggle("on", since !== null && since < RECENT_MS);
    const text = since === null ? none : `last trial ${ago(since)}`;
    if (element.textContent !== text) element.textContent = text;
    if (element.isConnected) setTimeout(tick, 1000);
  };
  return {
    element,
    set: ({ extended, trials }, now) => {
      const skew = Date.now() - Date.parse(now);
      last = extended === null ? null : Date.parse(extended) + skew;
      none = trials === 0 ? "no trials yet" : "not known when its last trial came";
      tick();
    },
  };
}

const SCROLLED = ".scroll, .parallel-scroll";
const FOCUSABLE = "a[href], button, select, input, [tabindex='0']";

/** Fill `host` anew without moving the page under the reader, and with the focus where it was. */
function refill(host, ...children) {
  const focused = host.contains(document.activeElement) ? document.activeElement : null;
  const frame = focused?.closest("figure[id], section[id], .card[id]");
  const scrolled = [...host.querySelectorAll(SCROLLED)].map((box) => [box.scrollLeft, box.scrollTop]);
  host.style.minHeight = `${host.offsetHeight}px`;
  host.replaceChildren(...children);
  host.querySelectorAll(SCROLLED).forEach((box, i) => scrolled[i] && box.scrollTo(...scrolled[i]));
  if (frame) refocus(document.getElementById(frame.id), focused, 20);
  setTimeout(() => (host.style.minHeight = ""), 250);
}

const nameOf = (element) => `${element.tagName} ${element.ariaLabel ?? element.textContent}`;

/** Give the focus to who has the name of who had it; if it is not there yet, in one of the next frames. */
function refocus(frame, lost, frames) {
  if (document.activeElement !== document.body) return;
  const same = [...(frame?.querySelectorAll(FOCUSABLE) ?? [])].find((each) => nameOf(each) === nameOf(lost));
  if (same) same.focus({ preventScroll: true });
  else if (frames > 0) requestAnimationFrame(() => refocus(frame, lost, frames - 1));
}

function setNav(links) {
  document
    .getElementById("nav")
    .replaceChildren(...[["/", "Studies"], ...links].map(([href, text]) => h("a", { href }, text)));
}
