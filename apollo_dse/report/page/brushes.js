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
