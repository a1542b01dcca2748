"""The page's pure modules, each asked in the browser that runs them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tabulation.view.claims import CONTRADICTIONS
from tests.browser.chromium import screen
from tests.browser.stage import log_at, showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def page(tmp_path: Path, browser: Browser) -> AsyncIterator[Page]:
    """An empty page of the gateway's origin, where its modules can be imported."""
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, f"{url}/healthz") as shown:
        yield shown.page


async def ask(page: Page, module: str, code: str) -> Any:
    """Evaluate an expression with a module's exports as `m`."""
    return await page.evaluate(f"async () => {{ const m = await import('/static/{module}.js'); return {code}; }}")


async def test_numbers_are_written_as_turks_write_them(page: Page) -> None:
    answers = await ask(
        page,
        "format",
        """(f => [f.count(11360000), f.percent(5114, 10000), f.percent(1, 1), f.points(-0.756), f.percent(1, 0),
        f.count(NaN), f.upper('büyükçekmece ilçesi ışık'), f.clock('2024-03-31T21:55:12Z'), f.zone(),
        f.date('2024-03-31T12:00:00Z')])(m.formats('tr', 'Europe/Istanbul'))""",
    )
    assert [
        *("11.360.000", "%51,14", "%100,00", "−0,76", "–"),
        *("–", "BÜYÜKÇEKMECE İLÇESİ IŞIK", "00:55:12", "TSİ"),
        "31 Mart 2024",
    ] == answers


async def test_a_share_of_boxes_is_whole_only_when_all_are_opened(page: Page) -> None:
    answers = await ask(
        page,
        "format",
        """(f => [f.progress(33272, 33273), f.progress(33273, 33273), f.progress(1, 33273), f.progress(0, 33273),
        f.progress(0, 0)])(m.formats('tr', 'Europe/Istanbul'))""",
    )
    assert ["%99,99", "%100,00", "%0,01", "%0,00", "–"] == answers


async def test_ages_read_as_one_says_them(page: Page) -> None:
    answers = await ask(
        page, "format", "[0, 12.9, 65, 3600, 3900, 200000, NaN].map(m.formats('tr', 'Europe/Istanbul').age)"
    )
    assert ["0 sn önce", "12 sn önce", "1 dk önce", "1 sa önce", "1 sa 5 dk önce", "2 gün önce", "–"] == answers


async def test_names_are_ordered_as_in_turkish(page: Page) -> None:
    names = ["Şile", "Çatalca", "Iğdır", "İzmir", "Cihangir", "Silivri", "Zeytinburnu", "Ümraniye", "Uşak"]
    answers = await ask(page, "format", f"{names}.sort(m.formats('tr', 'Europe/Istanbul').compare)")
    assert [
        *("Cihangir", "Çatalca", "Iğdır", "İzmir", "Silivri"),
        *("Şile", "Uşak", "Ümraniye", "Zeytinburnu"),
    ] == answers


async def test_equal_votes_share_a_rank_and_the_next_is_skipped(page: Page) -> None:
    answers = await ask(
        page,
        "rank",
        """m.ranking([{id: 'a'}, {id: 'b'}, {id: 'c'}, {id: 'd'}], {b: 5, c: 5, d: 1, stranger: 2})
        .map(r => [r.candidate.id, r.rank, r.tied])""",
    )
    assert [["b", 1, True], ["c", 1, True], ["stranger", 3, False], ["d", 4, False], ["a", 5, False]] == answers


async def test_a_lead_is_in_votes_and_points_and_nobody_leads_without_votes(page: Page) -> None:
    answers = await ask(
        page,
        "rank",
        """[m.lead(m.ranking([{id: 'a'}, {id: 'b'}], {a: 60, b: 40}), 100), m.lead(m.ranking([{id: 'a'}], {}), 0),
        m.lead(m.ranking([{id: 'a'}, {id: 'b'}], {a: 7, b: 7}), 14)]
        .map(l => l && [l.leaders.length, l.votes, l.points])""",
    )
    assert [[1, 20, 20], None, [2, 0, 0]] == answers


async def test_a_gap_needs_two_sources_that_said_something(page: Page) -> None:
    answers = await ask(
        page,
        "rank",
        """[m.spread([{source: 'aa', value: 3}, {source: 'anka', value: undefined}]),
        m.spread([{source: 'aa', value: 3}, {source: 'anka', value: 10}, {source: 'x', value: 4}])]""",
    )
    assert [None, {"highest": "anka", "lowest": "aa", "gap": 7}] == answers


async def test_a_hue_is_legible_on_dark_and_on_light(page: Page) -> None:
    """Bars reach 3 : 1 on their ground, a tile's label 4.5 : 1 on its fill, whatever the party and the margin."""
    worst = await ask(
        page,
        "hue",
        """Math.min(...['#000000', '#ffffff', '#e4002b', '#f39c12', '#1c7c54', '#7a3e9d', '#000080', '#ffff00']
        .flatMap(hue => ['#1b222c', '#ffffff'].flatMap(ground => [
          m.contrast(m.legible(hue, ground), ground) / 3,
          ...[0, 5, 15, 40].map(points => (t => m.contrast(t.fill, t.ink) / 4.5)(m.tileColors(hue, points, ground))),
        ])))""",
    )
    assert worst >= 1


async def test_the_map_has_a_place_of_its_own_for_each_district(page: Page) -> None:
    """No two share one, west and east of the Bosphorus are where they are, and a stranger means no map."""
    answers = await ask(
        page,
        "tiles",
        """(() => {
          const ids = 'adalar silivri catalca sile tuzla besiktas uskudar kadikoy sariyer beykoz'.split(' ');
          const tiles = m.layoutOf('tr/34', ids.map(id => ({id: `tr/34/${id}`})));
          const places = new Set([...tiles.values()].map(t => `${t.column} ${t.row}`));
          const column = id => tiles.get(`tr/34/${id}`).column;
          return [places.size, column('besiktas') <= m.WATER_AFTER, column('uskudar') > m.WATER_AFTER,
            column('sile') > column('uskudar'), column('silivri') < column('besiktas'),
            m.neighbour(tiles, 'tr/34/sariyer', 'ArrowRight'), m.neighbour(tiles, 'tr/34/uskudar', 'ArrowLeft'),
            m.layoutOf('tr/34', [{id: 'tr/34/atlantis'}]), m.layoutOf('tr/06', [])];
        })()""",
    )
    assert [10, True, True, True, True, "tr/34/beykoz", "tr/34/besiktas", None, None] == answers


async def test_both_languages_say_the_same_things(page: Page) -> None:
    missing = await ask(
        page,
        "strings",
        """(keys => [keys('tr').filter(k => !(k in m.TEXTS.en)), keys('en').filter(k => !(k in m.TEXTS.tr))])
        (language => Object.keys(m.TEXTS[language]))""",
    )
    assert [[], []] == missing


async def test_an_address_keeps_a_selection_and_falls_back_where_it_knows_nothing(page: Page) -> None:
    answers = await ask(
        page,
        "place",
        """(() => {
          const index = ids => new Map(ids.map(id => [id, {id}]));
          const election = {contestById: index(['c', 'd']), sourceById: index(['aa']), unitById: index(['tr', 'tr/34']),
            contests: [{id: 'c'}], sources: [{id: 'aa'}], home: {id: 'tr'}};
          return [m.fromAddress('?contest=d&unit=tr/34', election), m.fromAddress('?contest=no&unit=no', election),
            m.toAddress({contest: 'd', source: 'aa', unit: 'tr/34'}, '?lang=en')];
        })()""",
    )
    assert [
        {"contest": "d", "source": "aa", "unit": "tr/34"},
        {"contest": "c", "source": "aa", "unit": "tr"},
        "?lang=en&contest=d&source=aa&unit=tr/34",
    ] == answers


async def test_an_embargo_a_hold_and_a_fault_outrank_the_feed_and_a_lost_connection_all_of_them(page: Page) -> None:
    answers = await page.evaluate(
        """async () => {
          document.body.innerHTML = '<link id="favicon"><p id="status"></p>';
          const [{Status}, {words}, {formats}] = await Promise.all(
            ['status', 'strings', 'format'].map(name => import(`/static/${name}.js`)));
          const status = new Status({words: words('tr'), format: formats('tr', 'Europe/Istanbul')});
          const calm = {source: {name: 'AA'}, feed: {state: 'live'}, connection: {status: 'open'}, hold: []};
          const embargo = {embargoed: true, embargo: '2024-03-31T19:20:00+03:00'};
          const lost = {connection: {status: 'lost', hadData: true}, shownAt: '2024-03-31T18:00:00+03:00'};
          const open = {embargoed: true, embargo: null};
          return [{}, {hold: ['canlı bağlantı']}, embargo, {...embargo, ...lost}, {fault: 'x'}, open].map(change => {
            status.draw({...calm, ...change});
            const line = document.getElementById('status');
            return [line.dataset.state, line.textContent];
          });
        }"""
    )
    assert ["live", "hold", "embargo", "lost", "fault", "embargo"] == [state for state, _ in answers]
    assert "Yayın yasağı: sonuçlar yasak kalkınca yayımlanacak." == answers[5][1]
    assert "Yayın yasağı: sonuçlar 19:20:00 TSİ itibarıyla yayımlanacak." == answers[2][1]
    assert "18:00:00" in answers[3][1]


async def test_a_source_that_has_opened_every_box_is_complete_and_its_silence_no_alarm(page: Page) -> None:
    answers = await ask(
        page,
        "complete",
        """['live', 'quiet', 'stale', 'down', 'unknown', 'waiting']
        .map(state => m.feedState(state, {complete: true}, true))
        .concat(m.feedState('down', {complete: false}, true), m.feedState('down', undefined, true),
            m.feedState('down', {complete: true}, false))""",
    )
    assert [
        *("live", "complete", "complete", "complete", "unknown", "waiting"),
        *("down", "down", "down"),
    ] == answers


async def test_claims_are_made_of_what_the_gateway_claims_and_never_of_sums(page: Page) -> None:
    answers = await ask(
        page,
        "claims",
        """await import('/static/format.js').then(({formats}) => (f => {
          const entry = (more) => ({boxes_opened: 20, boxes_surplus: 0, complete: false, contradictions: [], votes: {},
            valid: 0, unattributed: 0, cast: 0, registered: 0, flagged: 0, ...more});
          return [m.progressText(f, entry({boxes_surplus: 2}), 20), m.progressText(f, entry({}), 20),
            m.progressText(f, entry({complete: true}), 20), m.progressText(f, undefined, 20),
            m.progressText(f, undefined, 0), m.partOf(entry({boxes_surplus: 2}), 20), m.partOf(undefined, 0),
            m.wholeOf(entry({votes: {a: 160, b: 20}, valid: 100})), m.wholeOf(entry({votes: {a: 1}, valid: 3})),
            m.wholeOf(undefined), m.turnout(entry({cast: 103, registered: 100, flagged: 1})).share,
            m.turnout(entry({cast: 103, registered: 100})).share, m.turnout(undefined).share,
            m.turnout(entry({cast: 103, registered: 100, flagged: 1, contradictions: ['cast_over_roll']})).share];
        })(formats('tr', 'Europe/Istanbul')))""",
    )
    assert ["%90,00", "%99,99", "%100,00", "%0,00", "–", 0.9, 0, 180, 3, 0, 10_300, None, None, None] == answers


async def test_every_contradiction_has_its_words_on_every_page(page: Page) -> None:
    for module in ("strings", "control/words"):
        code = "[m.words('tr'), m.words('en')].map(t => NAMES.map(name => t(`odd_${name}`)))"
        turkish, english = await ask(page, module, code.replace("NAMES", str(list(CONTRADICTIONS))))
        assert len(CONTRADICTIONS) == len({*turkish}) == len({*english})
        assert not {*turkish} & {*english}


async def test_points_that_are_shown_add_up_to_the_gap_that_is_shown(page: Page) -> None:
    answers = await ask(
        page,
        "explanation",
        """[m.hundredths({gap: 0.01, coverage: 0.006, disagreement: 0.004}),
        m.hundredths({gap: -1.5, coverage: null, disagreement: null})]
        .map(p => [p.gap, p.coverage, p.disagreement])""",
    )
    assert [[1, 1, 0], [-150, None, None]] == answers


async def test_the_chosen_source_is_compared_with_the_one_that_is_furthest_from_it(page: Page) -> None:
    answers = await ask(
        page,
        "explanation",
        """(c => [m.pairOf(c, 'anka', 'x'), m.pairOf(c.slice(0, 1), 'aa', 'x'), m.pairOf(c, 'nobody', 'x')])(
        [['aa', 50], ['anka', 52], ['iha', 60]]
        .map(([id, x]) => ({source: {id}, entry: {valid: 100, votes: {x}}})))
        .map(pair => pair && pair.map(source => source.id))""",
    )
    assert [["anka", "iha"], None, None] == answers


async def test_why_is_asked_when_the_figures_change_but_not_more_often_than_one_reads(page: Page) -> None:
    answers = await page.evaluate(
        """async () => {
        const { Explanation, PAUSE_MS } = await import('/static/explanation.js');
        let now = 0; const asked = []; let answer = { why: { behind: 0 } };
        const e = new Explanation({
            now: () => now, changed: () => {}, ask: async (q) => { asked.push([q.unit, now]); return answer; },
        });
        const want = async (unit, figures, at, splits = true) => {
            now = at; e.want(unit && { unit }, figures, splits); await new Promise(r => setTimeout(r));
        };
        await want('tr', '1', 0); await want('tr', '1', PAUSE_MS); await want('tr', '2', PAUSE_MS + 1);
        await want('tr', '3', PAUSE_MS + 2); await want('tr', '3', 2 * PAUSE_MS + 1);
        await want(null, '3', 3 * PAUSE_MS); answer = { why: null };
        await want('tr/34', '3', 3 * PAUSE_MS); await want('tr/34', '3', 4 * PAUSE_MS);
        await want('tr/34', '3', 5 * PAUSE_MS, false);
        return asked.map(([unit, at]) => [unit, at / PAUSE_MS]);
        }"""
    )
    assert [["tr", 0], ["tr", 1 + 1 / 3000], ["tr", 2 + 1 / 3000], ["tr/34", 3], ["tr/34", 4]] == answers


async def test_of_a_source_without_figures_the_page_says_so_instead_of_a_gap(page: Page) -> None:
    """Whatever the sources report: who has nothing comes before why a gap cannot be split."""
    answers = await ask(
        page,
        "explanation",
        """(() => {
          const t = (key, values = {}) => [key, values.source, values.n].filter((one) => one !== undefined).join(" ");
          const names = { a: "AA", b: "ANKA" };
          const answer = (a, b) => ({ why: null, districts_total: 3, districts_shared: 1,
            a: { standing: a, districts: 3, overridden: [] }, b: { standing: b, districts: 1, overridden: [] } });
          const say = (a, b, more = {}) => m.reasonOf(answer(a, b), { names, unit: "tr", t, ...more });
          return [
            say("reporting", "nothing", { inTotals: { name: "ANKA" } }), say("no_box", "nothing"),
            say("reporting", "by_hand"),
            say("reporting", "reporting", { inTotals: { name: "ANKA" } }), say("reporting", "nothing", { held: true }),
            m.reasonOf(null, { names, unit: "tr", t }),
            ...m.notesOf(answer("reporting", "reporting"), { names, t, format: { count: String } }),
            ...m.notesOf(
              { a: { set_aside: { count: 2, reason: "conflict" } }, b: {} }, { names, t, format: { count: String } },
            ),
          ];
        })()""",
    )
    assert [
        *("whyNothing ANKA", "whyNoBox AA whyNothing ANKA", "whyByHand ANKA"),
        *("whyDistricts ANKA", "whyHeld", "whySoon", "whyPart ANKA 1", "⚠ whySetAside AA 2"),
    ] == answers


async def test_over_the_districts_that_both_have_no_share_is_over_a_hundred_per_cent(page: Page) -> None:
    """160 votes of 100 valid ones are 160 of the 180 that there are."""
    answers = await ask(
        page,
        "explanation",
        """(() => {
          const t = (key, values) => [key, values.x, values.y].join(" ");
          const side = { standing: "reporting", districts: 1, overridden: [] };
          const of = (imamoglu, kurum, valid) => ({ valid, unattributed: 0, votes: { imamoglu, kurum } });
          const answer = { why: null, districts_total: 3, districts_shared: 1, a: side, b: side, leaders: ["imamoglu"],
            shared: { a: of(160, 20, 100), b: of(90, 10, 200) } };
          const format = { count: String, percent: (part, whole) => `${part}/${whole}` };
          return m.notesOf(answer, { names: { a: "AA", b: "ANKA" }, t, format }).at(-1);
        })()""",
    )
    assert answers == "whyShared 160/180 90/200"


async def test_an_order_is_shown_once_it_has_stood_for_a_while(page: Page) -> None:
    """One that is gone before the pause is over was never there; the last one wanted is the one shown."""
    answers = await ask(
        page,
        "slide",
        """(() => {
          const said = [];
          let task = null;
          const order = new m.Order((now) => said.push(now.join("")),
            { later: (what) => { task = what; return 1; }, never: () => { task = null; } });
          order.jump(["a", "b", "c"]);
          order.want(["b", "a", "c"]);
          order.want(["a", "b", "c"]);
          said.push(task === null ? "calm" : "waiting");
          order.want(["b", "a", "c"]);
          order.want(["c", "b", "a"]);
          said.push(order.shown.join(""));
          task();
          return said;
        })()""",
    )
    assert ["calm", "abc", "cba"] == answers
