// The recommended design drawn: DRAM, the chip with its staging memories and grid, and one child enlarged at
// each step down; and the values that were chosen.

const TINTS = ["pe", "core", "lane"];

function designSection(report) {
  const section = h(
    "section",
    { id: "design" },
    h("h2", {}, designTitle(report)),
  );
  const { hardware } = report;
  if (!hardware) {
    section.append(h("p", { class: "empty", role: "status", "data-pending": Boolean(report.pending) }, withoutLayers(report, "block diagram")));
    if (report.recommendation && !report.stale) section.append(h("div", { class: "stack" }, pointCard(report)));
    return section;
  }
  section.append(
    h(
      "p",
      { class: "lead" },
      `Template ${hardware.template} in ${hardware.technology}, ${quantity(hardware.clock_hz, "Hz")}: ` +
        `${plainNumber(hardware.mac_units, 6)} multiply-accumulate units, ${quantity(hardware.peak_ops_per_s, "op/s", 4)} at peak.`,
    ),
  );
  const card = h(
    "figure",
    { class: "card" },
    h("h3", {}, "Block diagram"),
    h(
      "p",
      { class: "note" },
      "From the outside in; dashed lines enlarge one of the equal parts. Not to scale.",
    ),
  );
  const host = h("div", { class: "diagram" });
  card.append(host);
  responsive(host, (width) => host.replaceChildren(drawDiagram(hardware, width)));
  section.append(card);
  if (report.network) section.append(h("div", { class: "stack" }, networkCard(report.network)));
  section.append(h("div", { class: "grid2 wider-left stack" }, areaCard(hardware), pointCard(report)));
  return section;
}

function designTitle(report) {
  if (report.design?.other) return `The design of trial ${report.design.number}`;
  return report.recommendation?.feasible === false ? "The least infeasible design" : "The design";
}

/** Why there is no `what` of this design. */
function withoutLayers(report, what) {
  if (report.pending) return report.pending;
  if (!report.recommendation) return `No design could be built, so there is no ${what}.`;
  return `This study was not measured by the built-in model but by an evaluator of its own, which tells no ${what}.`;
}

/** Panels from the chip inwards: the levels they hold, and the grid of equal children. */
function panelsOf(hardware) {
  const [outer, ...inner] = hardware.levels;
  const panels = [
    {
      title: "Chip",
      boxes: hardware.staging.map((q) => [q.label, quantity(q.value, q.unit, 4)]),
      fanout: [],
      child: "",
    },
  ];
  const addFanout = (level) => {
    Object.assign(panels.at(-1), { fanout: level.fanout, child: level.child });
  };
  const size = (level) => level.fanout.reduce((product, [, n]) => product * n, 1);
  if (outer.fanout.length) {
    addFanout(outer);
    panels.push({ title: outer.child, of: size(outer), boxes: [], fanout: [], child: "" });
  }
  for (const level of inner) {
    const speed = level.bandwidth_bytes_per_s === null ? "" : quantity(level.bandwidth_bytes_per_s, "B/s");
    panels
      .at(-1)
      .boxes.push([
        level.label,
        [level.capacity_bytes === null ? "" : quantity(level.capacity_bytes, "bytes"), speed]
          .filter(Boolean)
          .join(", "),
      ]);
    if (level.fanout.length) {
      addFanout(level);
      panels.push({ title: level.child, of: size(level), boxes: [], fanout: [], child: "" });
    }
  }
  return panels.filter((panel, i) => i === 0 || panel.boxes.length > 0 || panel.fanout.length > 0);
}

function drawDiagram(hardware, width) {
  const panels = panelsOf(hardware);
  const dram = hardware.levels[0];
  const wire = dram.bandwidth_bytes_per_s === null ? "" : quantity(dram.bandwidth_bytes_per_s, "B/s");
  const drawing = svg(width, 10, { role: "img", "aria-label": diagramWords(hardware) });
  const height =
    width >= 760
      ? acrossDiagram(drawing, panels, dram.label, wire, width)
      : downDiagram(drawing, panels, dram.label, wire, width);
  drawing.setAttribute("height", height);
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return drawing;
}

function diagramWords(hardware) {
  return (
    "Block diagram: " +
    hardware.levels
      .map(
        (level) =>
          `${level.instances} × ${level.label}` +
          (level.capacity_bytes === null ? "" : ` of ${quantity(level.capacity_bytes, "bytes")}`),
      )
      .join(", ") +
    `, ${hardware.mac_units} multiply-accumulate units.`
  );
}

const BOX_PITCH = 46,
  PANEL_TITLE = 36,
  GRID_FOOT = 38;

/** A panel's own sizes, from its width: where its grid begins, how large the cells are, how tall it is. */
function measurePanel(panel, width, mostGrid) {
  const gridTop = PANEL_TITLE + panel.boxes.length * BOX_PITCH + (panel.boxes.length ? 4 : 0);
  const sizes = panel.fanout.map(([, n]) => n);
  if (sizes.length === 0) return { ...panel, width, gridTop, height: gridTop + 8, grid: null };
  const count = sizes.reduce((product, n) => product * n, 1);
  const room = width - 28;
  const columns =
    sizes.length === 2 ? sizes[0] : foldInto(count, Math.ceil(Math.sqrt((count * room) / mostGrid)));
  const rows = sizes.length === 2 ? sizes[1] : Math.ceil(count / columns);
  const pitch = Math.min(room / columns, mostGrid / rows, 58);
  const text =
    sizes.length > 1
      ? `${sizes.join(" × ")} ${count === 1 ? panel.child : several(panel.child)}`
      : plural(count, panel.child);
  return {
    ...panel,
    width,
    gridTop,
    height: gridTop + rows * pitch + GRID_FOOT,
    grid: { columns, count, pitch, high: rows * pitch, text },
  };
}

/** Columns for a folded row of `count`: about `wanted`, full rows where that is near. */
function foldInto(count, wanted) {
  for (let columns = wanted; columns <= Math.min(count, 2 * wanted); columns += 1)
    if (count % columns === 0) return columns;
  return Math.min(count, wanted);
}

function acrossDiagram(drawing, panels, label, wire, width) {
  const gap = 36,
    dramWidth = 100,
    dramHeight = 84;
  const panelWidth = Math.min(264, (width - dramWidth - 74 - gap * (panels.length - 1) - 2) / panels.length);
  const measured = panels.map((panel) => measurePanel(panel, panelWidth, panelWidth - 28));
  const height = Math.max(...measured.map((panel) => panel.height)) + 4;
  const middle = Math.min(height / 2, 110);
  drawing.append(
    memoryBox(1, middle - dramHeight / 2, dramWidth, dramHeight, [label, "off chip"]),
    ...arrow(dramWidth + 4, middle, dramWidth + 71, middle),
    s("text", { x: dramWidth + 37, y: middle - 10, class: "small", "text-anchor": "middle" }, wire),
  );
  let left = dramWidth + 74,
    from = null;
  measured.forEach((panel, i) => {
    if (from)
      drawing.append(
        zoomLine(from.x + from.w, from.y, left, 8),
        zoomLine(from.x + from.w, from.y + from.h, left, panel.height - 4),
      );
    from = drawPanel(drawing, panel, i, left, 2, true);
    left += panelWidth + gap;
  });
  return height;
}

function downDiagram(drawing, panels, label, wire, width) {
  const gap = 30,
    panelWidth = Math.min(width - 4, 420);
  drawing.append(
    memoryBox(1, 1, panelWidth, 42, [label, wire ? `off chip, ${wire}` : "off chip"]),
    ...arrow(panelWidth / 2, 45, panelWidth / 2, 71),
  );
  let top = 73,
    from = null;
  panels.forEach((panel, i) => {
    const measured = measurePanel(panel, panelWidth, panelWidth * 0.6);
    if (from)
      drawing.append(
        zoomLine(from.x, from.y + from.h, 8, top),
        zoomLine(from.x + from.w, from.y + from.h, panelWidth - 6, top),
      );
    from = drawPanel(drawing, measured, i, 1, top, false);
    top += measured.height + gap;
  });
  return top - gap + 4;
}

const zoomLine = (x1, y1, x2, y2) => s("path", { class: "zoom", d: `M${x1},${y1}L${x2},${y2}` });

function panelTitle({ title, of }, depth) {
  if (depth === 0) return title;
  return of === 1 ? `The only ${title}` : `1 of ${plainNumber(of, 6)} ${several(title)}`;
}

/** Draw one panel; returns the cell that the next panel enlarges. */
function drawPanel(drawing, panel, depth, x, y, across) {
  const tint = depth === 0 ? "chip" : TINTS[Math.min(depth - 1, TINTS.length - 1)];
  drawing.append(
    s("rect", {
      class: "frame",
      x,
      y,
      width: panel.width,
      height: panel.height,
      rx: 9,
      fill: `var(--${tint})`,
      "fill-opacity": depth === 0 ? 1 : 0.55,
    }),
    s("text", { class: "strong", x: x + 14, y: y + 23 }, panelTitle(panel, depth)),
  );
  panel.boxes.forEach((box, i) =>
    drawing.append(memoryBox(x + 14, y + PANEL_TITLE + i * BOX_PITCH, panel.width - 28, 40, box)),
  );
  if (!panel.grid) return null;
  drawing.append(s("text", { x: x + 14, y: y + panel.gridTop + panel.grid.high + 23 }, panel.grid.text));
  const left = across ? x + panel.width - 14 - panel.grid.columns * panel.grid.pitch : x + 14;
  const { columns, count } = panel.grid;
  const zoomed = across ? columns - 1 : columns * (Math.ceil(count / columns) - 1);
  return drawGrid(
    drawing,
    panel.grid,
    zoomed,
    left,
    y + panel.gridTop,
    TINTS[Math.min(depth, TINTS.length - 1)],
  );
}

/** Cells of equal size: two axes keep their shape, one axis is folded. Returns the `enlarged` one's place. */
function drawGrid(drawing, { columns, count, pitch }, enlarged, x, y, tint) {
  const inset = pitch > 7 ? Math.min(3, pitch * 0.12) : 0.5;
  const side = pitch - inset;
  const cell = (i) => ({
    x: x + (i % columns) * pitch + inset / 2,
    y: y + Math.floor(i / columns) * pitch + inset / 2,
    w: side,
    h: side,
  });
  let d = "";
  for (let i = 0; i < count; i += 1) {
    const at = cell(i);
    d += `M${at.x.toFixed(1)},${at.y.toFixed(1)}h${side}v${side}h${-side}z`;
  }
  const zoomed = cell(enlarged);
  drawing.append(
    s("path", {
      d,
      fill: `var(--${tint})`,
      stroke: "var(--c0)",
      "stroke-width": pitch > 12 ? 0.9 : 0.4,
      "stroke-opacity": 0.55,
    }),
    s("rect", {
      x: zoomed.x,
      y: zoomed.y,
      width: side,
      height: side,
      fill: "var(--c0)",
      "fill-opacity": 0.45,
      stroke: "var(--c0)",
      "stroke-width": 1.2,
    }),
  );
  return zoomed;
}

function memoryBox(x, y, w, height, [name, size]) {
  const room = Math.floor((w - 16) / 6.6);
  return s(
    "g",
    {},
    s("rect", { x, y, width: w, height, rx: 5, fill: "var(--memory)", stroke: "var(--memory-line)" }),
    s("text", { x: x + w / 2, y: y + height / 2 - 3, "text-anchor": "middle" }, shorten(name, room)),
    s(
      "text",
      { x: x + w / 2, y: y + height / 2 + 13, "text-anchor": "middle", class: "small" },
      shorten(size, room),
    ),
  );
}

function arrow(x1, y1, x2, y2) {
  const flat = y1 === y2;
  const head = (x, y, sign) =>
    flat
      ? `M${x - 6 * sign},${y - 4}L${x},${y}L${x - 6 * sign},${y + 4}`
      : `M${x - 4},${y - 6 * sign}L${x},${y}L${x + 4},${y - 6 * sign}`;
  return [s("path", { class: "wire", d: `M${x1},${y1}L${x2},${y2}${head(x2, y2, 1)}${head(x1, y1, -1)}` })];
}

function pointCard(report) {
  const card = h("div", { class: "card", id: "point" }, h("h3", {}, "Chosen values"));
  const list = h("dl", { class: "kv" });
  for (const parameter of report.parameters) {
    list.append(
      h(
        "div",
        {},
        h("dt", {}, parameter.label),
        h("dd", {}, valueText(parameter, shownValue(report, parameter))),
      ),
    );
  }
  card.append(list);
  return card;
}
