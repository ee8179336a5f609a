// One study: its search first, then the design that is looked at, its layers, and all trials.

const GROWTH = 1.5;
const SECTIONS = [
  ["#search", "Search"],
  ["#answer", "Design"],
  ["#layers", "Layers"],
  ["#all", "All trials"],
  ["#top", "Best designs"],
];

/** The number of the trial that the address names (`#trial=12`), else null. */
function addressed() {
  const found = /[#&]trial=(\d+)/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

function studyView(root, name) {
  const parts = Object.fromEntries(["head", "search", "answer", "all", "foot"].map((part) => [part, h("div")]));
  const main = h("main", { id: "main" }, parts.search, parts.answer, parts.all);
  const state = { name, parts, main, root, live: liveMark(), doc: null, design: null, insight: null, seen: null };
  state.choose = (number) => {
    const address = number === state.doc?.recommendation?.number ? "#recommended" : `#trial=${number}`;
    if (location.hash !== address) history.pushState(null, "", address);
    lookAgain(state);
  };
  setNav([]);
  document.title = `${name}: apollo-dse dashboard`;
  refill(root, h("p", { class: "loading", role: "status" }, `Reading ${name} …`));
  addEventListener("popstate", () => state.doc && lookAgain(state));
  keepUp(async (list) => {
    const listed = list.studies.find((study) => study.name === name);
    if (!listed) throw Object.assign(new Error(`${list.store} has no study “${name}”.`), { status: 404 });
    state.live.set(listed, list.now);
    const seen = `${listed.created} ${listed.trials}`;
    if (seen === state.seen) return;
    await load(state);
    state.seen = seen;
  });
}

/** Fetch the newest document and show it; then what takes longer. */
async function load(state) {
  const first = state.doc === null;
  const doc = await ask(pathOf(state.name));
  checkSchema(doc);
  const { importance = [], sources = [] } = state.insight ?? {};
  state.doc = { ...doc, choose: state.choose, tally: (ranges) => ask(tallyPath(state.name, ranges)), importance, sources };
  if (first) {
    state.root.replaceChildren(state.parts.head, state.main, state.parts.foot);
    setNav(SECTIONS);
    state.pending = wantedTrial(state);
    drawEverything(state);
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("first picture")));
  }
  await look(state);
  if (doc.study.trials > 0) learn(state);
}

function tallyPath(name, ranges) {
  const query = new URLSearchParams([...ranges].map(([axis, ends]) => [axis, ends.join(",")]));
  return pathOf(name, `/tally?${query}`);
}

/** The trial to look at: the one that the address names, else the recommended one. */
const wantedTrial = (state) => addressed() ?? state.doc.recommendation?.number;

/** Show the design of the trial that is wanted. */
async function look(state) {
  const number = wantedTrial(state);
  state.wanted = number;
  if (state.design?.number !== number && number !== undefined) {
    state.pending = number;
    drawAnswer(state);
  }
  const known = number === undefined || (state.design?.number === number && !isRecommended(state));
  if (!known) {
    try {
      const design = await ask(pathOf(state.name, `/trials/${number}`));
      if (state.wanted !== number) return;
      state.design = design;
    } catch (error) {
      if (!error.status || state.wanted !== number) throw error;
      history.replaceState(null, "", location.pathname);
      throw error;
    }
  }
  state.pending = null;
  drawEverything(state);
}

/** As `look`, at the reader's wish. */
async function lookAgain(state) {
  try {
    await look(state);
    if (state.design && !state.pending) spoken.textContent = state.design.summary.headline;
  } catch (error) {
    trouble(error.status ? error.message : SILENT);
  }
}

const isRecommended = (state) => state.design?.number === state.doc.recommendation?.number;

/** What takes seconds to find out; once, and again when the study has grown by half. */
async function learn(state) {
  const trials = state.doc.study.trials;
  if (state.learning || (state.insight && trials < GROWTH * state.insight.trials)) return;
  state.learning = true;
  try {
    state.insight = { ...(await ask(pathOf(state.name, "/insight"))), trials };
    Object.assign(state.doc, { importance: state.insight.importance, sources: state.insight.sources });
    drawAll(state);
  } catch (error) {
    trouble(error.status ? error.message : SILENT);
  }
  state.learning = false;
}

/** The trial that is looked at in place of the recommended one. */
const selectedTrial = (state) => (state.design && !isRecommended(state) ? state.design : null);

function drawEverything(state) {
  drawSearch(state);
  drawAnswer(state);
  drawAll(state);
  state.parts.foot.replaceChildren(footerOf(state.doc));
}

function drawSearch(state) {
  const doc = { ...state.doc, selected: selectedTrial(state) };
  const header = headerOf(doc);
  header.querySelector(".facts").append(h("div", {}, state.live.element));
  refill(state.parts.head, header);
  const section = h("section", { id: "search" }, h("h2", {}, "The search"));
  if (doc.study.trials === 0)
    section.append(h("p", { class: "empty" }, "No trials yet: they are shown here as they come."));
  else
    section.append(
      h("p", { class: "lead" }, "Click a point to see its design below, or press Enter on it; drag to zoom, double-click to return."),
      h("div", { class: "grid2" }, convergenceCard(doc), frontCard(doc)),
    );
  refill(state.parts.search, section);
}

function drawAnswer(state) {
  const { doc } = state;
  const design = state.design && { ...state.design, other: !isRecommended(state) };
  const pending = state.pending === null || state.pending === undefined ? null : `Pricing trial ${state.pending} …`;
  const { summary, recommendation, hardware, workloads, network } = design ?? doc;
  const stale = pending !== null && state.pending !== (design?.number ?? recommendation?.number);
  const shown = { ...doc, summary, recommendation, hardware, workloads, network, design, pending, stale };
  const back = h("button", { class: "button", type: "button", onclick: () => state.choose(doc.recommendation.number) }, "Back to the recommended design");
  const tray = h(
    "div",
    { class: "tray", id: "selected" },
    h("span", { class: "grow" }, h("b", {}, `Trial ${design?.number}`), " is selected."),
    h("a", { class: "button", href: "#answer" }, "See its design"),
    doc.recommendation ? back : "",
  );
  state.parts.answer.classList.toggle("stale", stale);
  refill(
    state.parts.answer,
    answerSection(shown),
    ...(doc.study.trials > 0 ? [designSection(shown), layersSection(shown)] : []),
    ...(design?.other ? [tray] : []),
  );
}

function drawAll(state) {
  const doc = { ...state.doc, selected: selectedTrial(state) };
  const section = h("section", { id: "all" }, h("h2", {}, "All trials"));
  if (doc.study.trials > 0)
    section.append(
      ...[parallelCard(doc), importanceCard(doc), doc.sources.length > 0 ? sourcesCard(doc) : null, topDesignsCard(doc)]
        .filter(Boolean)
        .map((card) => h("div", { class: "stack" }, card)),
    );
  refill(state.parts.all, ...(doc.study.trials > 0 ? [section] : []));
}
