// The studies of a store: a card each, with its convergence; two or more can be compared.

const FEW_STUDIES = 6;
const AT_ONCE = 2;

function shelfView(root) {
  const state = { cards: new Map(), chosen: new Set(), wanted: [], asking: 0, text: "" };
  const filter = h("input", {
    type: "search",
    placeholder: "Filter by name, network, optimizer",
    "aria-label": "Filter the studies",
    oninput: (event) => {
      state.text = event.target.value.toLowerCase();
      sift(state);
    },
  });
  Object.assign(state, { filter, lead: h("p", { class: "question" }), cardsHost: h("div", { class: "cards" }), tray: h("div") });
  document.title = "apollo-dse dashboard";
  setNav([]);
  root.replaceChildren(
    h("header", { class: "top" }, h("div", { class: "eyebrow" }, "Dashboard"), h("h1", {}, "Studies"), state.lead),
    h("main", { id: "main" }, h("div", { class: "tools" }, filter), state.cardsHost, state.tray),
  );
  keepUp((list) => showList(state, list));
}

function showList(state, { store, now, studies }) {
  const many = studies.length;
  state.lead.textContent = many === 0 ? `${store} has no studies yet.` : `${plural(many, "study", "studies")} in ${store}; newest first.`;
  state.filter.parentElement.hidden = many <= FEW_STUDIES;
  if (many === 0) {
    state.cardsHost.replaceChildren(
      h("p", { class: "empty" }, "Begin one in another terminal, and it appears here: ", h("code", {}, "apollo-dse explore --workload mobilenet_v2 --name first")),
    );
    return;
  }
  const names = new Set(studies.map((study) => study.name));
  for (const [name, card] of state.cards) {
    if (names.has(name)) continue;
    card.element.remove();
    state.cards.delete(name);
    state.chosen.delete(name);
  }
  if (state.cards.size === 0) state.cardsHost.replaceChildren();
  for (const study of studies) {
    if (!state.cards.has(study.name)) {
      const card = studyCard(state, study);
      state.cards.set(study.name, card);
      state.cardsHost.prepend(card.element);
    }
    state.cards.get(study.name).set(study, now);
  }
  sift(state);
}

/** Hide what the filter does not ask for. */
function sift(state) {
  for (const card of state.cards.values()) card.element.hidden = !card.words.includes(state.text);
}

function studyCard(state, study) {
  const live = liveMark(),
    question = h("p", { class: "note" }, study.workloads.join(", ")),
    spark = h("div", { class: "spark" }),
    facts = h("dl", { class: "facts" });
  const compare = h("input", {
    type: "checkbox",
    "aria-label": `Compare ${study.name}`,
    onchange: (event) => {
      state.chosen[event.target.checked ? "add" : "delete"](study.name);
      element.classList.toggle("chosen", event.target.checked);
      drawTray(state);
    },
  });
  const element = h(
    "article",
    { class: "card study" },
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, h("a", { href: `/studies/${encodeURIComponent(study.name)}` }, study.name)),
      live.element,
    ),
    question,
    spark,
    facts,
    h("div", { class: "foot" }, h("span", { class: "note" }, `begun ${study.created.slice(0, 10)}`), h("label", {}, compare, "Compare")),
  );
  const card = { element, words: [study.name, study.optimizer, ...study.workloads].join(" ").toLowerCase(), near: false };
  let seen = null;
  const outline = async (trials) => {
    try {
      const found = await ask(pathOf(study.name, "/outline"));
      seen = trials;
      question.textContent = questionOf(found);
      drawFacts(facts, found);
      drawSpark(spark, found);
    } catch (error) {
      seen = trials;
      question.textContent = error.message;
    }
  };
  new IntersectionObserver(([entry]) => {
    card.near = entry.isIntersecting;
    if (card.near) card.set();
  }, { rootMargin: "300px" }).observe(element);
  let now = study;
  card.set = (listed = now, time = null) => {
    now = listed;
    if (time) live.set(listed, time);
    if (seen === null) factsOf(facts, [["trials", plainNumber(listed.trials, 7)], ["optimizer", listed.optimizer]]);
    if (card.near && seen !== listed.trials) enqueue(state, card, () => outline(listed.trials));
  };
  return card;
}

/** Fetch outlines a few at a time, each card's once. */
function enqueue(state, card, work) {
  if (card.queued) return;
  card.queued = true;
  state.wanted.push(async () => {
    await work();
    card.queued = false;
  });
  while (state.asking < AT_ONCE && state.wanted.length > 0) pump(state);
}

async function pump(state) {
  state.asking += 1;
  while (state.wanted.length > 0) await state.wanted.shift()();
  state.asking -= 1;
}

function factsOf(host, facts) {
  host.replaceChildren(...facts.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))));
}

function drawFacts(host, outline) {
  const { study, curves } = outline;
  const best = curves.map((curve) => {
    const metric = metricOf(outline, curve.metric);
    return [metric.label.toLowerCase(), curve.values.length ? quantity(curve.values.at(-1), metric.unit, 4) : MISSING];
  });
  factsOf(host, [
    ...best,
    ["trials", `${plainNumber(study.trials, 7)} (${plainNumber(study.feasible, 7)} feasible)`],
    ["optimizer", study.optimizer],
  ]);
}

/** The first objective's best so far, without axes. */
function drawSpark(host, outline) {
  const [curve] = outline.curves;
  if (!curve || curve.values.length === 0) {
    host.replaceChildren(h("p", { class: "note" }, outline.study.trials ? "No feasible trial yet." : ""));
    return;
  }
  const label = `Best ${metricOf(outline, curve.metric).label.toLowerCase()} so far, by trial`;
  const draw = (width) => {
    const x = linearScale([0, Math.max(1, outline.last)], [2, width - 2]);
    const log = wantsLog(curve.values);
    const y = makeScale(log, extent([curve.values], log, 0), [58, 6]);
    let d = "";
    curve.rows.forEach((number, i) => {
      const [px, py] = [x(number).toFixed(1), y(curve.values[i]).toFixed(1)];
      d += i === 0 ? `M${px},${py}` : `H${px}V${py}`;
    });
    host.replaceChildren(
      svg(width, 64, { role: "img", "aria-label": label }, s("path", { class: "floor", d: `M0,62.5H${width}` }), s("path", { d: `${d}H${width - 2}` })),
    );
  };
  if (host.redraw) drawings.delete(host.redraw);
  host.redraw = responsive(host, draw);
  if (host.clientWidth > 0) draw(host.clientWidth);
}

function drawTray(state) {
  const names = [...state.chosen];
  if (names.length === 0) {
    state.tray.replaceChildren();
    state.tray.className = "";
    return;
  }
  const query = names.map((name) => `study=${encodeURIComponent(name)}`).join("&");
  state.tray.className = "tray";
  state.tray.replaceChildren(
    h("span", { class: "grow", role: "status" }, names.length === 1 ? `${names[0]} is chosen; choose another one to compare.` : `${names.length} studies are chosen.`),
    names.length > 1 ? h("a", { class: "button strong", href: `/compare?${query}` }, `Compare ${names.length} studies`) : "",
  );
}
