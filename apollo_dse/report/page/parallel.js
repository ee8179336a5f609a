// Parallel coordinates: a line a trial through all its parameters, coloured by an objective; drag along an
// axis to keep a range (several axes narrow it further), click the axis to release it. Arrow keys do the same.

const MOST_LINES = 4000;
const CURVES = 32;

function parallelCard(report) {
  const card = h("figure", { class: "card", id: "parallel" });
  const groups = fates(report);
  const objective = report.study.objectives[0];
  const metric = metricOf(report, objective.metric);
  card.append(h("div", { class: "card-head" }, h("h3", {}, "All parameters at once")));
  const rows = groups.feasible.length > 0 ? groups.feasible : groups.over;
  if (rows.length === 0 || report.parameters.length === 0) {
    card.append(
      h("p", { class: "empty" }, "No trial has a measured objective, so there are no lines to colour."),
    );
    return card;
  }
  const feasible = groups.feasible.length > 0;
  const drawn = thin(rows, MOST_LINES);
  const all = feasible ? report.study.feasible : rows.length;
  const { brushes } = choicesOf(report.choose && "parallel", { brushes: new Map() });
  const state = { brushes, axes: parallelAxes(report, metric, drawn), rows: drawn };
  const status = h("p", { class: "note", role: "status", style: { minHeight: "1.6em" } });
  const clear = h(
    "button",
    {
      class: "button",
      type: "button",
      hidden: true,
      onclick: () => {
        state.brushes.clear();
        redraw();
      },
    },
    "Clear ranges",
  );
  card.firstChild.append(clear);
  card.append(
    h(
      "p",
      { class: "note" },
      `Each line is a ${feasible ? "feasible" : "measured but infeasible"} trial; ` +
        `${drawn.length < all ? `${plainNumber(drawn.length, 7)} of ${plainNumber(all, 7)} are drawn, evenly spread; ` : ""}` +
        `the orange one is the best of those kept${report.selected ? ", the blue one is the selected one" : ""}. Drag along an axis to keep a range of it, click the axis to release it.`,
    ),
  );
  const colors = h("div");
  card.append(colors, status);
  const scroll = h("div", { class: "parallel-scroll" });
  const plane = h("div", { class: "plot" });
  scroll.append(plane);
  card.append(scroll);
  const redraw = responsive(scroll, (width) => {
    drawParallel(report, state, plane, Math.max(width, 74 * state.axes.length), redraw);
    colors.replaceChildren(rampLegend(metric, objective, state.axes.at(-1)));
    const kept = state.rows.filter((row) => keeps(state, row));
    clear.hidden = state.brushes.size === 0;
    status.textContent =
      state.brushes.size === 0 ? "" : keptText(report, kept, state.rows.length, metric, objective);
  });
  return card;
}

function thin(rows, most) {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);
}

function keptText(report, kept, all, metric, objective) {
  if (kept.length === 0) return `0 of ${all} trials lie in these ranges.`;
  const values = kept.map((row) => report.trials.metrics[metric.name][row]);
  const best = objective.goal === "minimize" ? Math.min(...values) : Math.max(...values);
  return `${kept.length} of ${all} trials lie in these ranges; the best has ${metric.label.toLowerCase()} ${quantity(best, metric.unit, 4)}.`;
}

function parallelAxes(report, metric, rows) {
  const axes = report.parameters.map((p) => {
    const column = report.trials.parameters[p.name];
    const low = p.values ? 0 : p.low,
      high = p.values ? p.values.length - 1 : p.high;
    return {
      label: p.label,
      column,
      log: p.log && !p.values,
      domain: low === high ? [low - 1, high + 1] : [low, high],
      jitter: p.values !== null,
      stops: p.values
        ? p.values.map((v, i) => [i, typeof v === "number" ? quantity(v, p.unit, 4) : shorten(String(v), 10)])
        : null,
      unit: p.unit,
    };
  });
  const column = report.trials.metrics[metric.name];
  const values = rows.map((row) => column[row]);
  const log = wantsLog(values);
  axes.push({
    label: metric.label,
    column,
    log,
    domain: extent([values], log, 0),
    jitter: false,
    stops: null,
    unit: metric.unit,
    metric: true,
  });
  return axes;
}

function rampLegend(metric, objective, axis) {
  const stops = Array.from({ length: 9 }, (_, i) => rampColor(i / 8)).join(",");
  const [low, high] = axis.domain;
  const ends = objective.goal === "minimize" ? [low, high] : [high, low];
  return h(
    "div",
    { class: "legend" },
    h(
      "span",
      { class: "item" },
      `${metric.label}: best ${quantity(ends[0], metric.unit)}`,
      h("span", { class: "ramp", style: { background: `linear-gradient(90deg, ${stops})` } }),
      `${quantity(ends[1], metric.unit)} worst`,
    ),
  );
}

/** Evenly filling numbers in -0.5 .. 0.5, the same on every run: spreads lines that share a value. */
const jitter = (row, axis) => (((row + 1) * 0.6180339887 + axis * 0.4142135623) % 1) - 0.5;

function keeps(state, row) {
  for (const [index, [low, high]] of state.brushes) {
    const value = state.axes[index].column[row];
    if (value === null || value < low || value > high) return false;
  }
  return true;
}

function drawParallel(report, state, plane, width, redraw) {
  const labels = state.axes.map((axis) => splitLabel(axis.label, labelRoom(width, state)));
  const top = 22 + 14 * Math.max(...labels.map((lines) => lines.length)),
    height = top + 318,
    bottom = height - 26;
  plane.style.width = `${width}px`;
  plane.style.height = `${height}px`;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const drawing = svg(width, height, { class: "axis", style: { pointerEvents: "auto" } });
  const left = 36,
    step = axisStep(width, state);
  state.axes.forEach((axis, i) => {
    axis.x = left + i * step;
    axis.scale = makeScale(axis.log, axis.domain, [bottom, top]);
    axis.gap = axis.stops ? (bottom - top) / Math.max(1, axis.stops.length - 1) : 0;
  });
  const paint = prepareCanvas(canvas, width, height);
  paintLines(report, state, paint);
  state.axes.forEach((axis, i) =>
    drawing.append(drawAxis(state, axis, i, { top, bottom, lines: labels[i], redraw })),
  );
  plane.replaceChildren(canvas, drawing);
}

function paintLines(report, state, paint) {
  const objective = state.axes.at(-1);
  const minimize = report.study.objectives[0].goal === "minimize";
  const place = makeScale(objective.log, objective.domain, minimize ? [0, 1] : [1, 0]);
  const tone = (row) => Math.round(Math.min(1, Math.max(0, place(objective.column[row]))) * CURVES) / CURVES;
  const order = [...state.rows].sort((a, b) => place(objective.column[b]) - place(objective.column[a]));
  const kept = order.filter((row) => keeps(state, row));
  if (kept.length < order.length) {
    strokeRows(
      state,
      paint,
      order.filter((row) => !keeps(state, row)),
      () => color("line"),
      0.35,
    );
  }
  const alpha = Math.min(0.85, Math.max(0.14, 120 / (kept.length + 1)));
  strokeRows(state, paint, kept, (row) => rampColor(tone(row)), alpha);
  const best = kept.includes(report.recommendation?.row) ? report.recommendation.row : kept.at(-1);
  const selected = report.selected ? report.trials.number.indexOf(report.selected.number) : -1;
  paint.lineWidth = 2.6;
  if (best !== undefined) strokeRows(state, paint, [best], () => color("best"), 1);
  if (selected >= 0) strokeRows(state, paint, [selected], () => color("accent"), 1);
  paint.lineWidth = 1;
}

function strokeRows(state, paint, rows, toneOf, alpha) {
  paint.globalAlpha = alpha;
  for (const row of rows) {
    paint.strokeStyle = toneOf(row);
    paint.beginPath();
    state.axes.forEach((axis, i) => {
      const value = axis.column[row];
      const y =
        axis.scale(value ?? axis.domain[0]) + (axis.jitter ? jitter(row, i) * Math.min(10, axis.gap * 0.5) : 0);
      if (i === 0) paint.moveTo(axis.x, y);
      else paint.lineTo(axis.x, y);
    });
    paint.stroke();
  }
  paint.globalAlpha = 1;
}

function drawAxis(state, axis, index, { top, bottom, lines, redraw }) {
  const group = s(
    "g",
    {},
    s("line", { x1: axis.x, x2: axis.x, y1: top, y2: bottom, style: { stroke: "var(--faint)" } }),
  );
  lines.forEach((line, i) =>
    group.append(
      s(
        "text",
        {
          class: "axis-name",
          x: axis.x,
          y: top - 12 - (lines.length - 1 - i) * 14,
          "text-anchor": "middle",
          style: axis.metric ? { fill: "var(--accent)" } : {},
        },
        line,
      ),
    ),
  );
  const stops = axis.stops ?? ticks(axis.scale, 5).map((value) => [value, quantity(value, axis.unit, 3)]);
  const every = Math.ceil((stops.length * 14) / (bottom - top));
  stops.forEach(([value, text], i) => {
    if (i % every) return;
    const y = axis.scale(value);
    group.append(
      s("line", { x1: axis.x - 3, x2: axis.x + 3, y1: y, y2: y, style: { stroke: "var(--faint)" } }),
      s(
        "text",
        {
          x: axis.x + 6,
          y: y + 4,
          style: { paintOrder: "stroke", stroke: "var(--card)", strokeWidth: 4, strokeLinejoin: "round" },
        },
        text,
      ),
    );
  });
  const brush = state.brushes.get(index);
  if (brush) {
    const [y1, y0] = [axis.scale(brush[1]), axis.scale(brush[0])];
    group.append(
      s("rect", {
        class: "brush",
        x: axis.x - 9,
        width: 18,
        y: y1 - 2,
        height: Math.max(4, y0 - y1 + 4),
        rx: 3,
      }),
    );
  }
  group.append(brushZone(state, axis, index, { top, bottom, redraw }));
  return group;
}

const axisStep = (width, state) => (width - 96) / Math.max(1, state.axes.length - 1);
const labelRoom = (width, state) => Math.max(8, Math.floor(axisStep(width, state) / 7.4));

function splitLabel(label, room) {
  if (label.length <= room) return [label];
  const lines = [""];
  for (const word of label.split(" ")) {
    if (lines.at(-1) && (lines.at(-1) + " " + word).length > room) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines.slice(0, 3);
}

function brushZone(state, axis, index, { top, bottom, redraw }) {
  const zone = s("rect", {
    class: "brush-zone",
    x: axis.x - 18,
    y: top - 6,
    width: 36,
    height: bottom - top + 12,
    tabindex: "0",
    role: "slider",
    "aria-label": `${axis.label}: up and down choose a value to keep, Escape releases`,
    "aria-valuetext": state.brushes.has(index) ? "narrowed" : "all values",
  });
  let start = null;
  const at = (event) => event.clientY - zone.getBoundingClientRect().top + top - 6;
  const range = (from, to) => {
    const snap = axis.stops ? 0.35 : 0;
    const ends = [axis.scale.invert(Math.max(from, to)), axis.scale.invert(Math.min(from, to))];
    return [ends[0] - snap, ends[1] + snap];
  };
  zone.addEventListener("pointerdown", (event) => {
    start = at(event);
    zone.setPointerCapture(event.pointerId);
  });
  zone.addEventListener("pointerup", (event) => {
    if (start === null) return;
    if (Math.abs(at(event) - start) < 5) state.brushes.delete(index);
    else state.brushes.set(index, range(start, at(event)));
    start = null;
    redraw();
  });
  zone.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step) moveBrush(state, axis, index, step);
    else if (event.key === "Escape") state.brushes.delete(index);
    else return;
    event.preventDefault();
    redraw();
    document.querySelectorAll("#parallel .brush-zone")[index]?.focus();
  });
  return zone;
}

/** Keep one value (or one tenth of a continuous axis), and move it by `step`. */
function moveBrush(state, axis, index, step) {
  const cells = axis.stops ? axis.stops.length : 10;
  const edge = (cell) =>
    axis.stops
      ? cell - 0.5
      : axis.scale.invert(
          axis.scale(axis.domain[0]) + (cell / 10) * (axis.scale(axis.domain[1]) - axis.scale(axis.domain[0])),
        );
  const brush = state.brushes.get(index);
  let cell = step > 0 ? -1 : cells;
  if (brush)
    cell = Array.from({ length: cells }, (_, i) => i).findIndex(
      (i) => edge(i + 1) > brush[0] + 1e-12 && edge(i + 1) >= (brush[0] + brush[1]) / 2,
    );
  const next = Math.min(Math.max(cell + step, 0), cells - 1);
  state.brushes.set(index, [edge(next), edge(next + 1)]);
}
