// The plane all scatter plots share: dots on a canvas (100,000 of them are fine), lines and axes in SVG,
// nearest-point hover, a dragged rectangle to zoom, arrow keys to step through points, + - 0 to zoom; where points
// can be chosen, by a click or Enter.

const POINTER_REACH = 26;

/**
 * Draw into `host`. spec: {label, key?, height, x: axis, y: axis, layers, describe(layer, i), onpoint?(layer, i),
 * choose?(layer, i), steps?(layer), marks?}. Arrow keys step through the points of those layers that `steps` answers for.
 * marks: {name, of(layers)}: a look, and the layers of it that are drawn over those shown.
 * axis: {title, unit, log, domain?}. layer: {name, kind: "dots" | "path" | "rug", x, y, mark, color | colors(i),
 * hollow, size, alpha, step, dash, quiet}. Layers without `quiet` have a legend entry that hides them.
 */
function xyPlot(host, spec) {
  const state = choicesOf(spec.key, { zoom: null, hidden: new Set(), at: null, places: [] });
  const surface = h("div", {
    class: "surface",
    tabindex: "0",
    role: "group",
    "aria-roledescription": "chart",
    "aria-label": `${spec.label}. Arrow keys step through points, ${spec.choose ? "Enter shows the design, " : ""}plus and minus zoom, zero resets.`,
  });
  const canvas = h("canvas", { "aria-hidden": "true" });
  const overlay = h("div", { class: "plot", style: { height: `${spec.height}px` } }, surface);
  const reset = h(
    "button",
    { class: "button", type: "button", hidden: state.zoom === null, onclick: () => zoomTo(null) },
    "Reset zoom",
  );
  const marked = h("span", { class: "item" }, spec.marks ? [layerGlyph(spec.marks), spec.marks.name] : "");
  const named = spec.layers.filter((layer) => layer.name && !layer.quiet);
  const keys = named.length > 1 || spec.forceLegend ? named : [];
  const items = keys.map((layer) => ({
    name: layer.name,
    glyph: layerGlyph(layer),
    off: state.hidden.has(layer.name),
    toggle: (on) => {
      state.hidden[on ? "delete" : "add"](layer.name);
      redraw();
    },
  }));
  host.append(h("div", { class: "card-head" }, fill(legend(items), {}, [marked]), reset), overlay);

  const zoomTo = (zoom) => {
    state.zoom = zoom;
    reset.hidden = zoom === null;
    hideTip();
    redraw();
  };
  const redraw = responsive(overlay, (width) => {
    drawPlane(spec, state, { overlay, canvas, surface, width });
    marked.style.visibility = state.marked ? "" : "hidden"; // nothing moves when it comes
  });
  listen(spec, state, surface, { zoomTo, redraw });
  return { redraw };
}

function layerGlyph(layer) {
  if (layer.kind === "path") {
    return svg(
      18,
      12,
      { "aria-hidden": "true" },
      s("path", {
        d: "M1,6H17",
        stroke: `var(--${layer.color})`,
        "stroke-width": layer.width ?? 2,
        "stroke-dasharray": layer.dash,
      }),
    );
  }
  if (layer.kind === "rug")
    return svg(
      13,
      13,
      { "aria-hidden": "true" },
      s("path", { d: "M3,2V11M7,2V11M11,2V11", stroke: `var(--${layer.color})` }),
    );
  return markGlyph(layer.mark ?? "circle", layer.color ?? "c0", layer.hollow);
}

function drawPlane(spec, state, { overlay, canvas, surface, width }) {
  const shown = spec.layers.filter((layer) => !state.hidden.has(layer.name));
  const marks = spec.marks?.of(shown) ?? [];
  state.marked = marks.length > 0;
  const solid = spec.layers.filter((layer) => layer.kind !== "rug" && !layer.outside);
  const rugs = spec.layers.some((layer) => layer.kind === "rug");
  const below = rugs ? 18 : 0;
  const xDomain =
    state.zoom?.x ??
    spec.x.domain ??
    extent(
      spec.layers.filter((l) => !l.outside).map((l) => l.x),
      spec.x.log,
      0.03,
    );
  const yDomain =
    state.zoom?.y ??
    spec.y.domain ??
    extent(
      solid.map((l) => l.y),
      spec.y.log,
    );
  const high = spec.height - 26 - 46 - below;
  const left = axisRoom(makeScale(spec.y.log, yDomain, [high, 0]), high, spec.y.unit);
  const box = { left, top: 26, width: Math.max(60, width - left - 24), height: high };
  const x = makeScale(spec.x.log, xDomain, [box.left, box.left + box.width]);
  const y = makeScale(spec.y.log, yDomain, [box.top + box.height, box.top]);
  Object.assign(state, { box, xScale: x, yScale: y, places: [] });

  const drawing = svg(width, spec.height, { "aria-hidden": "true" });
  const clip = `clip-${(drawPlane.count = (drawPlane.count ?? 0) + 1)}`;
  drawing.append(
    s("clipPath", { id: clip }, s("rect", { x: box.left, y: box.top, width: box.width, height: box.height })),
  );
  const back = svg(
    width,
    spec.height,
    { "aria-hidden": "true" },
    drawAxes(x, y, box, { ...spec.x, below }, spec.y),
  );
  const paint = prepareCanvas(canvas, width, spec.height);
  paint.save();
  paint.beginPath();
  paint.rect(box.left, box.top, box.width, box.height + below + 4);
  paint.clip();
  const lines = s("g", { "clip-path": `url(#${clip})` });
  for (const layer of [...shown, ...marks]) {
    if (layer.kind === "path") lines.append(drawPath(layer, x, y));
    else if (layer.kind === "rug") drawRug(paint, layer, x, box, state);
    else drawDots(paint, layer, x, y, box, state);
  }
  paint.restore();
  drawing.append(lines, s("g", { class: "halo-place" }));
  for (const text of spec.labels?.(x, y, box) ?? []) drawing.append(text);
  Object.assign(surface.style, {
    left: `${box.left}px`,
    top: `${box.top}px`,
    width: `${box.width}px`,
    height: `${box.height + below}px`,
  });
  for (const old of [...overlay.children]) if (old !== surface) old.remove(); // the surface may have the focus
  overlay.prepend(back, canvas, drawing);
  state.drawing = drawing;
}

function prepareCanvas(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.round(width * density), height: Math.round(height * density) });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const paint = canvas.getContext("2d");
  paint.scale(density, density);
  return paint;
}

function drawPath(layer, x, y) {
  let d = "";
  layer.x.forEach((value, i) => {
    const [px, py] = [x(value).toFixed(1), y(layer.y[i]).toFixed(1)];
    if (i === 0) d += `M${px},${py}`;
    else d += layer.step ? `H${px}V${py}` : `L${px},${py}`;
  });
  return s("path", {
    class: "path",
    d,
    stroke: `var(--${layer.color})`,
    "stroke-width": layer.width ?? 2,
    "stroke-dasharray": layer.dash,
  });
}

function drawDots(paint, layer, x, y, box, state) {
  const base = color(layer.color ?? "c0");
  const size = layer.size ?? 3.2;
  const shape = new Map();
  for (let i = 0; i < layer.x.length; i += 1) {
    if (layer.x[i] === null || layer.y[i] === null) continue;
    const [px, py] = [x(layer.x[i]), y(layer.y[i])];
    if (!(
      px >= box.left - 4 &&
      px <= box.left + box.width + 4 &&
      py >= box.top - 4 &&
      py <= box.top + box.height + 4
    ))
      continue;
    if (!layer.mute) state.places.push([px, py, layer, i]);
    const tone = layer.colors ? layer.colors(i) : base;
    if (!shape.has(tone)) shape.set(tone, new Path2D());
    trace(shape.get(tone), layer.mark ?? "circle", px, py, layer.sizes ? layer.sizes(i) : size);
  }
  paint.globalAlpha = layer.alpha ?? 0.8;
  for (const [tone, path] of shape) {
    paint.fillStyle = paint.strokeStyle = tone;
    paint.lineWidth = layer.stroke ?? 1.2;
    if (layer.hollow || layer.mark === "cross") paint.stroke(path);
    else paint.fill(path);
  }
  paint.globalAlpha = 1;
}

/** Add one mark to a path; circles, of which there may be very many, without a string in between. */
function trace(path, mark, x, y, r) {
  if (mark === "circle") {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 2 * Math.PI);
  } else path.addPath(new Path2D(markPath(mark, x, y, r)));
}

function drawRug(paint, layer, x, box, state) {
  const top = box.top + box.height + 5;
  paint.strokeStyle = color(layer.color);
  paint.globalAlpha = Math.min(1, Math.max(0.18, box.width / (layer.x.length + 1) / 3));
  paint.beginPath();
  for (let i = 0; i < layer.x.length; i += 1) {
    const px = x(layer.x[i]);
    paint.moveTo(px, top);
    paint.lineTo(px, top + 10);
    state.places.push([px, top + 5, layer, i]);
  }
  paint.stroke();
  paint.globalAlpha = 1;
}

function nearest(state, px, py, reach) {
  let best = null,
    least = reach * reach;
  for (const place of state.places) {
    const distance = (place[0] - px) ** 2 + (place[1] - py) ** 2;
    if (distance < least) {
      least = distance;
      best = place;
    }
  }
  return best;
}

function markPlace(spec, state, surface, place, say) {
  state.at = place;
  state.drawing
    ?.querySelector(".halo-place")
    ?.replaceChildren(...(place ? [s("circle", { class: "halo", cx: place[0], cy: place[1], r: 7 })] : []));
  if (!place) {
    hideTip();
    return;
  }
  const content = spec.describe(place[2], place[3]);
  const frame = surface.getBoundingClientRect();
  showTip(content, frame.left + place[0] - state.box.left, frame.top + place[1] - state.box.top);
  if (say) speak(content);
  spec.onpoint?.(place[2], place[3]);
}

function listen(spec, state, surface, { zoomTo }) {
  let start = null,
    dragged = false;
  const local = (event) => {
    const frame = surface.getBoundingClientRect();
    return [event.clientX - frame.left + state.box.left, event.clientY - frame.top + state.box.top];
  };
  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button !== 0) return;
    start = local(event);
    surface.setPointerCapture(event.pointerId);
  });
  surface.addEventListener("pointermove", (event) => {
    const here = local(event);
    if (start) showZoomBox(state, start, here);
    else markPlace(spec, state, surface, nearest(state, ...here, POINTER_REACH), false);
  });
  surface.addEventListener("pointerup", (event) => {
    if (!start) return;
    const [from, to] = [start, local(event)];
    start = null;
    dragged = Math.hypot(from[0] - to[0], from[1] - to[1]) > 4;
    state.drawing.querySelector(".zoom-box")?.remove();
    if (Math.abs(from[0] - to[0]) > 8 && Math.abs(from[1] - to[1]) > 8) zoomTo(zoomBetween(state, from, to));
  });
  surface.addEventListener("pointerleave", () => {
    if (!start) markPlace(spec, state, surface, null, false);
  });
  surface.addEventListener("blur", () => {
    const { at } = state;
    markPlace(spec, state, surface, null, false);
    state.at = at; // who comes back goes on from there
  });
  surface.addEventListener("click", (event) => {
    const place = dragged ? null : nearest(state, ...local(event), POINTER_REACH);
    dragged = false;
    if (place) spec.choose?.(place[2], place[3]);
  });
  surface.addEventListener("dblclick", () => zoomTo(null));
  surface.addEventListener("keydown", (event) => pressed(event, spec, state, surface, zoomTo));
}

function pressed(event, spec, state, surface, zoomTo) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) {
    const within = state.places.filter((place) => !spec.steps || spec.steps(place[2]));
    const order = within.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const here = state.at ? order.findIndex((p) => p[0] === state.at[0] && p[1] === state.at[1]) : -1;
    const now = here >= 0 || step > 0 ? here : order.length;
    const next = order[Math.min(Math.max(now + step, 0), order.length - 1)];
    if (next) markPlace(spec, state, surface, next, true);
  } else if (event.key === "Enter" && spec.choose) {
    if (state.at) spec.choose(state.at[2], state.at[3]);
  } else if (event.key === "+" || event.key === "=" || event.key === "-")
    zoomTo(zoomAround(state, event.key === "-" ? 1.6 : 1 / 1.6));
  else if (event.key === "0" || event.key === "Escape") zoomTo(null);
  else return;
  event.preventDefault();
}

function showZoomBox(state, from, to) {
  state.drawing.querySelector(".zoom-box")?.remove();
  state.drawing.append(
    s("rect", {
      class: "zoom-box",
      x: Math.min(from[0], to[0]),
      y: Math.min(from[1], to[1]),
      width: Math.abs(from[0] - to[0]),
      height: Math.abs(from[1] - to[1]),
    }),
  );
}

function zoomBetween(state, from, to) {
  const sorted = (a, b) => (a < b ? [a, b] : [b, a]);
  return {
    x: sorted(state.xScale.invert(from[0]), state.xScale.invert(to[0])),
    y: sorted(state.yScale.invert(from[1]), state.yScale.invert(to[1])),
  };
}

function zoomAround(state, factor) {
  const { box } = state;
  const center = state.at ?? [box.left + box.width / 2, box.top + box.height / 2];
  const edge = (c, low, size) => [c - (c - low) * factor, c + (low + size - c) * factor];
  const [left, right] = edge(center[0], box.left, box.width);
  const [top, bottom] = edge(center[1], box.top, box.height);
  return zoomBetween(state, [left, bottom], [right, top]);
}
