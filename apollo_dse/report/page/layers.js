// Where time and energy go on the priced design: columns per layer, roofline, table; all linked by layer.

/** Whoever shows layers subscribes; setting a layer lights it everywhere. */
function makeLink() {
  const listeners = [];
  let now = null;
  return {
    subscribe: (listener) => listeners.push(listener),
    set: (layer) => {
      if (layer !== now) {
        now = layer;
        for (const listener of listeners) listener(layer);
      }
    },
  };
}

function layerTip(layer) {
  const many = layer.repeats > 1;
  const rows = [
    ["kind", layer.kind],
    many ? ["executions", plainNumber(layer.repeats)] : null,
    ["latency", quantity(layer.total_latency_s, "s", 4)],
    many ? ["· of one execution", quantity(layer.latency_s, "s", 4)] : null,
    ["bound by", words(layer.bound_by)],
    ["compute alone", quantity(layer.compute_s * layer.repeats, "s", 4)],
    ["utilization", percent(layer.utilization)],
    ["multiply-accumulates", quantity(layer.macs * layer.repeats, "MAC", 4).replace("MAC", "")],
    ["energy", quantity(layer.total_energy_j, "J", 4)],
    ...Object.entries(layer.energy_by_level_j).map(([level, joules]) => [
      `· ${words(level)}`,
      quantity(joules * layer.repeats, "J"),
    ]),
    ...Object.entries(layer.bytes_by_level).map(([level, bytes]) => [
      `${words(level)} traffic`,
      quantity(bytes * layer.repeats, "B"),
    ]),
    layer.ops_per_byte === null ? null : ["operations per byte", plainNumber(layer.ops_per_byte)],
    layer.ops_per_s === null ? null : ["rate", quantity(layer.ops_per_s, "op/s")],
  ];
  return tipContent(layer.name, rows.filter(Boolean));
}

const words = (name) =>
  name.replaceAll("_", " ").replace(/\b(pe|dram|mac|sram|rf)\b/gi, (w) => w.toUpperCase());

/** Colour and mark of each thing that bounds a layer, the most expensive first. */
function boundStyles(workload) {
  return new Map(
    workload.bounds.map(([name], i) => [name, { color: category(i), mark: MARKS[i % MARKS.length] }]),
  );
}

function layersSection(report) {
  const section = h("section", { id: "layers" });
  const body = h("div");
  const draw = (index) => body.replaceChildren(...workloadBody(report.workloads[index]));
  const names = report.workloads.map((workload, i) => [i, workload.name]);
  section.append(
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, "Where time and energy go"),
      names.length > 1 ? select("Workload", names, draw) : "",
    ),
    body,
  );
  if (report.workloads.length === 0)
    body.append(
      h("p", { class: "empty", "data-pending": Boolean(report.pending) }, report.hardware ? "The network does not run on this design, so there is no breakdown." : withoutLayers(report, "breakdown by layer")),
    );
  else draw(0);
  return section;
}

function workloadBody(workload) {
  const link = makeLink();
  const [bound, share] = workload.bounds[0] ?? ["", 0];
  const lead = h(
    "p",
    { class: "lead" },
    `${workload.name} on this design: ${quantity(workload.latency_s, "s", 4)} and ${quantity(workload.energy_j, "J", 4)} an inference, ` +
      `${percent(workload.utilization)} of all multiply-accumulate slots busy. ${percent(share)} of the time is bound by ${words(bound)}.`,
  );
  return [
    lead,
    columnsCard(workload, link),
    h("div", { class: "stack" }, rooflineCard(workload, link)),
    h("div", { class: "stack" }, layerTableCard(workload, link)),
  ];
}

function columnsCard(workload, link) {
  const card = h("figure", { class: "card" });
  const costly = workload.layers.map((_, i) => i).filter((i) => isCostly(workload, workload.layers[i]));
  const state = { order: costly, free: workload.layers.length - costly.length };
  const styles = boundStyles(workload);
  const reorder = (by) => {
    const key = {
      network: (i) => i,
      latency: (i) => -workload.layers[i].total_latency_s,
      energy: (i) => -workload.layers[i].total_energy_j,
    }[by];
    state.order.sort((a, b) => key(a) - key(b));
    redraws.forEach((redraw) => redraw());
  };
  card.append(
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, "Latency by layer, coloured by what bounds it"),
      select(
        "Order of layers",
        [
          ["network", "network order"],
          ["latency", "slowest first"],
          ["energy", "most energy first"],
        ],
        reorder,
      ),
    ),
  );
  const time = h("div"),
    energy = h("div");
  card.append(
    legend(
      workload.bounds
        .filter(([, part]) => part > 1e-3)
        .map(([name, part]) => ({
          name: `${words(name)} ${percent(part, 2)}`,
          glyph: swatch(styles.get(name).color),
        })),
    ),
    time,
    h("p", { class: "note" }, columnsText(state)),
    h("h3", { style: { marginTop: ".9rem" } }, "Energy by layer, stacked by where it is spent"),
    legend(workload.energy_levels.map((level, i) => ({ name: words(level), glyph: swatch(category(i)) }))),
    energy,
  );
  const redraws = [
    layerColumns(time, workload, state, link, {
      label: "Latency by layer",
      unit: "s",
      title: "latency",
      stack: (layer) => [[layer.total_latency_s, styles.get(layer.bound_by)?.color ?? "c7"]],
    }),
    layerColumns(energy, workload, state, link, {
      label: "Energy by layer",
      unit: "J",
      title: "energy",
      stack: (layer) =>
        workload.energy_levels.map((level, i) => [
          (layer.energy_by_level_j[level] ?? 0) * layer.repeats,
          category(i),
        ]),
    }),
  ];
  return card;
}

/** Whether a column would show: fused operations take no time of their own and next to no energy. */
function isCostly(workload, layer) {
  return layer.total_latency_s > 0 || layer.total_energy_j > 1e-3 * workload.energy_j;
}

/** One column a layer, all repeats counted. Hover or arrow keys light a layer in every linked chart. */
function layerColumns(host, workload, state, link, { label, unit, title, stack }) {
  const height = 210;
  const plane = h("div", {
    class: "plot",
    style: { height: `${height}px` },
    tabindex: "0",
    role: "group",
    "aria-roledescription": "chart",
    "aria-label": `${label}. Arrow keys step through layers.`,
  });
  host.append(plane);
  let columns = new Map(),
    at = -1;
  const most = Math.max(
    ...workload.layers.map((layer) => stack(layer).reduce((sum, [value]) => sum + value, 0)),
    1e-30,
  );
  const redraw = responsive(plane, (width) => {
    const box = { left: 62, top: 24, width: width - 62 - 8, height: height - 24 - 8 };
    const x = linearScale([0, state.order.length], [box.left, box.left + box.width]);
    const y = linearScale([0, most * 1.04], [box.top + box.height, box.top]);
    const drawing = svg(
      width,
      height,
      { "aria-hidden": "true", style: { pointerEvents: "auto" } },
      columnAxes(x, y, box, { unit, title }),
    );
    columns = new Map();
    const gap = x(1) - x(0) > 5 ? 1 : 0;
    state.order.forEach((index, place) => {
      const column = oneColumn(
        workload.layers[index],
        stack,
        x(place),
        Math.max(0.6, x(1) - x(0) - gap),
        y,
        box,
      );
      column.addEventListener("pointerenter", (event) => {
        link.set(index);
        showTip(layerTip(workload.layers[index]), event.clientX, event.clientY);
      });
      columns.set(index, column);
      drawing.append(column);
    });
    plane.replaceChildren(drawing);
  });
  plane.addEventListener("pointerleave", () => {
    link.set(null);
    hideTip();
  });
  plane.addEventListener("blur", () => {
    link.set(null);
    hideTip();
  });
  plane.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), state.order.length - 1);
    const index = state.order[at],
      frame = columns.get(index).getBoundingClientRect();
    link.set(index);
    showTip(layerTip(workload.layers[index]), frame.right, frame.top + frame.height / 2);
    speak(layerTip(workload.layers[index]));
  });
  link.subscribe((index) => {
    for (const [key, column] of columns) column.classList.toggle("lit", key === index);
  });
  return redraw;
}

function oneColumn(layer, stack, left, width, y, box) {
  const column = s("g", { class: "column" });
  let base = 0;
  for (const [value, name] of stack(layer)) {
    const [from, to] = [y(base), y(base + value)];
    if (from - to > 0.05)
      column.append(s("rect", { x: left, width, y: to, height: from - to, fill: `var(--${name})` }));
    base += value;
  }
  column.append(s("rect", { class: "cover", x: left, width: width + 1, y: box.top, height: box.height }));
  return column;
}

function columnAxes(x, y, box, { unit, title }) {
  const group = s("g", { class: "axis" });
  for (const value of ticks(y, 4)) {
    const at = Math.round(y(value)) + 0.5;
    group.append(
      s("line", { class: "gridline", x1: box.left, x2: box.left + box.width, y1: at, y2: at }),
      s("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, tickText(value, unit)),
    );
  }
  const bottom = box.top + box.height;
  group.append(
    s("path", { d: `M${box.left},${bottom + 0.5}H${box.left + box.width}` }),
    s("text", { class: "title", x: 2, y: 12 }, `↑ ${title}`),
  );
  return group;
}

function columnsText({ order, free }) {
  return `${plural(order.length, "operation")}, a column each, repeats counted${free ? `; ${free} fused ones, at no cost of their own, are left out` : ""}.`;
}

function rooflineCard(workload, link) {
  const card = h("figure", { class: "card", id: "roofline" }, h("h3", {}, "Roofline"));
  const roof = workload.roofline;
  const indices = workload.layers.map((_, i) => i).filter((i) => workload.layers[i].ops_per_byte !== null);
  if (indices.length === 0) {
    card.append(
      h(
        "p",
        { class: "empty" },
        "No layer has multiply-accumulates and off-chip traffic, so none can be placed on a roofline.",
      ),
    );
    return card;
  }
  const left = workload.layers.length - indices.length;
  card.append(
    h(
      "p",
      { class: "note" },
      `Operations (2 per multiply-accumulate) per byte of DRAM traffic against operations per second. ` +
        (roof.ridge_ops_per_byte === null
          ? ""
          : `Left of ${plainNumber(roof.ridge_ops_per_byte)} operations per byte DRAM bandwidth is the lower roof, right of it the compute peak. `) +
        `Larger marks take more of the latency.${left ? ` ${plural(left, "operation has", "operations have")} no multiply-accumulates or no DRAM traffic and ${left === 1 ? "is" : "are"} left out.` : ""}`,
    ),
  );
  const host = h("div");
  card.append(host);
  const slowest = Math.max(...indices.map((i) => workload.layers[i].total_latency_s));
  const layers = [...boundStyles(workload)]
    .map(([bound, style]) => {
      const mine = indices.filter((i) => workload.layers[i].bound_by === bound);
      return {
        name: `bound by ${words(bound)}`,
        kind: "dots",
        ...style,
        alpha: 0.82,
        indices: mine,
        x: mine.map((i) => workload.layers[i].ops_per_byte),
        y: mine.map((i) => workload.layers[i].ops_per_s),
        sizes: (k) => 3 + 6.5 * Math.sqrt(workload.layers[mine[k]].total_latency_s / slowest),
      };
    })
    .filter((layer) => layer.indices.length > 0);
  const xDomain = extent(
    [
      layers.flatMap((l) => l.x),
      roof.ridge_ops_per_byte === null ? [] : [roof.ridge_ops_per_byte / 2, roof.ridge_ops_per_byte * 4],
    ],
    true,
    0.06,
  );
  const yDomain = extent([layers.flatMap((l) => l.y), [roof.peak_ops_per_s * 1.5]], true, 0.05);
  xyPlot(host, {
    label: "Roofline",
    height: 390,
    forceLegend: true,
    layers: [...roofs(roof, xDomain), ...layers],
    x: { title: "operations per byte of DRAM traffic", unit: "", log: true, domain: xDomain },
    y: { title: "operations per second", unit: "op/s", log: true, domain: yDomain },
    describe: (layer, i) => layerTip(workload.layers[layer.indices[i]]),
    onpoint: (layer, i) => link.set(layer.indices[i]),
  });
  return card;
}

function roofs(roof, [low, high]) {
  const compute = {
    name: `compute roof ${quantity(roof.peak_ops_per_s, "op/s")}`,
    kind: "path",
    color: "ink",
    width: 1.8,
    outside: true,
    x: [roof.ridge_ops_per_byte ?? low, high],
    y: [roof.peak_ops_per_s, roof.peak_ops_per_s],
  };
  if (roof.ridge_ops_per_byte === null) return [compute];
  const slope = [low, roof.ridge_ops_per_byte];
  return [
    compute,
    {
      name: `DRAM roof ${quantity(roof.bytes_per_s, "B/s")}`,
      kind: "path",
      color: "ink",
      dash: "6 4",
      width: 1.8,
      outside: true,
      x: slope,
      y: slope.map((x) => x * roof.bytes_per_s),
    },
  ];
}

function layerTableCard(workload, link) {
  const total = workload.latency_s,
    joules = workload.energy_j;
  const columns = [
    { title: "#", value: (i) => i + 1 },
    { title: "layer", text: true, value: (i) => workload.layers[i].name },
    { title: "kind", text: true, value: (i) => workload.layers[i].kind },
    { title: "×", value: (i) => workload.layers[i].repeats },
    {
      title: "MACs",
      value: (i) => workload.layers[i].macs * workload.layers[i].repeats,
      show: (v) => quantity(v, "MAC").replace("MAC", ""),
    },
    { title: "latency", value: (i) => workload.layers[i].total_latency_s, show: (v) => quantity(v, "s") },
    { title: "of total", value: (i) => workload.layers[i].total_latency_s / total, show: (v) => percent(v, 2) },
    { title: "bound by", text: true, value: (i) => words(workload.layers[i].bound_by) },
    { title: "utilization", value: (i) => workload.layers[i].utilization, show: (v) => percent(v) },
    { title: "energy", value: (i) => workload.layers[i].total_energy_j, show: (v) => quantity(v, "J") },
    { title: "of total", value: (i) => workload.layers[i].total_energy_j / joules, show: (v) => percent(v, 2) },
    { title: "ops/byte", value: (i) => workload.layers[i].ops_per_byte, show: (v) => plainNumber(v) },
  ];
  const card = h("div", { class: "card", id: "layer-table" }, h("h3", {}, "All layers"));
  const table = dataTable(
    columns,
    workload.layers.map((_, i) => i),
    { caption: `Layers of ${workload.name}`, onrow: link.set },
  );
  link.subscribe(table.light);
  card.append(table.element);
  return card;
}
