"""The board's status line, which says the gravest thing: an embargo, a hold, a fault, a lost connection."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import screen
from tests.browser.stage import log_at, showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_an_embargo_a_hold_and_a_fault_outrank_the_feed_and_a_lost_connection_all_of_them(
    tmp_path: Path, browser: Browser
) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, f"{url}/healthz") as shown:
        answers = await shown.page.evaluate(
            """async () => {
          document.body.innerHTML = '<link id="favicon"><p id="status"></p>';
          const [{Status}, {words}, {formats}] = await Promise.all(
            ['status', 'strings', 'format'].map(name => import(`/static/${name}.js`)));
          const status = new Status({words: words('tr'), format: formats('tr', 'Europe/Istanbul')});
          const calm = {source: {name: 'AA'}, feed: {state: 'live'}, connection: {status: 'open'}, hold: []};
          const embargo = {embargoed: true, embargo: '2024-03-31T19:20:00+03:00'};
          const lost = {connection: {status: 'lost', hadData: true}, currentAt: '2024-03-31T18:00:00+03:00'};
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
