// A sortable table: headings are buttons, missing values sort last, long tables open on request.

const FIRST_ROWS = 200;

/**
 * columns: {title, text?, value(row), show?(value)}. Returns {element, light(row)}. Where there is `choose(row)`, the
 * first cell of each row is a button.
 */
function dataTable(columns, rows, { caption, key, onrow, chosen, selected, choose }) {
  const state = choicesOf(key, { column: null, down: true, all: rows.length <= FIRST_ROWS });
  const body = h("tbody");
  const heads = columns.map((column, i) =>
    h(
      "th",
      { scope: "col", class: column.text ? "text" : null },
      h("button", { type: "button", onclick: () => sort(i) }, column.title),
    ),
  );
  const more = h(
    "button",
    {
      class: "button",
      type: "button",
      onclick: () => {
        state.all = true;
        show();
      },
    },
    `Show all ${plainNumber(rows.length, 6)}`,
  );
  const below = h("div", { class: "below" }, more);
  let lines = new Map();

  const sort = (i) => {
    state.down = state.column === i ? !state.down : !columns[i].text;
    state.column = i;
    show();
  };
  const show = () => {
    heads.forEach((head, k) =>
      k === state.column
        ? head.setAttribute("aria-sort", state.down ? "descending" : "ascending")
        : head.removeAttribute("aria-sort"),
    );
    const sorted =
      state.column === null
        ? rows
        : [...rows].sort((a, b) =>
            compare(columns[state.column].value(a), columns[state.column].value(b), state.down),
          );
    lines = new Map(sorted.slice(0, state.all ? rows.length : FIRST_ROWS).map((row) => [row, line(row)]));
    body.replaceChildren(...lines.values());
    below.hidden = state.all;
  };
  const line = (row) =>
    h(
      "tr",
      {
        class: [row === chosen && "chosen", row === selected && "selected"].filter(Boolean).join(" ") || null,
        onpointerenter: () => onrow?.(row),
        onpointerleave: () => onrow?.(null),
      },
      columns.map((column, place) => {
        const value = column.value(row);
        const text =
          column.show && value !== null
            ? column.show(value)
            : typeof value === "number"
              ? plainNumber(value, 4)
              : (value ?? MISSING);
        const cell =
          choose && place === 0
            ? h("button", { class: "pick", type: "button", title: "Show its design", onclick: () => choose(row) }, text)
            : text;
        return h("td", { class: column.text ? "text" : null, title: column.text ? text : null }, cell);
      }),
    );
  show();
  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      h(
        "table",
        { class: "data" },
        h("caption", { class: "hidden-text" }, caption),
        h("thead", {}, h("tr", {}, heads)),
        body,
      ),
    ),
    below,
  );
  return {
    element,
    light: (row) => {
      for (const [key, tr] of lines) tr.classList.toggle("lit", key === row);
    },
  };
}

function compare(a, b, down) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}

function topDesignsCard(report) {
  const { trials } = report;
  const shown = report.metrics.filter((m) => !m.name.includes(":"));
  const columns = [
    { title: "trial", value: (row) => trials.number[row] },
    ...shown.map((m) => ({
      title: m.label,
      value: (row) => trials.metrics[m.name][row],
      show: (v) => quantity(v, m.unit, 4),
    })),
    ...report.parameters.map((p) => ({
      title: p.label,
      text: p.values?.some((v) => typeof v === "string"),
      value: (row) => stored(p, trials.parameters[p.name][row]),
      show: (v) => (typeof v === "number" ? quantity(v, p.unit, 4) : v),
    })),
  ];
  const card = h("div", { class: "card", id: "top" }, h("h3", {}, "Best designs"));
  if (report.top.length === 0)
    card.append(h("p", { class: "empty" }, "No feasible trial, so there is no list of best designs."));
  else
    card.append(
      dataTable(columns, report.top, {
        caption: "Best designs",
        key: report.choose && "best designs",
        chosen: report.recommendation?.row,
        selected: report.selected && trials.number.indexOf(report.selected.number),
        choose: report.choose && ((row) => report.choose(trials.number[row])),
      }).element,
    );
  return card;
}

function stored(parameter, value) {
  return parameter.values && value !== null && value !== undefined ? parameter.values[value] : value;
}
