// Several studies in one picture: their curves, their fronts, and a table of what was asked and found.

function compareView(root, names) {
  const state = { names, live: null, outlines: new Map(), failed: new Map(), seen: new Map(), metric: null, plane: null };
  document.title = `${names.length} studies: apollo-dse dashboard`;
  setNav([["#convergence", "Convergence"], ["#front", "Fronts"], ["#table", "Table"]]);
  root.replaceChildren(h("p", { class: "loading", role: "status" }, "Reading the studies …"));
  if (names.length === 0) {
    root.replaceChildren(h("p", { class: "loading" }, "No studies are named: choose them in the list of studies."));
    return;
  }
  Object.assign(state, { root, head: h("div"), main: h("main", { id: "main" }) });
  keepUp(async ({ studies }) => {
    const counts = new Map(studies.map((study) => [study.name, study.trials]));
    const newer = names.filter((name) => state.seen.get(name) !== (counts.get(name) ?? -1));
    if (newer.length === 0) return;
    await Promise.all(newer.map((name) => fetchOutline(state, name, counts.get(name) ?? -1)));
    drawComparison(state);
  });
}

async function fetchOutline(state, name, trials) {
  const query = state.plane ? `?x=${encodeURIComponent(state.plane[0])}&y=${encodeURIComponent(state.plane[1])}` : "";
  try {
    state.outlines.set(name, await ask(pathOf(name, `/outline${query}`)));
    state.failed.delete(name);
  } catch (error) {
    if (!error.status) throw error;
    state.outlines.delete(name);
    state.failed.set(name, error.message);
  }
  state.seen.set(name, trials);
}

const planeKey = (front) => `${front.x.metric}\n${front.y.metric}`;

async function drawComparison(state) {
  const outlines = state.names.map((name) => state.outlines.get(name)).filter(Boolean);
  state.planes ??= new Map(outlines.filter((o) => o.front).map((o) => [planeKey(o.front), [o.front.x.metric, o.front.y.metric]]));
  if (!state.plane && state.planes.size > 0) await choosePlane(state, [...state.planes.values()][0]);
  const shown = state.names.map((name) => state.outlines.get(name)).filter(Boolean);
  const looks = new Map(state.names.map((name, i) => [name, { color: category(i), dash: i < CATEGORIES ? undefined : "6 3" }]));
  state.root.replaceChildren(state.head, state.main);
  refill(state.head, comparisonHead(state, shown));
  refill(
    state.main,
    h("section", {}, h("div", { class: "grid2" }, curvesCard(state, shown, looks), frontsCard(state, shown, looks))),
    h("section", {}, comparisonTable(shown)),
  );
}

/** Show fronts in another plane: those of all studies are asked for anew. */
async function choosePlane(state, plane) {
  state.plane = plane;
  await Promise.all([...state.outlines.keys()].map((name) => fetchOutline(state, name, state.seen.get(name))));
}

function comparisonHead(state, outlines) {
  return h(
    "header",
    { class: "top" },
    h("div", { class: "eyebrow" }, "Comparison"),
    h("h1", {}, plural(outlines.length, "study", "studies")),
    h("ul", { class: "differences" }, [
      ...differencesOf(outlines).map(([what, text]) => h("li", {}, h("b", {}, what), ` ${text}`)),
      ...[...state.failed.values()].map((sentence) => h("li", {}, h("b", {}, "Not shown: "), sentence)),
    ]),
  );
}

/** What the studies did not all ask for alike: their numbers then answer different questions. */
function differencesOf(outlines) {
  const aspects = [
    ["Networks", (o) => o.study.workloads.join(", ")],
    ["Spaces", (o) => o.study.space],
    ["Objectives", (o) => o.study.objectives.map((goal) => metricOf(o, goal.metric).label.toLowerCase()).join(" and ")],
    ["Limits", (o) => o.study.constraints.map((limit) => limitText(o, limit)).join(" and ") || "none"],
  ];
  const differing = aspects.filter(([, of]) => new Set(outlines.map(of)).size > 1);
  if (outlines.length > 1 && differing.length === 0)
    return [["They asked the same question:", questionOf(outlines[0])]];
  return differing.map(([what, of]) => {
    const alike = Map.groupBy(outlines, of);
    return [`${what} differ:`, `${[...alike].map(([text, of]) => `${text} (${of.map((o) => o.study.name).join(", ")})`).join("; ")}.`];
  });
}

function curvesCard(state, outlines, looks) {
  const goals = new Map(outlines.flatMap((o) => o.study.objectives.map((goal) => [goal.metric, metricOf(o, goal.metric)])));
  state.metric ??= [...goals.keys()][0];
  const metric = goals.get(state.metric);
  const card = h("figure", { class: "card", id: "convergence" });
  const redrawn = (name) => {
    state.metric = name;
    drawComparison(state);
  };
  const options = [...goals].map(([name, { label }]) => [name, label]);
  card.append(
    h("div", { class: "card-head" }, h("h3", {}, "Convergence"), options.length > 1 ? select("Objective", options, redrawn, state.metric) : ""),
    h("p", { class: "note" }, "The best feasible value so far of each study, by trial."),
  );
  const lines = outlines.flatMap((outline) => {
    const curve = outline.curves.find((each) => each.metric === state.metric);
    if (!curve || curve.rows.length === 0) return [];
    const at = { x: [...curve.rows, outline.last], y: [...curve.values, curve.values.at(-1)], outline };
    return lineAndDots(outline.study.name, looks, at);
  });
  if (lines.length === 0) card.append(h("p", { class: "empty" }, "No study has a feasible trial yet."));
  else {
    const host = h("div");
    card.append(host);
    xyPlot(host, {
      label: `${metric.label} by trial`,
      key: `compare ${metric.name}`,
      height: 380,
      forceLegend: true,
      layers: lines,
      x: { title: "trial", unit: "" },
      y: { ...axisOf(metric), log: wantsLog(lines.flatMap((line) => line.y)) },
      describe: (layer, i) =>
        tipContent(layer.outline.study.name, [["trial", plainNumber(layer.x[i], 7)], [metric.label, quantity(layer.y[i], metric.unit, 4)]]),
    });
  }
  return card;
}

function lineAndDots(name, looks, at) {
  const look = looks.get(name);
  return [
    { name, kind: "path", step: true, width: 2.2, ...look, ...at },
    { name, quiet: true, kind: "dots", size: 2.8, alpha: 1, color: look.color, ...at },
  ];
}

function frontsCard(state, outlines, looks) {
  const card = h("figure", { class: "card", id: "front" });
  const label = (name) => metricOf(outlines.find((o) => o.metrics.some((m) => m.name === name)) ?? { metrics: [] }, name);
  const options = [...state.planes].map(([key, [x, y]]) => [key, `${label(y).label} against ${label(x).label}`]);
  const redrawn = async (key) => {
    await choosePlane(state, state.planes.get(key));
    drawComparison(state);
  };
  card.append(
    h("div", { class: "card-head" }, h("h3", {}, "Trade-off"), options.length > 1 ? select("Plane", options, redrawn, state.plane?.join("\n")) : ""),
    h("p", { class: "note" }, "Feasible trials of each study that none of its others beats in both metrics."),
  );
  const lines = outlines
    .filter((o) => o.front && o.front.numbers.length > 0)
    .flatMap((o) => lineAndDots(o.study.name, looks, { x: o.front.xs, y: o.front.ys, outline: o }));
  if (lines.length === 0) {
    card.append(h("p", { class: "empty" }, "No study has a feasible trial that measured both metrics."));
    return card;
  }
  const [mx, my] = state.plane.map(label);
  const host = h("div");
  card.append(host);
  xyPlot(host, {
    label: `${my.label} against ${mx.label}`,
    key: `compare ${my.name} ${mx.name}`,
    height: 380,
    forceLegend: true,
    layers: lines,
    x: { ...axisOf(mx), log: wantsLog(lines.flatMap((line) => line.x)) },
    y: { ...axisOf(my), log: wantsLog(lines.flatMap((line) => line.y)) },
    describe: (layer, i) =>
      tipContent(`${layer.outline.study.name}, trial ${layer.outline.front.numbers[i]}`, [
        [mx.label, quantity(layer.x[i], mx.unit, 4)],
        [my.label, quantity(layer.y[i], my.unit, 4)],
      ]),
    choose: (layer, i) => {
      location.href = `/studies/${encodeURIComponent(layer.outline.study.name)}#trial=${layer.outline.front.numbers[i]}`;
    },
  });
  return card;
}

function comparisonTable(outlines) {
  const metrics = new Map(outlines.flatMap((o) => o.study.objectives.map((goal) => [goal.metric, metricOf(o, goal.metric)])));
  const curveOf = (outline, name) => outline.curves.find((curve) => curve.metric === name);
  const columns = [
    { title: "study", text: true, value: (o) => o.study.name },
    { title: "optimizer", text: true, value: (o) => o.study.optimizer },
    { title: "networks", text: true, value: (o) => o.study.workloads.join(", ") },
    { title: "limits", text: true, value: (o) => o.study.constraints.map((limit) => limitText(o, limit)).join(", ") || "none" },
    { title: "trials", value: (o) => o.study.trials, show: (v) => plainNumber(v, 7) },
    { title: "feasible", value: (o) => o.study.feasible, show: (v) => plainNumber(v, 7) },
    ...[...metrics].flatMap(([name, metric]) => [
      { title: `best ${metric.label.toLowerCase()}`, value: (o) => curveOf(o, name)?.values.at(-1) ?? null, show: (v) => quantity(v, metric.unit, 4) },
      { title: "at trial", value: (o) => curveOf(o, name)?.rows.at(-1) ?? null, show: (v) => plainNumber(v, 7) },
    ]),
    { title: "evaluation", value: (o) => o.study.seconds, show: (v) => quantity(v, "s") },
  ];
  const card = h("div", { class: "card", id: "table" }, h("h3", {}, "Side by side"));
  card.append(
    dataTable(columns, outlines, {
      caption: "Studies side by side",
      choose: (outline) => (location.href = `/studies/${encodeURIComponent(outline.study.name)}`),
    }).element,
  );
  return card;
}
