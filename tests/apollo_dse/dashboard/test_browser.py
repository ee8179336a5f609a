"""The dashboard in a real browser: every view, hand and key, a narrow window, the dark, a study that grows."""

import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
import uvicorn

from apollo_dse.dashboard.app import build_app
from apollo_dse.dashboard.serve import listen
from apollo_dse.dashboard.shelf import Shelf
from apollo_dse.problem import Constraint, Objective
from apollo_dse.storage import Header, Record, Store
from apollo_dse.trial import Measurement, Trial
from tests.apollo_dse.chromium import BINARY, Browser
from tests.apollo_dse.dashboard.examples import QUESTION, begin, extend, made_up
from tests.apollo_dse.report_example import problem, random_trials

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="needs a chromium binary on PATH (apt-get install chromium)"),
]

ATTACK = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
REAL = replace(QUESTION, objectives=(Objective("latency_s"), Objective("area_mm2")))
FRONT = "#front .surface"
HEADLINE = "document.querySelector('#answer .headline').textContent"
SPOKEN = "document.querySelector('[role=status].hidden-text').textContent"


@contextmanager
def served(path, host="127.0.0.1"):
    """The address of the dashboard of a store, while it is served from a thread."""
    place = listen(host, 0)
    app = build_app(Shelf(path), token=place.token, host=place.host)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place.socket]})
    thread.start()
    try:
        yield place.url.replace("0.0.0.0", "127.0.0.1")
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        place.socket.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Real trials of two objectives, made-up ones, none, none feasible, three objectives, a simulator's."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    trials = random_trials(problem(("latency", "area"), ("area<=40",)), 39, seed=5)
    real = [Record(trial, 0, 0.1, "random") for trial in trials]
    begin(path, "real", REAL)
    extend(path, real, "real")
    begin(path, "made-up", replace(QUESTION, seed=1))
    extend(path, list(made_up(39)), "made-up")
    begin(path, "empty")
    begin(path, "hopeless", replace(QUESTION, constraints=(Constraint.parse("area<=0.001"),)))
    extend(path, real, "hopeless")
    three = tuple(map(Objective, ("latency_s", "energy_j", "area_mm2")))
    begin(path, "three", replace(QUESTION, objectives=three, constraints=()))
    extend(path, real, "three")
    theirs = replace(QUESTION, evaluator="their-simulator")
    with Store(path) as opened:
        asked = opened.header("real").asked
        opened.create(Header("simulated", "2026-01-01T00:00:00+00:00", asked, theirs.about()))
        opened.append("simulated", real)
        opened.create(Header("theirs", "2026-01-01T00:00:00+00:00", {}, {}))
    return path


@pytest.fixture(scope="module")
def url(store):
    with served(store) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def leave(browser):
    """Go away after each test: a page goes on asking its server, which may be gone."""
    yield
    browser.send("Page.navigate", url="about:blank")
    browser.wait("location.href === 'about:blank'")


def show(
    browser,
    address,
    ready="document.querySelector('#layers .card, #layers .empty:not([data-pending])')",
    **look,
):
    browser.open(address, **look)
    browser.wait(f"!document.querySelector('.loading') && {ready} !== null")
    browser.settle()


def study(browser, url, name="real", **look):
    """Show a study until its recommended design is priced."""
    show(browser, f"{url}studies/{name}", **look)


@pytest.mark.parametrize("name", ["real", "made-up", "hopeless", "three", "simulated"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_every_study_is_drawn_without_complaint(browser, url, name, width, dark):
    study(browser, url, name, width=width, dark=dark)
    assert browser.complaints == []
    assert all(request.startswith((url, "data:")) for request in browser.requests)
    assert browser.run("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    text, markup = browser.run("document.body.innerText"), browser.run("document.body.innerHTML")
    for word in ("NaN", "Infinity", "undefined", "[object"):
        assert word not in text
        assert f'="{word}' not in markup


def test_the_list_leads_to_studies_and_compares_them(browser, url):
    show(browser, url, "document.querySelector('.spark svg')")
    assert browser.complaints in (
        [],
        ["Failed to load resource: the server responded with a status of 409 (Conflict)"],
    )
    names = browser.run("[...document.querySelectorAll('.study h3')].map((each) => each.textContent)")
    assert names == ["theirs", "simulated", "three", "hopeless", "empty", "made-up", "real"]
    browser.wait("/must have been begun/.test(document.querySelector('.study').textContent)")
    browser.run("document.querySelector('[aria-label=\"Compare real\"]').focus()")
    browser.press(" ")
    browser.run("document.querySelector('[aria-label=\"Compare made-up\"]').click()")
    assert browser.run("document.querySelector('.tray a').textContent") == "Compare 2 studies"
    browser.run("document.querySelector('.tray a').click()")
    browser.wait("document.querySelectorAll('#table tbody tr').length === 2")
    browser.wait("document.querySelectorAll('#convergence path.path').length === 2")
    browser.wait("document.querySelectorAll('#front path.path').length === 2")
    assert "Objectives differ" in browser.run("document.querySelector('.differences').textContent")


def test_the_filter_hides_other_studies(browser, url):
    show(browser, url, "document.querySelector('.study')")
    browser.run("document.querySelector('.tools input').focus()")
    browser.send("Input.insertText", text="REAL")
    shown = "[...document.querySelectorAll('.study:not([hidden]) h3')].map((each) => each.textContent)"
    browser.wait(f"String({shown}) === 'real'")


def test_what_differs_between_studies_is_said(browser, url):
    show(
        browser,
        f"{url}compare?study=real&study=three&study=gone",
        "document.querySelector('#table')",
        width=390,
    )
    said = browser.run("document.querySelector('.differences').textContent")
    assert "Objectives differ: latency and area (real); latency and energy and area (three)." in said
    assert "has no study 'gone'" in said
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_click_on_the_front_shows_the_design(browser, url):
    study(browser, url)
    recommended = browser.run(HEADLINE)
    assert recommended.startswith("Build ")
    x, y, width, height = browser.place(FRONT)
    end = browser.run("(() => { const [x, y] = document.querySelector('#front path.path').getAttribute('d')"
                      ".match(/^M([\\d.]+),([\\d.]+)/).slice(1).map(Number);"
                      "const box = document.querySelector('#front .plot').getBoundingClientRect();"
                      "return [box.x + x, box.y + y]; })()")  # fmt: skip
    assert x - 1 <= end[0] <= x + width + 1
    assert y - 1 <= end[1] <= y + height + 1
    browser.drag(tuple(end), tuple(end))
    browser.wait(f"{HEADLINE}.startsWith('Trial ')")
    number = browser.run("Number(/trial=(\\d+)/.exec(location.hash)[1])")
    assert browser.run(HEADLINE).startswith(f"Trial {number} is ")
    assert browser.run("document.querySelector('#answer .badge').textContent") == "Selected"
    assert browser.run("document.querySelector('#design h2').textContent") == f"The design of trial {number}"
    assert browser.run("document.querySelectorAll('#roofline, #layer-table tbody tr').length") > 1
    assert f"Trial {number}" in browser.run("document.querySelector('#selected').textContent")
    browser.run("document.querySelector('#selected button').click()")
    browser.wait(f"{HEADLINE} === {recommended!r}")
    browser.run("history.back()")
    browser.wait(f"{HEADLINE}.startsWith('Trial {number} is')")
    assert browser.complaints == []


def test_the_keyboard_walks_along_the_front(browser, url):
    study(browser, url)
    front = browser.run(
        "fetch('/api/studies/real').then((r) => r.json())"
        ".then((d) => d.front.rows.map((row) => d.trials.number[row]))"
    )
    assert len(front) > 2
    browser.run(f"document.querySelector('{FRONT}').focus()")
    walked = []
    for _ in front:
        browser.press("ArrowRight")
        walked.append(int(browser.run(SPOKEN).split(",")[0].removeprefix("Trial ").replace("\u202f", "")))
    assert walked == front
    browser.press("Enter")
    browser.wait(f"location.hash !== '' && {SPOKEN} === {HEADLINE}")
    browser.settle()
    browser.wait("document.activeElement?.classList.contains('surface')")
    browser.press("ArrowLeft")
    assert browser.run(SPOKEN).startswith(f"Trial {front[-2]}")


def test_every_control_is_reached_by_tab_and_shows_it(browser, url):
    study(browser, url)
    controls = "[...document.querySelectorAll('button, a[href], select, input')].filter((e) => e.offsetParent)"
    browser.run("window.reached = new Set(); addEventListener('focusin', (e) => reached.add(e.target)); 0")
    for _ in range(browser.run(f"{controls}.length") + 60):
        for kind in ("keyDown", "keyUp"):
            browser.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.run(f"{controls}.filter((e) => !reached.has(e)).map((e) => e.outerHTML)") == []
    assert browser.run(f"{controls}.filter((e) => !e.textContent.trim() && !e.ariaLabel).length") == 0
    browser.run("document.querySelector('#top .pick').focus()")
    assert browser.run("getComputedStyle(document.querySelector('#theme')).outlineStyle") == "none"


def test_a_row_of_the_best_designs_is_chosen(browser, url):
    study(browser, url)
    browser.run("document.querySelectorAll('#top th button')[1].click()")
    browser.run("document.querySelector('#top tbody tr:not(.chosen) .pick').focus()")
    browser.run("document.activeElement.click()")
    browser.wait("document.querySelector('#top tr.selected') !== null")
    browser.wait("document.activeElement?.className === 'pick'")
    assert browser.run("document.querySelectorAll('#top th')[1].getAttribute('aria-sort')") == "descending"


def test_a_simulators_study_says_why_it_has_no_layers(browser, url):
    study(browser, url, "simulated")
    said = browser.run("document.querySelector('#layers').textContent")
    assert "an evaluator of its own, which tells no breakdown by layer" in said
    assert browser.run("document.querySelectorAll('#point dd').length") == 10


def test_no_trials_and_no_study_are_said(browser, url):
    show(browser, f"{url}studies/empty", "document.querySelector('#search')")
    assert "No trials yet" in browser.run("document.querySelector('#search').textContent")
    browser.open(f"{url}studies/gone", ready="document.readyState === 'complete'")
    browser.wait("/no study/.test(document.querySelector('#trouble').textContent)")


def test_names_run_nothing(browser, url, store):
    with Store(store) as opened:
        header = opened.header("made-up")
        asked = {**header.asked, "optimizer": {"name": ATTACK, "seed": 0}}
        workloads = [{**header.about["workloads"][0], "name": ATTACK}]
        if "hostile" not in opened.names():
            opened.create(
                Header("hostile", "2026-01-01T00:00:00+00:00", asked, {**header.about, "workloads": workloads})
            )
            refusal = Measurement(infeasible_because=ATTACK)
            records = [
                replace(each, trial=Trial(each.trial.number, each.trial.point, refusal)) for each in made_up(5)
            ]
            opened.append(
                "hostile",
                [
                    *records,
                    *(
                        replace(each, trial=replace(each.trial, number=each.trial.number + 5))
                        for each in made_up(9, seed=1)
                    ),
                ],
            )
    show(browser, f"{url}studies/hostile", "document.querySelector('#reasons')")
    assert ATTACK in browser.run("document.querySelector('.question').textContent")
    assert browser.run("document.images.length") == 0
    show(browser, f"{url}compare?study=hostile&study={'%3Cimg%20src=x%3E'}", "document.querySelector('#table')")
    assert browser.run("document.images.length") == 0
    assert browser.run("document.title") != "taken"


def test_a_growing_study_is_followed_with_the_selection_kept(browser, tmp_path):
    path = tmp_path / "store.sqlite"
    trials = [
        Record(trial, 0, 0.1, "random")
        for trial in random_trials(problem(("latency", "area"), ("area<=40",)), 39, seed=5)
    ]
    begin(path, question=REAL)
    extend(path, trials[:20])
    with served(path) as url:
        study(browser, url, "demo")
        assert "trials20" in browser.run("document.querySelector('.facts').textContent")
        assert browser.run("document.querySelector('.live').classList.contains('on')")
        recommended = browser.run("Number(document.querySelector('#top tr.chosen .pick').textContent)")
        other = next(n for n in range(20) if n != recommended and trials[n].trial.measurement.is_feasible)
        browser.run(f"location.hash = '#trial={other}'")
        browser.wait(f"{HEADLINE}.startsWith('Trial {other} ')")
        browser.settle()
        status = "document.querySelector('#parallel [role=status]').textContent"
        x, y, width, height = browser.place("#parallel .brush-zone")
        browser.drag((x + width / 2, y + height - 1), (x + width / 2, y + 1))
        browser.wait(f"{status}.startsWith('20 of 20 designs in the brushed ranges')")
        browser.run("document.querySelector('#convergence .surface').focus({preventScroll: true})")
        browser.press("+")
        ticks = "document.querySelector('#convergence svg .axis').textContent.split('trial')[0]"
        zoomed = browser.run(ticks)
        browser.run("scrollTo({top: 200, behavior: 'instant'})")
        extend(path, trials[20:])
        browser.wait("document.querySelector('.facts').textContent.includes('trials39')")
        browser.settle()
        assert browser.run(HEADLINE).startswith(f"Trial {other} ")
        assert browser.run(ticks) == zoomed
        assert browser.run("document.activeElement.closest('figure').id") == "convergence"
        browser.wait(f"{status}.startsWith('39 of 39 designs in the brushed ranges')")
        assert browser.run("scrollY") == 200
        assert "just now" in browser.run(
            "document.querySelector('.live').textContent"
        ) or "s ago" in browser.run("document.querySelector('.live').textContent")
    browser.wait("/does not answer/.test(document.querySelector('#trouble').textContent)")


def test_a_token_is_asked_for_once(browser, store):
    with served(store, "0.0.0.0") as address:
        bare, _, _ = address.partition("?")
        browser.open(bare, ready="document.readyState === 'complete'")
        assert "token" in browser.run("document.body.innerText")
        show(browser, address, "document.querySelector('.study')")
        assert browser.run("location.href") == bare
        assert browser.run("document.cookie") == "", "no script reads the cookie"
        show(browser, f"{bare}studies/empty", "document.querySelector('#search')")


def thin(count):
    """A count as the page writes it."""
    return f"{count:,}".replace(",", "\u202f") if count >= 1e4 else str(count)


def test_a_hundred_thousand_trials(browser, tmp_path):
    path = tmp_path / "store.sqlite"
    begin(path)
    trials = list(made_up(100_000))
    extend(path, trials)
    with served(path) as url:
        browser.open(f"{url}studies/demo")
        browser.wait("document.querySelector('#parallel canvas') !== null")
        assert browser.complaints == []
        note = browser.run("document.querySelector('#front .note').textContent")
        assert "of 100\u202f000 trials are drawn: the whole front, every improvement" in note
        browser.run("document.querySelectorAll('#parallel .brush-thumb')[1].focus()")
        browser.press("Home")
        (parameter,) = QUESTION.search_space.parameters[:1]
        within = [each.trial for each in trials if each.trial.point[parameter.name] == parameter.values[0]]
        feasible = sum(map(problem(("latency",), ("area<=40",)).feasible, within))
        count = f"{thin(len(within))} of 100\u202f000 designs in the brushed ranges, {thin(feasible)} feasible"
        browser.wait(f"document.querySelector('#parallel [role=status]').textContent.startsWith({count!r})")
        browser.run(f"document.querySelector('{FRONT}').focus()")
        browser.press("ArrowRight")
        browser.press("Enter")
        browser.wait("/trial=|recommended/.test(location.hash)")
        browser.wait("document.querySelector('#design .card') !== null")
