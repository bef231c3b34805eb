# SPDX-License-Identifier: Apache-2.0
"""The console as a person uses it: a real browser, the whole simulated graph, and an arm that stops when told to."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genima_bringup.processes import StackProcesses
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from sensor_msgs.msg import JointState
from typer.testing import CliRunner

from genima.cli.main import app
from genima.robots.profile import RobotProfile
from genima_bringup import graph
from genima_msgs.msg import EpisodeStatus, GuardStatus

pytestmark = pytest.mark.slow

PANDA = RobotProfile.load('panda')
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']  # fmt: skip
PATIENCE_S = 240.0
MOVING_RAD_S, REST_RAD_S = 0.15, 0.005


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A headless browser."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed: pip install -e .[dev]')
    if CHROMIUM is None:
        pytest.skip('no Chromium on the path: apt install chromium')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Lab:
    """The simulated graph with a console, and what it does, by simulated time."""

    def __init__(self, probe: Any, processes: StackProcesses, lines: list[str]) -> None:
        self._probe, self.processes, self.lines = probe, processes, lines
        self.speeds: list[tuple[float, float]] = []
        self.episodes = probe.listen(EpisodeStatus, 'episode', qos.LATCHED)
        self.guard = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)
        probe.create_subscription(JointState, 'joint_states', self._on_joints, qos.SENSOR)

    def _on_joints(self, message: JointState) -> None:
        self.speeds.append((seconds(message.header.stamp), float(np.abs(message.velocity[: PANDA.n_joints]).max())))

    def until(self, condition: Callable[[], Any], why: str) -> Any:
        def checked() -> Any:
            self.processes.check()
            return condition()

        self._probe.spin_until(checked, PATIENCE_S, f'for {why}')

    @property
    def address(self) -> str:
        found = re.search(r'console: (http\S+)', ''.join(self.lines))
        return found[1] if found else ''

    def moves(self) -> bool:
        return bool(self.speeds) and self.speeds[-1][1] > MOVING_RAD_S


@pytest.fixture
def lab(probe: Any, tmp_path: Path) -> Iterator[Lab]:
    lines: list[str] = []
    failures = {'failures': 'true', 'failures_out': str(tmp_path / 'failures')}
    values = {'armed': 'false', 'console': 'true', 'console_port': '0', 'seed': '2000', 'overlay': 'false', **failures}
    table = graph.stack('franka', values)
    with StackProcesses(table, {}, write=lambda name, line: lines.append(f'{name}: {line}\n')) as processes:
        lab = Lab(probe, processes, lines)
        lab.until(lambda: lab.address, 'the address of the console')
        yield lab


def _drawn(page: Any) -> list[int]:
    drawn: list[int] = page.eval_on_selector_all('canvas[data-view^=camera]', 'all => all.map(c => +(c.dataset.drawn || 0))')
    return drawn


def _look(page: Any, view: str) -> str:
    text: str = page.eval_on_selector(f'canvas[data-view="{view}"]', 'canvas => canvas.toDataURL()')
    return text


def _fits(page: Any) -> None:
    wide, high = page.viewport_size['width'], page.viewport_size['height']
    assert page.evaluate('document.documentElement.scrollWidth') <= wide, 'the page is wider than the screen'
    for place in (0, 10_000):
        page.evaluate(f'scrollTo(0, {place})')
        box = page.locator('#stop').bounding_box()
        assert box['x'] >= 0 and box['y'] >= 0 and box['x'] + box['width'] <= wide and box['y'] + box['height'] <= high
    page.evaluate('scrollTo(0, 0)')


def _arm(page: Any) -> None:
    page.click('#arm')
    assert page.inner_text('#arm') == 'Arm: the arm may move', 'arming wants a second press'
    page.click('#arm')


def test_an_operator_watches_an_episode_stops_the_arm_and_flags_why(lab: Lab, chromium: Any, tmp_path: Path) -> None:
    page = chromium.new_page(viewport={'width': 1440, 'height': 900})
    troubles: list[str] = []
    page.on('pageerror', lambda error: troubles.append(str(error)))
    page.on('console', lambda message: troubles.append(message.text) if message.type == 'error' else None)
    page.goto(lab.address)
    lab.until(lambda: page.inner_text('#state') == 'disarmed' and page.is_enabled('#arm'), 'the guard on the page')
    lab.until(lambda: len(_drawn(page)) == 4 and min(_drawn(page)) > 2, 'four camera views')
    lab.until(lambda: page.locator('circle.ball').count() >= 4, 'predicted spheres over the views')
    lab.until(lambda: page.locator('canvas[data-view^=target][data-drawn]').count() == 4, 'target images')
    before = _look(page, 'camera/front')
    assert len(before) > 1000

    _arm(page)
    lab.until(lambda: page.inner_text('#state') in ('moving', 'holding') and lab.moves(), 'the arm to move')
    lab.until(lambda: _look(page, 'camera/front') != before, 'the picture to change')
    page.screenshot(path=tmp_path / 'desktop.png')
    _fits(page)
    lab.until(lambda: re.search('done|out of time', page.inner_text('#scene-state')), 'the end of the episode')
    assert page.locator('#streams tbody tr').count() >= 8 and 'act_node.act' in page.inner_text('#stages')

    page.click('#disarm')
    lab.until(lambda: page.inner_text('#state') == 'disarmed' and lab.speeds[-1][1] < REST_RAD_S, 'the arm to rest')
    page.fill('#seed', '2001')
    page.click('#scene button')
    lab.until(lambda: lab.episodes[-1].seed == 2001, 'the new scene')
    lab.until(lambda: page.is_enabled('#arm') and 'seed 2001' in page.inner_text('#scene-state'), 'the new scene')
    _arm(page)
    start_s = lab.speeds[-1][0] + 1.0
    lab.until(lambda: lab.moves() and lab.speeds[-1][0] > start_s, 'the arm to move again')
    pressed_s = lab.speeds[-1][0]
    page.keyboard.press('Space')
    lab.until(lambda: lab.guard[-1].state == 'stopped' and lab.speeds[-1][0] > pressed_s + 1.5, 'the stop')
    moving_s = [time_s for time_s, speed_rad_s in lab.speeds if time_s > pressed_s and speed_rad_s > REST_RAD_S]
    assert max(moving_s, default=pressed_s) - pressed_s <= 0.5, 'motion ends within half a second of simulated time'
    lab.until(lambda: page.inner_text('#state') == 'stopped', 'the stop on the page')
    assert 'by service' in page.inner_text('#why') and page.is_disabled('#arm')
    _flag(lab, page, tmp_path)
    page.click('#reset')
    lab.until(lambda: page.inner_text('#state') == 'disarmed', 'the reset')

    page.set_viewport_size({'width': 390, 'height': 844})
    _fits(page)
    page.screenshot(path=tmp_path / 'phone.png')
    assert not troubles


def _flag(lab: Lab, page: Any, tmp_path: Path) -> None:
    """Flag the stop as a failure, and find it in the report."""
    lab.until(lambda: page.is_enabled('#flag button'), 'failure_node')
    page.click('#causes >> text=object slip')
    page.fill('#note', 'the cube rolled away ')
    page.press('#note', 'Space')  # who writes does not stop the arm
    page.click('#flag button')
    lab.until(lambda: list((tmp_path / 'failures').rglob('failure.json')), 'the flagged seconds on the disk')
    text = next((tmp_path / 'failures').rglob('failure.json')).read_text()
    assert '"object_slip"' in text and 'the cube rolled away' in text
    lab.until(lambda: 'object_slip' in page.inner_text('#log'), 'the flag in the log')
    report = tmp_path / 'report.html'
    result = CliRunner().invoke(app, ['failures', 'report', str(tmp_path / 'failures'), '--out', str(report)])
    assert result.exit_code == 0 and 'object_slip' in result.output, result.output
    assert 'the cube rolled away' in report.read_text()


def test_a_lost_console_is_shown_within_a_second_and_found_again(lab: Lab, chromium: Any) -> None:
    page = chromium.new_page(viewport={'width': 390, 'height': 844})
    page.goto(lab.address)
    lab.until(lambda: page.inner_text('#state') == 'disarmed', 'the guard on the page')
    page.evaluate("""() => new MutationObserver(() => {
        if (document.body.classList.contains('lost')) window.lostMs ||= Date.now();
    }).observe(document.body, {attributes: true})""")
    pid = lab.processes.pids()['console_node']
    gone_ms = 1000.0 * time.time()
    os.kill(pid, signal.SIGSTOP)
    try:
        lab.until(lambda: page.evaluate('window.lostMs'), 'the page to notice')  # its policy forbids wait_for_function
        assert page.evaluate('window.lostMs') - gone_ms <= 1000.0
        assert 'Connection lost' in page.inner_text('#banner')
    finally:
        os.kill(pid, signal.SIGCONT)
    lab.until(lambda: not page.evaluate("document.body.classList.contains('lost')"), 'the page to find it again')
