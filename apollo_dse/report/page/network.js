// The network that was chosen with the design: a chain in lines, anything else with its nodes in a row under arcs.

const NODE_HEIGHT = 34,
  ARC_LABEL = 16;

function networkCard(network) {
  const host = h("div", { class: "diagram" });
  const isChain =
    network.edges.length === network.nodes.length - 1 &&
    network.edges.every(({ source, target }, i) => source === i && target === i + 1);
  responsive(host, (width) => host.replaceChildren((isChain ? drawChain : drawArcs)(network, width)));
  return h("figure", { class: "card", id: "network" }, h("h3", {}, "Network"), host);
}

function networkWords({ nodes, edges }) {
  const ways = edges.map(({ source, target, label }) => `${nodes[source]} to ${nodes[target]}: ${label || "as it is"}`);
  return `Network. ${ways.join("; ")}.`;
}

function nodeBox(x, y, w, label) {
  const room = Math.floor((w - 12) / 6.6);
  return s(
    "g",
    {},
    s("rect", { x, y, width: w, height: NODE_HEIGHT, rx: 5, fill: "var(--pe)", stroke: "var(--c0)", "stroke-opacity": 0.55 }),
    s("text", { x: x + w / 2, y: y + NODE_HEIGHT / 2 + 4, "text-anchor": "middle" }, s("title", {}, label), shorten(label, room)),
  );
}

/** Boxes from left to right, line by line; an arrow from each to the next. */
function drawChain(network, width) {
  const gap = 22;
  const longest = Math.max(...network.nodes.map((label) => label.length));
  const w = Math.min(width - 4, Math.max(64, longest * 6.6 + 20));
  const columns = Math.max(1, Math.floor((width - 4 + gap) / (w + gap)));
  const pitch = NODE_HEIGHT + gap;
  const height = Math.ceil(network.nodes.length / columns) * pitch - gap + 4;
  const drawing = svg(width, height, { role: "img", "aria-label": networkWords(network) });
  const place = (i) => [2 + (i % columns) * (w + gap), 2 + Math.floor(i / columns) * pitch];
  network.nodes.forEach((label, i) => {
    const [x, y] = place(i);
    drawing.append(nodeBox(x, y, w, label));
    if (i === 0) return;
    const [fromX, fromY] = place(i - 1);
    const d =
      fromY === y
        ? `M${x - gap + 2},${y + NODE_HEIGHT / 2}H${x - 2}m-6,-4l6,4l-6,4`
        : `M${fromX + w / 2},${fromY + NODE_HEIGHT}v${gap / 2}H${x + w / 2}v${gap / 2 - 2}m-4,-6l4,6l4,-6`;
    drawing.append(s("path", { class: "wire", d }));
  });
  return drawing;
}

/** Nodes in a row; each edge an arc over it, the higher the farther it leads, with its label on top. */
function drawArcs(network, width) {
  const { nodes, edges } = network;
  const pitch = (width - 4) / nodes.length;
  const w = Math.min(130, pitch * 0.6);
  const middle = (i) => 2 + pitch * (i + 0.5);
  const rise = (span) => 34 + 38 * (span - 1);
  const top = Math.max(0, ...edges.map(({ source, target }) => rise(target - source))) + ARC_LABEL + 6;
  const height = top + NODE_HEIGHT + 4;
  const drawing = svg(width, height, { role: "img", "aria-label": networkWords(network) });
  for (const { source, target, label } of edges) {
    const [from, to] = [middle(source) + w * 0.22, middle(target) - w * 0.22];
    const peak = top - rise(target - source);
    drawing.append(
      s("path", {
        class: "wire",
        d: `M${from},${top}C${from},${peak} ${from},${peak} ${(from + to) / 2},${peak}S${to},${peak} ${to},${top - 2}m-4,-6l4,6l4,-6`,
      }),
      s("text", { class: "small", x: (from + to) / 2, y: peak - 5, "text-anchor": "middle" }, label),
    );
  }
  nodes.forEach((label, i) => drawing.append(nodeBox(middle(i) - w / 2, top, w, label)));
  return drawing;
}
