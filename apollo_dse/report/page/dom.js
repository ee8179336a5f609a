// Elements, the tooltip, and drawing that follows its width. Text always enters as text nodes, never as markup.

const SVG = (() => {
  const probe = document.createElement("div");
  probe.innerHTML = "<svg></svg>";
  return probe.firstChild.namespaceURI;
})();

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(element.style, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const svg = (width, height, attributes, ...children) =>
  s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, ...attributes }, ...children);

/** A theme colour by the name of its CSS variable; canvases need the value itself. */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const CATEGORIES = 8;
const category = (index) => `c${index % CATEGORIES}`;
const MARKS = ["circle", "square", "triangle", "diamond", "plus"];

// Perceptually even and colour-blind-safe (viridis, sampled), the ends trimmed so that both show on either theme.
const RAMP = [
  [70, 50, 126],
  [59, 82, 139],
  [44, 113, 142],
  [33, 144, 140],
  [39, 173, 129],
  [92, 200, 99],
  [170, 212, 60],
];

/** 0 (best) stands out most: the dark end on a light page, the bright end on a dark one. */
function rampColor(share, alpha = 1) {
  const along = document.documentElement.dataset.theme === "dark" ? 1 - share : share;
  const place = Math.min(Math.max(along, 0), 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(place), RAMP.length - 2);
  const mix = RAMP[low].map((from, i) => Math.round(from + (RAMP[low + 1][i] - from) * (place - low)));
  return `rgb(${mix.join(" ")} / ${alpha})`;
}

const tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
const spoken = h("div", { class: "hidden-text", role: "status", "aria-live": "polite" });

function showTip(content, x, y) {
  tip.replaceChildren(...[content].flat());
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > innerWidth - 8 ? x - 16 - box.width : x + 16;
  const top = Math.min(Math.max(8, y - box.height / 2), innerHeight - box.height - 8);
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${top}px`;
}

function hideTip() {
  tip.hidden = true;
}

/** Say a tooltip's content to screen readers (keyboard users step through points). */
function speak(content) {
  spoken.textContent = [content]
    .flat()
    .map((node) => node.textContent)
    .join(", ");
}

function tipContent(title, rows, remark) {
  const list = h(
    "dl",
    {},
    rows.map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]),
  );
  return [h("b", {}, title), list, remark ? h("p", {}, remark) : ""].filter(Boolean);
}

const choices = new Map();

/** What a reader chose in a figure, such as its zoom: by the figure's key, it outlives a newer drawing of it. */
function choicesOf(key, fresh) {
  if (!key) return fresh;
  if (!choices.has(key)) choices.set(key, fresh);
  return choices.get(key);
}

const drawings = new Set();

/** Call `draw(width)` now (once laid out), and again whenever the width or the theme changes. */
function responsive(host, draw) {
  let width = 0;
  const redraw = () => {
    if (width > 0) draw(width);
  };
  const observer = new ResizeObserver(() => {
    if (!host.isConnected) {
      observer.disconnect();
      drawings.delete(redraw);
      return;
    }
    const now = Math.floor(host.clientWidth);
    if (now !== width) {
      width = now;
      requestAnimationFrame(redraw);
    }
  });
  observer.observe(host);
  drawings.add(redraw);
  return redraw;
}

function redrawAll() {
  for (const redraw of drawings) redraw();
}

function select(label, options, onchange, now) {
  const box = h("select", {
    class: "button",
    "aria-label": label,
    onchange: (event) => onchange(event.target.value),
  });
  for (const [value, text] of options) box.append(h("option", { value, selected: value === now }, text));
  return box;
}

function markGlyph(mark, colorName, hollow = false) {
  const paint = `var(--${colorName})`;
  const style = hollow ? { fill: "none", stroke: paint, "stroke-width": 1.6 } : { fill: paint };
  return svg(
    13,
    13,
    { "aria-hidden": "true" },
    s("path", {
      d: markPath(mark, 6.5, 6.5, 4.4),
      ...style,
      ...(mark === "cross" ? { stroke: paint, "stroke-width": 1.6, fill: "none" } : {}),
    }),
  );
}

function markPath(mark, x, y, r) {
  switch (mark) {
    case "square":
      return `M${x - r * 0.85},${y - r * 0.85}h${r * 1.7}v${r * 1.7}h${-r * 1.7}z`;
    case "triangle":
      return `M${x},${y - r * 1.1}L${x + r},${y + r * 0.8}H${x - r}z`;
    case "diamond":
      return `M${x},${y - r * 1.2}L${x + r * 1.2},${y}L${x},${y + r * 1.2}L${x - r * 1.2},${y}z`;
    case "plus":
      return `M${x - r * 0.35},${y - r}h${r * 0.7}v${r * 0.65}h${r * 0.65}v${r * 0.7}h${-r * 0.65}v${r * 0.65}h${-r * 0.7}v${-r * 0.65}h${-r * 0.65}v${-r * 0.7}h${r * 0.65}z`;
    case "cross":
      return `M${x - r * 0.7},${y - r * 0.7}L${x + r * 0.7},${y + r * 0.7}M${x + r * 0.7},${y - r * 0.7}L${x - r * 0.7},${y + r * 0.7}`;
    default:
      return `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0z`;
  }
}

function legend(items) {
  return h(
    "div",
    { class: "legend" },
    items.map(({ name, glyph, toggle, off }) => {
      if (!toggle) return h("span", { class: "item" }, glyph, name);
      const button = h("button", { "aria-pressed": String(!off), type: "button" }, glyph, name);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        toggle(on);
      });
      return button;
    }),
  );
}

function swatch(colorName) {
  return svg(
    12,
    12,
    { "aria-hidden": "true" },
    s("rect", { width: 12, height: 12, rx: 2.5, fill: `var(--${colorName})` }),
  );
}
