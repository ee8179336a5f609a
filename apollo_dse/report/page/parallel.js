// Parallel coordinates: a line a trial through all its parameters, coloured by an objective; drag along an
// axis to keep a range (several axes narrow it further), click the axis to release it, double-click to release all.
// Keys do the same: an axis has a thumb for each end of its range (WAI-ARIA Authoring Practices, multi-thumb slider).

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
  const state = { axes: parallelAxes(report, metric, drawn), rows: drawn };
  const status = h("p", { class: "note", role: "status", style: { minHeight: "1.6em" } });
  const clear = h(
    "button",
    {
      class: "button",
      type: "button",
      hidden: true,
      onclick: clearBrushes,
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
        `the orange one is the best of those kept${report.selected ? ", the blue one is the selected one" : ""}. Drag along an axis to keep a range of it: the designs inside all ranges are marked in the plots of trials. Click the axis to release it, double-click or press Escape to release all. By keyboard: Tab to an end of an axis, arrow keys, Page Up, Page Down, Home and End move it, Delete releases the axis.`,
    ),
  );
  const colors = h("div");
  card.append(colors, status);
  const scroll = h("div", { class: "parallel-scroll" });
  const plane = h("div", { class: "plot", ondblclick: clearBrushes });
  scroll.append(plane);
  card.append(scroll);
  const redraw = responsive(scroll, (width) => {
    drawParallel(report, state, plane, Math.max(width, 74 * state.axes.length));
    colors.replaceChildren(rampLegend(metric, objective, state.axes.at(-1)));
    clear.hidden = brushes.ranges.size === 0;
    sayTally(report, state, status);
  });
  followBrushes("parallel", redraw);
  return card;
}

function thin(rows, most) {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);
}

/** Say how many designs are kept, unless other ranges were asked for meanwhile. */
async function sayTally(report, state, status) {
  const ranges = JSON.stringify([...brushes.ranges]);
  if (state.told === ranges) return; // only the width or the theme changed
  state.told = ranges;
  const text = await tallyText(report).catch((error) => `The designs cannot be counted: ${error.message}`);
  if (state.told === ranges) status.textContent = text;
}

function parallelAxes(report, metric, rows) {
  const axes = report.parameters.map((p) => {
    const column = report.trials.parameters[p.name];
    const low = p.values ? 0 : p.low,
      high = p.values ? p.values.length - 1 : p.high;
    return {
      key: `p.${p.name}`,
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
    key: `m.${metric.name}`,
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

function drawParallel(report, state, plane, width) {
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
    drawing.append(drawAxis(axis, { top, bottom, lines: labels[i] })),
  );
  const focused = [...plane.querySelectorAll(".brush-thumb")].indexOf(document.activeElement);
  plane.replaceChildren(canvas, drawing);
  plane.querySelectorAll(".brush-thumb")[focused]?.focus({ preventScroll: true });
}

function paintLines(report, state, paint) {
  const objective = state.axes.at(-1);
  const minimize = report.study.objectives[0].goal === "minimize";
  const place = makeScale(objective.log, objective.domain, minimize ? [0, 1] : [1, 0]);
  const tone = (row) => Math.round(Math.min(1, Math.max(0, place(objective.column[row]))) * CURVES) / CURVES;
  const order = [...state.rows].sort((a, b) => place(objective.column[b]) - place(objective.column[a]));
  const kept = order.filter((row) => isBrushed(report, row));
  if (kept.length < order.length) {
    strokeRows(
      state,
      paint,
      order.filter((row) => !isBrushed(report, row)),
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

function drawAxis(axis, { top, bottom, lines }) {
  const group = s(
    "g",
    { role: "group", "aria-label": axis.label },
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
  const range = brushes.ranges.get(axis.key);
  const box = s("rect", { class: "brush", x: axis.x - 9, width: 18, rx: 3 });
  if (range) {
    placeBrush(box, axis.scale(range[1]), axis.scale(range[0]));
    group.append(box);
  }
  const thumbs = [0, 1].map((end) => brushThumb(axis, end));
  group.append(brushZone(axis, { top, bottom, box, thumbs }), ...thumbs);
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
