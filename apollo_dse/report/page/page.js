// What a study's page is made of: its head, the answer in words and numbers, the search, its foot.

const SCHEMA = "apollo-dse.report";
const SCHEMA_VERSION = 1;

/** Pass over a document that this page can show. */
function checkSchema(report) {
  if (report.schema === SCHEMA && report.schema_version === SCHEMA_VERSION) return;
  throw new Error(
    `this page shows ${SCHEMA} version ${SCHEMA_VERSION}, but the document is ${report.schema} version ${report.schema_version}`,
  );
}

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
  return h(
    "section",
    { id: "answer" },
    h(
      "div",
      { class: `card answer${good ? "" : " no"}` },
      badges(report, good),
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

function badges(report, good) {
  const standing = good ? (report.design?.other ? "Feasible" : "Recommended") : report.recommendation ? "Infeasible" : "No recommendation";
  return [
    report.design?.other ? h("span", { class: "badge" }, "Selected") : "",
    h("span", { class: `badge ${good ? "yes" : "no"}` }, report.design?.other && !report.recommendation ? "Refused" : standing),
  ];
}

/** The trial that is shown: `report.design`, where one was asked for, else the recommended one of the table. */
function shownMetric(report, name) {
  if (report.design) return report.design.metrics[name] ?? null;
  return report.trials.metrics[name][report.recommendation.row];
}

function shownValue(report, parameter) {
  if (report.design) return report.design.point[parameter.name];
  return stored(parameter, report.trials.parameters[parameter.name][report.recommendation.row]);
}

function tilesOf(report) {
  const goals = new Set(report.study.objectives.map((o) => o.metric));
  const tiles = report.metrics
    .filter((m) => !m.name.includes(":") && shownMetric(report, m.name) !== null)
    .map((m) => {
      const [number, unit] = parts(shownMetric(report, m.name), m.unit, 4);
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
