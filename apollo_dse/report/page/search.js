// What the search did: convergence, trade-off, which values were tried, which parameters matter.

/** The trial as a tooltip: its metrics, why it is infeasible, and its point. */
function trialTip(report, row, title) {
  const { trials, metrics, reasons } = report;
  const rows = metrics
    .filter((m) => trials.metrics[m.name][row] !== null && !m.name.includes(":"))
    .map((m) => [m.label, quantity(trials.metrics[m.name][row], m.unit, 4)]);
  const point = report.parameters.map((p) => [p.label, parameterText(p, trials.parameters[p.name][row])]);
  const reason = trials.reason[row] === null ? null : `Infeasible: ${reasons[trials.reason[row]].text}`;
  return tipContent(title ?? `Trial ${trials.number[row]}`, [...rows, ...point], reason);
}

const parameterText = (parameter, place) => valueText(parameter, stored(parameter, place));

function valueText(parameter, value) {
  if (value === null || value === undefined) return MISSING;
  return typeof value === "number" ? quantity(value, parameter.unit, 4) : String(value);
}

/** What is drawn of very many trials; nothing where all are. */
function sampleNote({ trials, study }) {
  const shown = trials.number.length;
  if (shown === study.trials) return "";
  return (
    ` ${plainNumber(shown, 7)} of ${plainNumber(study.trials, 7)} trials are drawn: the whole front, every improvement ` +
    "and the best designs, and an even sample of the others."
  );
}

/** What a page that shows any design adds to a plot of trials: `report.choose(number)`, and a mark on the chosen one. */
function choosing(report) {
  if (!report.choose) return {};
  return {
    choose: (layer, i) => {
      if (layer.rows) report.choose(report.trials.number[layer.rows[i]]);
    },
  };
}

function selectedMark(report, xOf, yOf) {
  const trial = report.selected;
  const [x, y] = trial ? [xOf(trial), yOf(trial)] : [];
  if (x === undefined || y === undefined) return [];
  return [
    { name: "selected", kind: "dots", mute: true, hollow: true, color: "accent", size: 9, alpha: 1, stroke: 3, x: [x], y: [y] },
  ];
}

const metricOf = (report, name) =>
  report.metrics.find((m) => m.name === name) ?? { name, label: name, unit: "" };
const axisOf = (metric) => ({ title: metric.label, unit: metric.unit });

/** Rows of trials by what became of them. */
function fates(report) {
  const rows = report.trials.number.map((_, row) => row);
  const reason = report.trials.reason;
  const kind = (row) => report.reasons[reason[row]]?.kind;
  return {
    feasible: rows.filter((row) => reason[row] === null),
    over: rows.filter((row) => reason[row] !== null && kind(row) === "over a limit"),
    unbuildable: rows.filter((row) => reason[row] !== null && kind(row) !== "over a limit"),
  };
}

function trialLayers(report, xOf, yOf, { feasible, over, unbuildable }, rug) {
  const at = (rows, name, extra) => ({
    name,
    rows,
    trials: true,
    x: rows.map(xOf),
    y: rows.map(yOf),
    kind: "dots",
    ...extra,
  });
  const many = report.trials.number.length > 3000;
  const layers = [
    at(over, "over a limit", { mark: "cross", color: "no", size: many ? 2.4 : 3.6, alpha: 0.75 }),
    at(feasible, "feasible", { color: "dot", size: many ? 2 : 3.4, alpha: many ? 0.55 : 0.75 }),
  ];
  if (rug)
    layers.unshift({
      name: "cannot be built (no value)",
      rows: unbuildable,
      x: unbuildable.map(xOf),
      y: [],
      kind: "rug",
      color: "no",
    });
  return layers.filter((layer) => layer.rows.length > 0);
}

function convergenceCard(report) {
  const card = h("figure", { class: "card", id: "convergence" });
  const body = h("div");
  const chosen = choicesOf(report.choose && "convergence", { objective: 0 });
  const draw = (index) => {
    chosen.objective = Number(index);
    body.replaceChildren(...convergenceBody(report, report.convergence[index]));
  };
  const options = report.convergence.map((curve, i) => [i, metricOf(report, curve.metric).label]);
  card.append(
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, "Convergence"),
      options.length > 1 ? select("Objective", options, draw, chosen.objective) : "",
    ),
    body,
  );
  draw(chosen.objective);
  return card;
}

function convergenceBody(report, curve) {
  const metric = metricOf(report, curve.metric);
  const goal = report.study.objectives.find((o) => o.metric === curve.metric).goal;
  const column = report.trials.metrics[curve.metric];
  const groups = fates(report);
  const measured = [...groups.feasible, ...groups.over].map((row) => column[row]).filter((v) => v !== null);
  const host = h("div");
  if (measured.length === 0)
    return [h("p", { class: "empty" }, `No trial gave a ${metric.label.toLowerCase()}: nothing to draw.`)];
  const number = (row) => report.trials.number[row];
  const layers = trialLayers(report, number, (row) => column[row], groups, true);
  const last = report.trials.number.at(-1);
  if (curve.rows.length > 0) {
    layers.push({
      name: `best feasible (${goal === "minimize" ? "lower" : "higher"} is better)`,
      kind: "path",
      step: true,
      color: "best",
      width: 2.4,
      x: [...curve.rows.map(number), last],
      y: [...curve.values, curve.values.at(-1)],
    });
  }
  const cold = report.cold.find((c) => c.metric === curve.metric);
  if (cold && cold.rows.length > 0) {
    layers.push({
      name: "best without priors",
      kind: "path",
      step: true,
      color: "c5",
      width: 1.6,
      x: [...cold.rows, Math.max(last, cold.rows.at(-1))],
      y: [...cold.values, cold.values.at(-1)],
    });
  }
  layers.push(
    ...selectedMark(
      report,
      (trial) => trial.number,
      (trial) => trial.metrics[metric.name],
    ),
  );
  const { redraw } = xyPlot(host, {
    label: `${metric.label} by trial`,
    key: report.choose && `convergence of ${metric.name}`,
    height: 350,
    layers,
    ...choosing(report),
    x: { title: "trial", unit: "" },
    y: { ...axisOf(metric), log: wantsLog(measured) },
    describe: (layer, i) => trialTip(report, layer.rows[i]),
    marks: brushMarks(report),
  });
  followBrushes("convergence", redraw);
  return [
    h("p", { class: "note" }, convergenceNote(cold) + sampleNote(report)),
    host,
  ];
}

function convergenceNote(cold) {
  const line = "Every trial in its order; the line is the best feasible one so far.";
  return cold ? `${line} The thinner one is that of the same search without priors.` : line;
}

function sourcesCard(report) {
  const share = (weight) => `${plainNumber(Math.round(1000 * weight) / 10)} %`;
  return h(
    "figure",
    { class: "card", id: "sources" },
    h("div", { class: "card-head" }, h("h3", {}, "What was learned from")),
    h(
      "p",
      { class: "note" },
      "Priors, the most related first; the weight is each one's share in what the model believes in the end.",
    ),
    dataTable(
      [
        { title: "prior", text: true, value: (source) => source.name },
        { title: "networks", text: true, value: (source) => source.workloads.join(", ") },
        { title: "trials", value: (source) => source.trials },
        { title: "distance", value: (source) => source.distance, show: (distance) => plainNumber(distance, 3) },
        { title: "weight", value: (source) => source.weight, show: share },
        { title: "remarks", text: true, value: (source) => source.remarks.join("; ") },
      ],
      report.sources,
      { caption: "Priors that the search learned from" },
    ).element,
  );
}

function frontCard(report) {
  const card = h("figure", { class: "card", id: "front" });
  const fronts = [report.front, ...report.other_fronts].filter(Boolean);
  const chosen = choicesOf(report.choose && "front", { plane: 0 });
  const body = h("div");
  const draw = (place) => {
    chosen.plane = Number(place);
    body.replaceChildren(...frontBody(report, fronts[chosen.plane]));
  };
  const label = (goal) => metricOf(report, goal.metric).label;
  const options = fronts.map(({ x, y }, place) => [place, `${label(y)}, ${label(x).toLowerCase()}`]);
  card.append(
    h("div", { class: "card-head" }, h("h3", {}, "Trade-off"), fronts.length > 1 ? select("Metrics", options, draw, chosen.plane) : ""),
    body,
  );
  if (fronts.length > 0) draw(chosen.plane);
  else
    body.append(
      h("p", { class: "empty" }, "A trade-off needs two metrics and a trial that measured both: there is none here."),
    );
  return card;
}

function frontBody(report, front) {
  const [mx, my] = [metricOf(report, front.x.metric), metricOf(report, front.y.metric)];
  const [cx, cy] = [report.trials.metrics[mx.name], report.trials.metrics[my.name]];
  const groups = fates(report);
  const rows = [...groups.feasible, ...groups.over].filter((row) => cx[row] !== null && cy[row] !== null);
  const note = h("p", { class: "note" }, front.why + sampleNote(report));
  if (rows.length === 0) return [note, h("p", { class: "empty" }, "No trial measured both.")];
  const layers = trialLayers(
    report,
    (row) => cx[row],
    (row) => cy[row],
    groups,
    false,
  );
  const at = { rows: front.rows, x: front.rows.map((r) => cx[r]), y: front.rows.map((r) => cy[r]) };
  if (front.rows.length > 0) {
    layers.push(
      { name: "Pareto front", kind: "path", step: true, color: "c4", width: 1.8, ...at },
      { name: "on the front", quiet: true, kind: "dots", color: "c4", size: 4.2, alpha: 1, ...at },
    );
  }
  layers.push(...limitLines(report, front, cx, cy, rows), ...chosenMark(report, cx, cy));
  layers.push(
    ...selectedMark(
      report,
      (trial) => trial.metrics[mx.name],
      (trial) => trial.metrics[my.name],
    ),
  );
  const host = h("div");
  const { redraw } = xyPlot(host, {
    label: `${my.label} against ${mx.label}`,
    key: report.choose && `${my.name} against ${mx.name}`,
    height: 350,
    layers,
    ...choosing(report),
    steps: front.rows.length > 0 && report.choose ? (layer) => layer.rows === front.rows : undefined,
    x: { ...axisOf(mx), log: wantsLog(rows.map((r) => cx[r])) },
    y: { ...axisOf(my), log: wantsLog(rows.map((r) => cy[r])) },
    describe: (layer, i) => trialTip(report, layer.rows[i]),
    marks: brushMarks(report),
  });
  followBrushes("front", redraw);
  return [note, host];
}

function chosenMark(report, cx, cy) {
  const chosen = report.recommendation;
  if (!chosen || cx[chosen.row] === null || cy[chosen.row] === null) return [];
  return [
    {
      name: chosen.feasible ? "recommended" : "least infeasible",
      kind: "dots",
      mark: "diamond",
      color: "good",
      size: 6.5,
      alpha: 1,
      rows: [chosen.row],
      x: [cx[chosen.row]],
      y: [cy[chosen.row]],
    },
  ];
}

/** Constraints on either axis, drawn across the measured range. */
function limitLines(report, front, cx, cy, rows) {
  const lines = [];
  for (const limit of report.study.constraints) {
    for (const bound of [limit.lower, limit.upper].filter((b) => b !== null)) {
      const across = (column) =>
        extent(
          [rows.map((r) => column[r])],
          rows.every((r) => column[r] > 0),
          0.03,
        );
      const look = {
        name: `limit ${quantity(bound, metricOf(report, limit.metric).unit, 4)}`,
        kind: "path",
        color: "bad",
        dash: "5 4",
        width: 1.5,
      };
      if (limit.metric === front.x.metric) lines.push({ ...look, x: [bound, bound], y: across(cy) });
      if (limit.metric === front.y.metric) lines.push({ ...look, x: across(cx), y: [bound, bound] });
    }
  }
  return lines;
}

function importanceCard(report) {
  const card = h("figure", { class: "card", id: "importance" }, h("h3", {}, "Which parameters matter"));
  if (report.importance.length === 0) card.append(h("p", { class: "empty", role: "status" }, "Being found out …"));
  const columns = h("div", { class: "columns" });
  card.append(columns);
  for (const item of report.importance) {
    const column = h("div");
    columns.append(column);
    column.append(
      h("p", { class: "note", style: { marginTop: ".7rem" } }, h("b", {}, item.target), ". ", item.note),
    );
    if (item.verdict === "missing") continue;
    const most = Math.max(...item.rows.map((row) => row.mean + row.std), 1e-9);
    const labels = new Map(report.parameters.map((p) => [p.name, p.label]));
    column.append(
      barTable(
        item.rows.map((row) => ({
          label: labels.get(row.parameter) ?? row.parameter,
          share: Math.max(0, row.mean) / most,
          text: row.mean < 0.001 ? "< 0.001" : plainNumber(row.mean, 2),
          color: item.verdict === "weak" ? "no" : "c0",
          spread: [Math.max(0, row.mean - row.std) / most, Math.max(0, row.mean + row.std) / most],
        })),
      ),
    );
  }
  return card;
}

/** Horizontal bars as a table: readable by ear and when printed. rows: {label, share, text, color, spread?} */
function barTable(rows, long = false) {
  const body = rows.map(({ label, share, text, color: name, spread, title }) =>
    h(
      "tr",
      { title },
      h("th", { scope: "row", title: label }, label),
      h(
        "td",
        {},
        h(
          "div",
          { class: "track" },
          h("div", {
            class: "fill",
            style: { width: `${Math.max(0, share) * 100}%`, background: `var(--${name})` },
          }),
          spread
            ? h("div", {
                class: "spread",
                style: { left: `${spread[0] * 100}%`, width: `${(spread[1] - spread[0]) * 100}%` },
              })
            : "",
        ),
      ),
      h("td", { class: "number" }, text),
    ),
  );
  return h("table", { class: long ? "hbars long" : "hbars" }, h("tbody", {}, body));
}
