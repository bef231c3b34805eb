# SPDX-License-Identifier: Apache-2.0
"""Every door refuses every hostile file: one clear line, soon, in little memory, and nothing outside is opened.

Limits are far above what was measured, except that of memory: they find what hangs, not what is slow on a busy machine.
`GENIMA_HOSTILE_JSON=file` keeps the figures.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hostile_arrays import STEPS
from hostile_case import CASES, Good
from small_episodes import make_episode
from small_recording import Making, record

import hostile_policies  # noqa: F401  # isort: skip
import hostile_streams  # noqa: F401  # isort: skip
import hostile_tables  # noqa: F401  # isort: skip
from genima.convert.lerobot.conversion import export as export_lerobot
from genima.convert.rlds.conversion import export as export_rlds
from genima.episodes.store import write_episode
from genima.robots.profile import RobotProfile

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S, MAX_MIB, LONGEST_LINE = 60.0, 1024, 2000
MODULES = {
    'files': [
        'genima.cli.main',
        *(f'genima.convert.{name}.conversion' for name in ('lerobot', 'rlds', 'mcap', 'rlbench', 'hdf5')),
        *(f'genima.{name}' for name in ('quality.verify', 'randomize.retextured', 'randomize.relit', 'align.latency')),
        *(f'genima.{name}' for name in ('robots.urdf_import', 'calibration.intrinsics')),
        *('apsw', 'pyarrow.parquet', 'pyarrow.dataset', 'rosbags.rosbag2'),
    ],
    'policies': ['genima.cli.main', 'genima.policy.local', 'genima.evaluate.runner', 'genima.train.controller'],
}
SECRET = b'CANARY-' * 20_000


class Door:
    """A process that runs commands; see door_worker.py."""

    def __init__(self, modules: list[str], canary: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name('door_worker.py')), *modules]
        self._canary = canary
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout and self._process.stdout.readline() == 'ready\n'

    def run(self, argv: list[str], out: Path) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        order = {'argv': argv, 'out': str(out), 'limit_s': LIMIT_S, 'watch': str(self._canary)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@pytest.fixture(scope='module')
def good(tmp_path_factory: pytest.TempPathFactory, panda: RobotProfile) -> Good:
    root = tmp_path_factory.mktemp('good')
    for seed in range(2):
        write_episode(root / 'native' / f'episode_{seed:06d}.h5', make_episode(panda, seed, STEPS))
    export_lerobot(root / 'native', root / 'lerobot', lambda name: None, images='png')
    export_rlds(root / 'native', root / 'rlds', lambda name: None)
    record(root / 'bag', Making())
    (root / 'canary').mkdir()
    (root / 'canary' / 'secret').write_bytes(SECRET)
    for name in ('secret.yaml', 'secret.mcap'):
        (root / 'canary' / name).write_bytes(SECRET)
    with h5py.File(root / 'canary' / 'secret.h5', 'w') as file:
        file['images'] = np.frombuffer(SECRET, np.uint8)[: STEPS * 24 * 32 * 3].reshape(STEPS, 24, 32, 3)
        file['actions'] = np.zeros((STEPS, 7))
    bag = next((root / 'bag').glob('episode_*'), root / 'bag')
    return Good(root / 'native', root / 'lerobot', root / 'rlds', bag, ROOT / 'models' / 'panda_pick', root / 'canary')


@pytest.fixture(scope='module')
def figures() -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    yield found
    if path := os.environ.get('GENIMA_HOSTILE_JSON'):
        Path(path).write_text(json.dumps(found, indent=1) + '\n')


@pytest.fixture(scope='module')
def doors(good: Good) -> Iterator[dict[str, Door]]:
    class Doors(dict[str, Door]):
        def __missing__(self, kind: str) -> Door:
            self[kind] = Door(MODULES[kind], good.canary)
            return self[kind]

    opened = Doors()
    yield opened
    for door in opened.values():
        door.close()


@pytest.mark.parametrize('name', CASES)
def test_a_hostile_file_is_refused(
    name: str, good: Good, doors: dict[str, Door], figures: dict[str, Any], tmp_path: Path
) -> None:
    argv = CASES[name](tmp_path, good)
    done = doors['policies' if name.startswith(('policy_', 'train_')) else 'files'].run(argv, tmp_path / 'output.txt')
    text = (tmp_path / 'output.txt').read_text(errors='replace')
    lines = [line for line in text.splitlines() if line.strip()]
    figures[name] = {**done, 'last': lines[-1] if lines else ''}
    assert done['code'] is not None, f'it hangs: {text[-2000:]}'
    assert done['code'] > 0, f'exit code {done["code"]}: {text[-2000:]}'
    assert 'Traceback' not in text, text[-4000:]
    if argv[:2] == ['dataset', 'verify']:
        assert 'error' in text, text[-2000:]
    else:
        assert any(line.startswith('error: ') for line in lines) and len(lines[-1]) < LONGEST_LINE, text[-4000:]
    assert done['mib'] <= MAX_MIB, f'{done["mib"]:.0f} MiB'
    assert not done['opened'], f'opened {done["opened"]}'
    assert 'CANARY' not in text
    shutil.rmtree(tmp_path)  # many are large
