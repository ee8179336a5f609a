// The die as rectangles to scale by area, and the same as bars.

function areaCard(hardware) {
  const blocks = hardware.area_by_block.filter((block) => block.value > 0);
  const card = h(
    "figure",
    { class: "card", id: "area" },
    h("h3", {}, `Area: ${quantity(hardware.area_mm2, "mm²", 4)}`),
  );
  if (blocks.length === 0) {
    card.append(h("p", { class: "empty" }, "The template does not itemize its area."));
    return card;
  }
  const side = Math.sqrt(hardware.area_mm2);
  card.append(
    h(
      "p",
      { class: "note" },
      `As one square die of ${plainNumber(side)} mm a side, rectangles to scale. Shares, not a floor plan.`,
    ),
  );
  const host = h("div", { class: "diagram die" });
  const tint = new Map(blocks.map((block, i) => [block.name, category(i)]));
  responsive(host, (width) =>
    host.replaceChildren(drawArea(blocks, tint, Math.min(width, 330), hardware.area_mm2)),
  );
  card.append(
    h(
      "div",
      { class: "die-and-bars" },
      host,
      barTable(
        blocks.map((block) => ({
          label: block.label,
          share: block.value / blocks[0].value,
          color: tint.get(block.name),
          text: `${quantity(block.value, "mm²")} · ${percent(block.value / hardware.area_mm2, 2)}`,
        })),
      ),
    ),
  );
  return card;
}

function drawArea(blocks, tint, side, total) {
  const drawing = svg(side, side, {
    role: "img",
    "aria-label": "Area by block: " + blocks.map((b) => `${b.label} ${percent(b.value / total)}`).join(", "),
  });
  for (const { block, x, y, w, h: height } of treemap(blocks, { x: 0, y: 0, w: side, h: side })) {
    const group = s(
      "g",
      {},
      s("rect", {
        x: x + 0.75,
        y: y + 0.75,
        width: Math.max(0, w - 1.5),
        height: Math.max(0, height - 1.5),
        rx: 3,
        fill: `var(--${tint.get(block.name)})`,
        "fill-opacity": 0.3,
        stroke: `var(--${tint.get(block.name)})`,
      }),
    );
    const room = Math.floor((w - 12) / 6.8);
    if (height > 22 && room > 5) group.append(s("text", { x: x + 8, y: y + 18 }, shorten(block.label, room)));
    if (height > 40 && room > 9)
      group.append(s("text", { x: x + 8, y: y + 34, class: "small" }, quantity(block.value, "mm²")));
    drawing.append(group);
  }
  return drawing;
}

/** Squarified treemap (Bruls, Huizing and van Wijk, 2000): blocks sorted by size, rows kept near-square. */
function treemap(blocks, frame) {
  const total = blocks.reduce((sum, block) => sum + block.value, 0);
  const scale = (frame.w * frame.h) / total;
  const areas = [...blocks]
    .sort((a, b) => b.value - a.value)
    .map((block) => ({ block, area: block.value * scale }));
  const placed = [];
  let rest = { ...frame };
  while (areas.length > 0) {
    const short = Math.min(rest.w, rest.h);
    let row = [areas.shift()];
    while (areas.length > 0 && worst([...row, areas[0]], short) <= worst(row, short)) row.push(areas.shift());
    rest = layRow(row, rest, placed);
  }
  return placed;
}

function worst(row, short) {
  const sum = row.reduce((total, item) => total + item.area, 0);
  const all = row.map((item) => item.area);
  return Math.max((short ** 2 * Math.max(...all)) / sum ** 2, sum ** 2 / (short ** 2 * Math.min(...all)));
}

function layRow(row, rest, placed) {
  const sum = row.reduce((total, item) => total + item.area, 0);
  const upright = rest.w >= rest.h;
  const thick = sum / (upright ? rest.h : rest.w);
  let along = 0;
  for (const { block, area } of row) {
    const length = area / thick;
    placed.push(
      upright
        ? { block, x: rest.x, y: rest.y + along, w: thick, h: length }
        : { block, x: rest.x + along, y: rest.y, w: length, h: thick },
    );
    along += length;
  }
  return upright
    ? { x: rest.x + thick, y: rest.y, w: rest.w - thick, h: rest.h }
    : { x: rest.x, y: rest.y + thick, w: rest.w, h: rest.h - thick };
}
