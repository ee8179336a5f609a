// The page: words first, then the design, its layers, the search. `render` may be called again with a newer document.

const SCHEMA = "apollo-dse.report";
const SCHEMA_VERSION = 1;

function headerOf(report) {
  const { study } = report;
  const facts = [
    ["optimizer", study.optimizer],
    ["trials", `${plainNumber(study.trials, 7)} (${plainNumber(study.feasible, 7)} feasible)`],
    ["evaluation", study.seconds === null ? MISSING : quantity(study.seconds, "s")],
    ["seed", study.seed ?? MISSING],
    [
      "space",
      `${study.space}${study.space_size === null ? "" : `, ${plainNumber(study.space_size, 4)} designs`}`,
    ],
  ];
  return h(
    "header",
    { class: "top" },
    h("div", { class: "eyebrow" }, "Accelerator study"),
    h("h1", {}, study.name),
    h("p", { class: "question" }, questionOf(report)),
    h(
      "dl",
      { class: "facts" },
      facts.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, String(value)))),
    ),
  );
}

function questionOf(report) {
  const { study } = report;
  const goals = study.objectives.map((o) => `${o.goal} ${metricOf(report, o.metric).label.toLowerCase()}`);
  const limits = study.constraints.map((c) => limitText(report, c));
  const on = study.workloads.length
    ? ` of ${study.workloads.join(study.workloads.length > 2 ? ", " : " and ")}`
    : "";
  const text = `${goals.join(" and ")}${on}${limits.length ? ` with ${limits.join(" and ")}` : ", without limits"}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function limitText(report, { metric, lower, upper }) {
  const { label, unit } = metricOf(report, metric);
  const name = label.charAt(0).toLowerCase() + label.slice(1);
  return [
    upper === null ? null : `${name} ≤ ${quantity(upper, unit, 5)}`,
    lower === null ? null : `${name} ≥ ${quantity(lower, unit, 5)}`,
  ]
    .filter(Boolean)
    .join(" and ");
}

function answerSection(report) {
  const { summary, recommendation } = report;
  const good = recommendation?.feasible === true;
  const badge = h(
    "span",
    { class: `badge ${good ? "yes" : "no"}` },
    good ? "Recommended" : recommendation ? "Infeasible" : "No recommendation",
  );
  return h(
    "section",
    { id: "answer" },
    h(
      "div",
      { class: `card answer${good ? "" : " no"}` },
      badge,
      h("p", { class: "headline", style: { marginTop: ".5rem" } }, summary.headline),
      h(
        "ul",
        {},
        summary.sentences.map((sentence) => h("li", {}, sentence)),
      ),
    ),
    recommendation ? tilesOf(report) : "",
    h("div", { class: "grid2 stack" }, limitsCard(report), reasonsCard(report)),
  );
}

function tilesOf(report) {
  const { trials, recommendation, study } = report;
  const goals = new Set(study.objectives.map((o) => o.metric));
  const tiles = report.metrics
    .filter((m) => !m.name.includes(":") && trials.metrics[m.name][recommendation.row] !== null)
    .map((m) => {
      const [number, unit] = parts(trials.metrics[m.name][recommendation.row], m.unit, 4);
      return h(
        "div",
        { class: `tile${goals.has(m.name) ? " goal" : ""}` },
        h("div", { class: "label" }, m.label),
        h("div", { class: "value" }, number, h("small", {}, `\u202f${unit}`)),
        goals.has(m.name) ? h("div", { class: "more" }, "objective") : "",
      );
    });
  return h("div", { class: "tiles" }, tiles);
}

function limitsCard(report) {
  const card = h("div", { class: "card", id: "limits" }, h("h3", {}, "Limits"));
  const { recommendation, study } = report;
  if (study.constraints.length === 0) card.append(h("p", { class: "empty" }, "The study set no limits."));
  else if (!recommendation || recommendation.limits.length === 0)
    card.append(h("p", { class: "empty" }, "No measured design to hold against the limits."));
  else recommendation.limits.forEach((use, i) => card.append(meter(report, use, i === recommendation.binding)));
  return card;
}

function meter(report, use, binding) {
  const { label, unit } = metricOf(report, use.metric);
  const broken = use.slack < 0;
  const state = broken ? "over the limit" : binding ? "binding" : "met";
  const name = `${label} ${use.side === "upper" ? "≤" : "≥"} ${quantity(use.bound, unit, 5)}`;
  return h(
    "div",
    { class: `meter${broken ? " broken" : binding ? " binding" : ""}` },
    h("div", { class: "row" }, h("span", {}, name), h("span", {}, `${quantity(use.value, unit, 4)}, ${state}`)),
    use.used === null
      ? ""
      : h(
          "div",
          { class: "track" },
          h("div", { class: "fill", style: { width: `${Math.min(1, Math.max(0, use.used)) * 100}%` } }),
        ),
  );
}

function reasonsCard(report) {
  const { study, reasons } = report;
  const failed = study.trials - study.feasible;
  const card = h("figure", { class: "card", id: "reasons" }, h("h3", {}, "Why trials were infeasible"));
  if (study.trials === 0) card.append(h("p", { class: "empty" }, "No trials yet."));
  else if (failed === 0) card.append(h("p", { class: "empty" }, "Every trial was feasible."));
  else {
    card.append(
      h(
        "p",
        { class: "note" },
        `${plainNumber(failed, 7)} of ${plainNumber(study.trials, 7)} trials (${percent(failed / study.trials)}); each counts once.`,
      ),
    );
    card.append(
      barTable(
        reasons.map((reason) => ({
          label: reason.text,
          share: reason.count / reasons[0].count,
          text: plainNumber(reason.count, 7),
          color: reason.kind === "over a limit" ? "c1" : "c7",
          title: reason.example,
        })),
        true,
      ),
      legend([
        { name: "over a limit", glyph: swatch("c1") },
        { name: "cannot be built or mapped", glyph: swatch("c7") },
      ]),
    );
  }
  return card;
}

function searchSection(report) {
  const section = h("section", { id: "search" }, h("h2", {}, "The search"));
  if (report.study.trials === 0) {
    section.append(h("p", { class: "empty" }, "No trials yet: there is nothing to show of the search."));
    return section;
  }
  section.append(
    h("p", { class: "lead" }, "Hover for a trial's numbers; drag to zoom, double-click to return."),
    h("div", { class: "grid2" }, convergenceCard(report), frontCard(report)),
    report.sources.length > 0 ? h("div", { class: "stack" }, sourcesCard(report)) : "",
    h("div", { class: "stack" }, parallelCard(report)),
    h("div", { class: "stack" }, importanceCard(report)),
    h("div", { class: "stack" }, topDesignsCard(report)),
  );
  return section;
}

function footerOf(report) {
  const { study } = report;
  const versions = Object.entries(study.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(" · ");
  return h(
    "footer",
    {},
    h("p", {}, versions),
    study.space_reference ? h("p", {}, `Space: ${study.space_reference}`) : "",
  );
}

function render(report) {
  if (report.schema !== SCHEMA || report.schema_version !== SCHEMA_VERSION) {
    throw new Error(
      `this page shows ${SCHEMA} version ${SCHEMA_VERSION}, but the document is ${report.schema} version ${report.schema_version}`,
    );
  }
  drawings.clear();
  document.title = `${report.study.name}: apollo-dse report`;
  document
    .getElementById("report")
    .replaceChildren(
      headerOf(report),
      h(
        "main",
        { id: "main" },
        answerSection(report),
        designSection(report),
        layersSection(report),
        searchSection(report),
      ),
      footerOf(report),
    );
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Theme in force: the reader's choice (this page's, or `#theme=dark` in the address), else the system's. */
function wantedTheme() {
  const asked = /theme=(light|dark)/.exec(location.hash + location.search)?.[1];
  let kept = null;
  try {
    kept = localStorage.getItem("apollo-dse-theme");
  } catch {
    /* file pages may have no storage */
  }
  return asked ?? kept ?? (dark.matches ? "dark" : "light");
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light theme" : "Dark theme";
  redrawAll();
}

function start() {
  document.body.append(tip, spoken);
  document.getElementById("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("apollo-dse-theme", theme);
    } catch {
      /* the choice lasts for this view */
    }
    setTheme(theme);
  });
  dark.addEventListener("change", () => setTheme(wantedTheme()));
  addEventListener("beforeprint", () => setTheme("light"));
  addEventListener("afterprint", () => setTheme(wantedTheme()));
  addEventListener("scroll", hideTip, { passive: true });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
  });
  setTheme(wantedTheme());
  render(JSON.parse(document.getElementById("report-data").textContent));
}

start();
