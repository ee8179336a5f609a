"""The page in a real browser: draws every state without complaint, asks for nothing, answers hand and key."""

from dataclasses import replace

import pytest

from apollo_dse.report import render
from apollo_dse.transfer import Account
from search_spaces.networks.graph import Edge, Graph, chain
from tests.apollo_dse.chromium import BINARY, Browser
from tests.apollo_dse.report_example import ONE_LAYER, TINY, report_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="needs a chromium binary on PATH (apt-get install chromium)"),
]

ATTACK = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
LEARNED = Account(name="study:a@8", workloads=("net",), trials=8, distance=0.5, weight=0.25, remarks=("x",))
CELL = Graph(("in", "1", "2", "out"), (Edge(0, 1, "3 × 3"), Edge(1, 2), Edge(0, 3, ATTACK), Edge(2, 3, "pool")))
STATES = {
    "a network chosen, a cell": lambda: replace(report_of(39), network=CELL),
    "a network chosen, a chain": lambda: replace(
        report_of(39), network=chain(*(f"{i} × layers" for i in range(24)))
    ),
    "learned from a prior": lambda: replace(report_of(39), sources=(LEARNED,), cold=report_of(20).convergence),
    "plain": lambda: report_of(150),
    "no trials": lambda: report_of(0),
    "one trial": lambda: report_of(1, limits=()),
    "single layer": lambda: report_of(39, workloads=(ONE_LAYER,)),
    "no feasible trial": lambda: report_of(39, limits=("area<=0.01",)),
    "two objectives": lambda: report_of(39, objectives=("latency", "energy")),
    "two workloads": lambda: report_of(39, workloads=(TINY, ONE_LAYER)),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def page(tmp_path):
    def write(report):
        path = tmp_path / "report.html"
        path.write_text(render(report), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (420, False)])
def test_every_state_is_drawn_without_complaint(browser, page, state, width, dark):
    path = page(STATES[state]())
    browser.open(path, width=width, dark=dark)
    assert browser.complaints == []
    assert browser.requests == [path.as_uri()]
    assert browser.run("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert browser.run("document.querySelectorAll('main > section').length") == 4
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    text, markup = browser.run("document.body.innerText"), browser.run("document.body.innerHTML")
    assert "undefined" not in text
    assert "[object" not in text
    for word in ("NaN", "Infinity", "undefined"):
        assert f'="{word}' not in markup
        assert f"{word}" not in text
    assert browser.run(
        "[...document.querySelectorAll('path')].every((p) => !/NaN|undefined/.test(p.getAttribute('d')))"
    )


def test_names_run_nothing(browser, page):
    report = report_of(39)
    (cost,) = report.workloads
    layers = (replace(cost.layers[0], name=ATTACK, bound_by=ATTACK), *cost.layers[1:])
    hostile = replace(
        report,
        study=replace(report.study, name=ATTACK, workloads=(ATTACK,), optimizer=ATTACK, space=ATTACK),
        summary=replace(report.summary, headline=ATTACK, sentences=(ATTACK,)),
        workloads=(replace(cost, name=ATTACK, layers=layers),),
        parameters=(replace(report.parameters[0], label=ATTACK), *report.parameters[1:]),
        reasons=tuple(replace(reason, text=ATTACK, example=ATTACK) for reason in report.reasons),
    )
    browser.open(page(hostile))
    assert browser.complaints == []
    assert browser.run("document.title") == f"{ATTACK}: apollo-dse report"
    assert browser.run("document.querySelector('h1').textContent") == ATTACK
    assert browser.run("document.images.length") == 0


def test_hover_names_the_trial_and_a_drag_zooms(browser, page):
    browser.open(page(report_of(150)))
    x, y, width, height = browser.place("#convergence .surface")
    browser.run("document.querySelector('#convergence .surface').focus()")
    browser.press("ArrowRight")
    spoken = browser.run("document.querySelector('[role=status].hidden-text').textContent")
    assert spoken.startswith("Trial ")
    before = browser.run("document.querySelector('#convergence svg .axis').textContent")
    browser.drag((x + 0.2 * width, y + 0.2 * height), (x + 0.6 * width, y + 0.8 * height))
    assert browser.run("document.querySelector('#convergence svg .axis').textContent") != before
    browser.press("0")
    assert browser.run("document.querySelector('#convergence svg .axis').textContent") == before
    assert browser.complaints == []


BRUSHED = "document.querySelectorAll('#parallel .brush').length"
STATUS = "document.querySelector('#parallel [role=status]').textContent"
MARK_KEYS = (
    "[...document.querySelectorAll('#convergence .item, #front .item')]"
    ".filter((each) => getComputedStyle(each).visibility === 'visible')"
    ".filter((each) => each.textContent === 'in the brushed ranges').length"
)


def pixels(figure, name):
    """How many pixels of a figure's canvas have a theme colour, or nearly so."""
    return (
        "(() => { const probe = document.createElement('canvas').getContext('2d');"
        f"probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim();"
        "probe.fillRect(0, 0, 1, 1); const want = probe.getImageData(0, 0, 1, 1).data;"
        f"const canvas = document.querySelector('#{figure} canvas');"
        "const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        "let found = 0; for (let i = 0; i < all.length; i += 4)"
        "if (all[i + 3] > 200 && [0, 1, 2].every((k) => Math.abs(all[i + k] - want[k]) < 12)) found += 1;"
        "return found; })()"
    )


def inside(report, parameter, low, high):
    """Rows of the trials whose value of a parameter has a place in a range."""
    return [row for row, place in enumerate(report.trials.parameters[parameter]) if low <= place <= high]


def test_brushed_designs_are_marked_and_counted_and_none_is_hidden(browser, page):
    report = report_of(150)
    browser.open(page(report))
    first, second = report.parameters[0].name, report.parameters[1].name
    before = {figure: browser.run(pixels(figure, "dot")) for figure in ("convergence", "front")}
    assert browser.run(pixels("front", "mark")) == browser.run(MARK_KEYS) == 0
    browser.run("document.querySelectorAll('#parallel .brush-thumb')[1].focus()")
    browser.press("Home")
    browser.press("ArrowUp")
    browser.press("ArrowUp")
    rows = inside(report, first, 0, 2)
    good = [report.trials.metrics["latency_s"][row] for row in rows if report.trials.reason[row] is None]
    said = browser.run(STATUS)
    assert said.startswith(
        f"{len(rows)} of 150 designs in the brushed ranges, {len(good)} feasible; the best has"
    )
    assert browser.run(MARK_KEYS) == 2
    for figure in ("convergence", "front"):
        marked = browser.run(pixels(figure, "mark"))
        assert marked > 3 * len(good), "each is a dot of some pixels"
    browser.press("Tab")
    browser.press("Tab")
    browser.press("Home")
    both = set(rows) & set(inside(report, second, 0, 0))
    assert browser.run(STATUS).startswith(f"{len(both)} of 150 designs")
    assert browser.run(BRUSHED) == 2
    browser.press("Delete")
    assert browser.run(STATUS) == said
    browser.press("Escape")
    assert browser.run(STATUS) == ""
    assert browser.run(BRUSHED) == browser.run(MARK_KEYS) == browser.run(pixels("front", "mark")) == 0
    assert {figure: browser.run(pixels(figure, "dot")) for figure in before} == before, "all dots stay"
    assert [each for each in browser.complaints if "readback" not in each] == [], "the test reads pixels back"


THUMBS = (
    "[...document.querySelectorAll('#parallel [role=slider]')].map((each) => ({"
    "name: each.getAttribute('aria-label'), text: each.getAttribute('aria-valuetext'),"
    "group: each.closest('[role=group]').getAttribute('aria-label'),"
    "numbers: ['min', 'now', 'max'].map((end) => Number(each.getAttribute(`aria-value${end}`)))}))"
)


def test_each_end_of_an_axis_is_a_slider_that_says_where_it_is(browser, page):
    """The multi-thumb slider of the WAI-ARIA Authoring Practices: each thumb is the limit of the other."""
    report = report_of(150)
    browser.open(page(report))
    first = report.parameters[0]
    last = len(first.values) - 1
    before = browser.run(THUMBS)
    assert len(before) == 2 * (len(report.parameters) + 1)
    assert len({each["name"] for each in before}) == len(before)
    assert all(each["name"].startswith(each["group"]) and each["text"] for each in before)
    for least, most in zip(before[::2], before[1::2], strict=True):
        assert least["numbers"][0] == least["numbers"][1] < least["numbers"][2] == most["numbers"][1]
        assert least["numbers"][1] == most["numbers"][0] < most["numbers"][1] == most["numbers"][2]
    assert [each["numbers"] for each in before[:2]] == [[0, 0, last], [0, last, last]]
    browser.run("document.querySelectorAll('#parallel .brush-thumb')[0].focus()")
    browser.press("ArrowUp")
    browser.press("PageUp")
    browser.press("ArrowDown")
    browser.press("Tab")
    browser.press("ArrowDown")
    least, most = browser.run(THUMBS)[:2]
    assert (least["numbers"], most["numbers"]) == ([0, 3, last - 1], [3, last - 1, last])
    assert (least["name"], most["name"]) == (f"{first.label}, least to keep", f"{first.label}, most to keep")
    assert [each["text"].split()[0] for each in (least, most)] == [str(first.values[3]), str(first.values[-2])]
    assert browser.run(STATUS).startswith(f"{len(inside(report, first.name, 3, last - 1))} of 150 designs")
    browser.press("Home")
    assert browser.run(THUMBS)[1]["numbers"] == [3, 3, last], "it does not pass the other"
    browser.press("End")
    browser.run("document.querySelectorAll('#parallel .brush-thumb')[0].focus()")
    browser.press("Home")
    assert browser.run(THUMBS) == before, "a range of everything is none"
    assert browser.run(BRUSHED) == 0
    browser.run("document.querySelectorAll('#parallel .brush-thumb')[21].focus()")
    for _ in range(4):
        browser.press("ArrowDown")
    number = before[-1]["numbers"]
    now = browser.run(THUMBS)[-1]["numbers"]
    assert now[0] == number[0] < now[1] < now[2] == number[2]
    assert browser.complaints == []


def test_a_double_click_or_escape_anywhere_releases_all_ranges(browser, page):
    browser.open(page(report_of(150)))
    x, y, width, height = browser.place("#parallel .brush-zone")
    middle = x + width / 2
    for _ in range(2):
        browser.drag((middle, y + height - 8), (middle, y + height * 0.5))
        assert browser.run(BRUSHED) == 1
        browser.run("document.activeElement.blur()")
        browser.press("Escape")
        assert browser.run(BRUSHED) == 0
    browser.drag((middle, y + height - 8), (middle, y + height * 0.5))
    beside = (middle + width, y + height / 2)
    for clicks in (1, 2):
        browser.mouse("mousePressed", *beside, clicks=clicks)
        browser.mouse("mouseReleased", *beside, clicks=clicks)
    browser.settle()
    assert browser.run(BRUSHED) == 0
    browser.drag((middle, y + height - 8), (middle, y + height * 0.5))
    browser.run("document.querySelector('#front .surface').focus()")
    browser.press("Escape")
    assert browser.run(BRUSHED) == 1, "there it resets the zoom"


def test_a_brush_narrows_and_a_click_releases(browser, page):
    browser.open(page(report_of(150)))
    x, y, width, height = browser.place("#parallel .brush-zone")
    middle = x + width / 2
    browser.drag((middle, y + height - 8), (middle, y + height * 0.5))
    assert "designs in the brushed ranges" in browser.run(STATUS)
    assert browser.run(BRUSHED) == 1
    browser.drag((middle, y + 10), (middle, y + 10))
    assert browser.run(STATUS) == ""
    assert browser.run(BRUSHED) == 0
    browser.drag((middle, y + 10), (middle, y + 10))
    assert browser.run(BRUSHED) == 0


def test_tables_sort(browser, page):
    browser.open(page(report_of(150)))
    column = "[...document.querySelectorAll('#layer-table tbody tr')].map((row) => row.cells[1].textContent)"
    first = browser.run(column)
    browser.run("document.querySelectorAll('#layer-table th button')[1].click()")
    assert browser.run(column) == sorted(first, key=str.lower)
    browser.run("document.querySelectorAll('#layer-table th button')[1].click()")
    assert browser.run(column) == sorted(first, key=str.lower, reverse=True)
    assert (
        browser.run("document.querySelectorAll('#layer-table th')[1].getAttribute('aria-sort')") == "descending"
    )


def test_the_theme_button_and_print(browser, page):
    browser.open(page(report_of(39)))
    browser.run("document.getElementById('theme').click()")
    assert browser.run("document.documentElement.dataset.theme") == "dark"
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("document.documentElement.dataset.theme") == "light"
    browser.run("localStorage.clear()")


def test_a_hundred_thousand_trials(browser, page):
    report = report_of(39)
    table, times = report.trials, 2600
    many = replace(
        report,
        study=replace(report.study, trials=len(table.number) * times, feasible=report.study.feasible * times),
        trials=replace(
            table,
            number=tuple(range(len(table.number) * times)),
            parameters={name: column * times for name, column in table.parameters.items()},
            metrics={name: column * times for name, column in table.metrics.items()},
            reason=table.reason * times,
            loss=table.loss * times,
        ),
    )
    browser.open(page(many))
    assert browser.complaints == []
    browser.run("document.querySelector('#convergence .surface').focus()")
    browser.press("ArrowRight")
    assert browser.run("document.querySelector('[role=status].hidden-text').textContent").startswith("Trial ")
