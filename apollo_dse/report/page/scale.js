// From values to pixels and back, and where the ticks stand.

function linearScale([low, high], [from, to]) {
  const ratio = (to - from) / (high - low || 1);
  const scale = (value) => from + (value - low) * ratio;
  return Object.assign(scale, {
    domain: [low, high],
    log: false,
    invert: (pixel) => low + (pixel - from) / ratio,
  });
}

function logScale([low, high], [from, to]) {
  const [a, b] = [Math.log(low), Math.log(high)];
  const ratio = (to - from) / (b - a || 1);
  const scale = (value) => from + (Math.log(value) - a) * ratio;
  return Object.assign(scale, {
    domain: [low, high],
    log: true,
    invert: (pixel) => Math.exp(a + (pixel - from) / ratio),
  });
}

const makeScale = (log, domain, range) => (log ? logScale : linearScale)(domain, range);

/** Smallest and largest of several columns, widened a little; a single value gets room around it. */
function extent(columns, log, pad = 0.05) {
  let low = Infinity,
    high = -Infinity;
  for (const column of columns) {
    for (const value of column) {
      if (value === null || value === undefined || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return log ? [1, 10] : [0, 1];
  if (log) {
    const margin = low === high ? 2 : (high / low) ** pad;
    return [low / margin, high * margin];
  }
  const margin = low === high ? Math.abs(low) * 0.5 || 1 : (high - low) * pad;
  return [low - margin, high + margin];
}

/** Worth a logarithmic axis: all positive and more than a factor of 5 apart. */
function wantsLog(column) {
  let low = Infinity,
    high = 0;
  for (const value of column) {
    if (value === null || value === undefined) continue;
    if (value <= 0) return false;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high / low > 5;
}

function ticks(scale, count) {
  return scale.log ? logTicks(scale.domain, count) : linearTicks(scale.domain, count);
}

function linearTicks([low, high], count) {
  const raw = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

function logTicks([low, high], count) {
  const decades = Math.log10(high / low);
  if (decades < 0.9) return linearTicks([low, high], count).filter((value) => value > 0);
  const every = Math.max(1, Math.ceil(decades / count));
  const multiples = decades * 2 <= count ? [1, 2, 5] : decades * 1.6 <= count ? [1, 3] : [1];
  const found = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
    if (((e % every) + every) % every) continue;
    for (const m of multiples) {
      const value = Number(`${m}e${e}`);
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

/** Axes, grid and titles as one SVG group. `box` is the plotting rectangle; ticks carry their unit. */
function drawAxes(x, y, box, xAxis, yAxis) {
  const group = s("g", { class: "axis" });
  const bottom = box.top + box.height;
  for (const value of ticksOf(y, box.height)) {
    const at = Math.round(y(value)) + 0.5;
    group.append(
      s("line", { class: "gridline", x1: box.left, x2: box.left + box.width, y1: at, y2: at }),
      s("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, tickText(value, yAxis.unit)),
    );
  }
  for (const value of ticks(x, Math.max(2, Math.floor(box.width / 84)))) {
    const at = Math.round(x(value)) + 0.5;
    group.append(
      s("line", { class: "gridline", x1: at, x2: at, y1: box.top, y2: bottom }),
      s(
        "text",
        { x: at, y: bottom + 18 + (xAxis.below ?? 0), "text-anchor": "middle" },
        tickText(value, xAxis.unit),
      ),
    );
  }
  group.append(
    s("path", { d: `M${box.left + 0.5},${box.top}V${bottom + 0.5}H${box.left + box.width}` }),
    s(
      "text",
      { class: "title", x: box.left + box.width, y: bottom + 37 + (xAxis.below ?? 0), "text-anchor": "end" },
      `${xAxis.title}${xAxis.log ? " (log)" : ""} →`,
    ),
    s("text", { class: "title", x: 2, y: 12 }, `↑ ${yAxis.title}${yAxis.log ? " (log)" : ""}`),
  );
  return group;
}

const ticksOf = (scale, size) => ticks(scale, Math.max(2, Math.floor(size / 52)));

/** Pixels that the labels of an upright axis need. */
function axisRoom(y, size, unit) {
  return Math.max(30, ...ticksOf(y, size).map((value) => 16 + 6.6 * tickText(value, unit).length));
}

function tickText(value, unit) {
  return quantity(value, unit, 4).replace("\u00a0", "\u202f");
}
