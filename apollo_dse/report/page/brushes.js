// Ranges brushed on the parallel coordinates: lines outside of them fade, designs inside all of them are marked in the
// plots of trials, and counted, drawn or not.

/** Ranges by axis ("p.NAME" a parameter, "m.NAME" a metric), and who draws anew when they change, by name. */
const brushes = { ranges: new Map(), followers: new Map() };

const BRUSHED = { name: "in the brushed ranges", kind: "dots", mute: true, color: "mark", alpha: 0.95 };

const followBrushes = (name, redraw) => brushes.followers.set(name, redraw);

/** Brush an axis, or release it (null). */
function brush(axis, range) {
  if (range) brushes.ranges.set(axis, range);
  else if (!brushes.ranges.delete(axis)) return;
  brushes.followers.forEach((redraw) => redraw());
}

const clearBrushes = () => [...brushes.ranges.keys()].forEach((axis) => brush(axis, null));

const brushedColumn = ({ trials }, axis) => (axis.startsWith("p.") ? trials.parameters : trials.metrics)[axis.slice(2)];

/** Whether a trial of the table lies in all ranges. */
function isBrushed(report, row) {
  for (const [axis, [low, high]] of brushes.ranges) {
    const value = brushedColumn(report, axis)[row];
    if (value === null || value < low || value > high) return false;
  }
  return true;
}

/** What marks a plot's brushed trials: over the dots, which all stay. */
function brushMarks(report) {
  const layerOf = (shown) => {
    const layer = { ...BRUSHED, rows: [], x: [], y: [], size: 1 + Math.max(...shown.map(({ size }) => size)) };
    for (const { rows, x, y } of shown)
      rows.forEach((row, i) => {
        if (!isBrushed(report, row)) return;
        layer.rows.push(row);
        layer.x.push(x[i]);
        layer.y.push(y[i]);
      });
    return layer;
  };
  const of = (shown) => (brushes.ranges.size === 0 ? [] : [layerOf(shown.filter((layer) => layer.trials))]);
  return { ...BRUSHED, of };
}

/** {trials, inside, feasible, best} of all trials; the server counts where the document has some only. */
async function tallyOf(report) {
  const { trials, study } = report;
  if (trials.number.length < study.trials) return report.tally(brushes.ranges);
  const [{ metric, goal }] = study.objectives;
  const inside = trials.number.map((_, row) => row).filter((row) => isBrushed(report, row));
  const good = inside.filter((row) => trials.reason[row] === null).map((row) => trials.metrics[metric][row]);
  const best = good.reduce((a, b) => ((goal === "minimize") === b < a ? b : a), good[0] ?? null);
  return { trials: study.trials, inside: inside.length, feasible: good.length, best };
}

/** The tally as a sentence; none where nothing is brushed. */
async function tallyText(report) {
  if (brushes.ranges.size === 0) return "";
  const { trials, inside, feasible, best } = await tallyOf(report);
  const [{ metric }] = report.study.objectives;
  const { label, unit } = metricOf(report, metric);
  const count = `${plainNumber(inside, 7)} of ${plainNumber(trials, 7)} designs in the brushed ranges`;
  if (inside === 0) return `${count}.`;
  if (feasible === 0) return `${count}, none of them feasible.`;
  return `${count}, ${plainNumber(feasible, 7)} feasible; the best has ${label.toLowerCase()} ${quantity(best, unit, 4)}.`;
}

/** Cells of an axis that an end of a range moves by: its values, or tenths of it. */
const cellsOf = (axis) => (axis.stops ? axis.stops.length : 10);

/** Where a cell of an axis begins. */
function cellEdge(axis, cell) {
  if (axis.stops) return cell - 0.5;
  const [low, high] = axis.domain.map(axis.scale);
  return axis.scale.invert(low + (cell / 10) * (high - low));
}

/** The first and the last cell whose middle lies in the range of an axis; without a range those at its ends. */
function heldCells(axis) {
  const range = brushes.ranges.get(axis.key);
  if (!range) return [0, cellsOf(axis) - 1];
  const edge = (cell) => axis.scale(cellEdge(axis, cell));
  const middle = (cell) => axis.scale.invert((edge(cell) + edge(cell + 1)) / 2);
  const every = Array.from({ length: cellsOf(axis) }, (_, cell) => cell);
  const held = every.filter((cell) => middle(cell) >= range[0] && middle(cell) <= range[1]);
  if (held.length > 0) return [held[0], held.at(-1)];
  const above = every.findIndex((cell) => middle(cell) > range[1]);
  return above < 0 ? [every.at(-1), every.at(-1)] : [above, above];
}

/** The ends of an axis, and of what its range holds: places of values, or numbers. */
function heldValues(axis) {
  if (axis.stops) return { ends: [0, axis.stops.length - 1], held: heldCells(axis) };
  const round = (value) => Number(value.toPrecision(6));
  return { ends: axis.domain.map(round), held: (brushes.ranges.get(axis.key) ?? axis.domain).map(round) };
}

const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 3, PageDown: -3 };

/** The range once a key has moved its end (0 the least, 1 the most), which does not pass the other. */
function movedRange(axis, end, key) {
  const cells = cellsOf(axis);
  const held = heldCells(axis);
  const [least, most] = end ? [held[0], cells - 1] : [0, held[1]];
  held[end] = Math.min(Math.max(held[end] + (STEPS[key] ?? (key === "Home" ? -cells : cells)), least), most);
  const [low, high] = held;
  return low === 0 && high === cells - 1 ? null : [cellEdge(axis, low), cellEdge(axis, high + 1)];
}

/** An end of an axis's range (0 the least, 1 the most), which keys move. */
function brushThumb(axis, end) {
  const { ends, held } = heldValues(axis);
  const at = (brushes.ranges.get(axis.key) ?? axis.domain)[end];
  const thumb = s("rect", {
    class: "brush-thumb",
    x: axis.x - 12,
    y: axis.scale(at) - 4,
    width: 24,
    height: 8,
    rx: 3,
    tabindex: "0",
    role: "slider",
    "aria-orientation": "vertical",
    "aria-label": `${axis.label}, ${end ? "most" : "least"} to keep`,
    "aria-valuemin": end ? held[0] : ends[0],
    "aria-valuemax": end ? ends[1] : held[1],
    "aria-valuenow": held[end],
    "aria-valuetext": axis.stops ? axis.stops[held[end]][1] : quantity(held[end], axis.unit, 3),
  });
  thumb.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") brush(axis.key, null);
    else if (/^(Arrow|Page|Home|End)/.test(event.key)) brush(axis.key, movedRange(axis, end, event.key));
    else return;
    event.preventDefault();
  });
  return thumb;
}

/** Where an axis is dragged along; what is dragged is shown by `box`. */
function brushZone(axis, { top, bottom, box, thumbs }) {
  const zone = s("rect", { class: "brush-zone", x: axis.x - 18, y: top - 6, width: 36, height: bottom - top + 12 });
  let start = null;
  const at = (event) => event.clientY - zone.getBoundingClientRect().top + top - 6;
  const range = (from, to) => {
    const snap = axis.stops ? 0.35 : 0;
    const ends = [axis.scale.invert(Math.max(from, to)), axis.scale.invert(Math.min(from, to))];
    return [ends[0] - snap, ends[1] + snap];
  };
  zone.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // it would take the focus
    thumbs[1].focus({ preventScroll: true });
    start = at(event);
    zone.setPointerCapture(event.pointerId);
  });
  zone.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const ends = [start, at(event)].map((y) => Math.min(Math.max(y, top), bottom));
    placeBrush(box, Math.min(...ends), Math.max(...ends));
    zone.before(box);
  });
  zone.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [from, to] = [start, at(event)];
    start = null;
    box.remove();
    brush(axis.key, Math.abs(to - from) < 5 ? null : range(from, to));
  });
  return zone;
}

function placeBrush(box, high, low) {
  box.setAttribute("y", high - 2);
  box.setAttribute("height", Math.max(4, low - high + 4));
}
