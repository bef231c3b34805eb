# SPDX-License-Identifier: Apache-2.0
"""Every example runs, is short, and imports what a reader has."""

import ast
import runpy
import threading
from pathlib import Path
from typing import Any

import pytest

from genima.policy.server import PolicyServer
from genima.robots.profile import RobotProfile

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
ALL = sorted(EXAMPLES.glob('*.py'))
MAX_LINES = 80
POLICY = EXAMPLES.parent / 'models' / 'panda_pick'


def run(name: str, **arguments: Any) -> None:
    runpy.run_path(str(EXAMPLES / f'{name}.py'))['main'](**arguments)


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_how_it_is_run(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('# SPDX-License-Identifier: Apache-2.0') and text.count('\n') <= MAX_LINES
    assert f'python examples/{path.name}' in (ast.get_docstring(ast.parse(text)) or '')
    assert path.name in (EXAMPLES / 'README.md').read_text()


def test_an_own_urdf_becomes_a_profile(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run('own_urdf')
    assert RobotProfile.load(lab / 'my_arm.yaml').n_joints == 6
    assert 'off by 0.0' in capsys.readouterr().out


def test_the_guard_slows_fast_chunks_and_stops_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    run('guard_chunk')
    slow, fast, silent, broken = capsys.readouterr().out.split('\n   the guard says:')[:4]
    assert 'limits' in fast and 'silence' in silent and 'finite' in broken
    assert 'none' in slow and 'holding' in silent and 'holding' in broken


def test_a_policy_answers_a_recorded_observation(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run('run_policy', policy=str(POLICY))
    assert (lab / 'target.png').stat().st_size > 10_000
    assert '10 points, 0.1 s apart' in capsys.readouterr().out


def test_an_own_policy_is_served_and_asked_with_the_client_alone(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = runpy.run_path(str(EXAMPLES / 'own_policy.py'))
    own['main']()
    server = PolicyServer(own['load']('data/pick', 'cpu'), port=0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        run('ask_server', address=f'ws://127.0.0.1:{server.port}')
    finally:
        server.close()
        thread.join(5.0)
    out = capsys.readouterr().out
    assert out.count('(10, 7) points') == 5 and 'is refused: ' in out


def test_the_client_example_imports_nothing_but_the_client_and_numpy() -> None:
    tree = ast.parse((EXAMPLES / 'ask_server.py').read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or '' for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {'argparse', 'time', 'numpy', 'genima_client'}


def test_a_dataset_goes_to_lerobot_and_back(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run('convert_to_lerobot')
    out = capsys.readouterr().out
    assert 'LeRobot v3.0, 2 episodes' in out and out.count('numbers equal') == 2


def test_a_calibration_is_judged(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run('check_calibration')
    run('check_calibration', file=lab / 'front.yaml')
    out = capsys.readouterr().out
    assert out.count('NOT reprojection error: not measured') == 2 and out.count('5 mm to the side moves it by') == 2
