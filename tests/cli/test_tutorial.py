# SPDX-License-Identifier: Apache-2.0
"""The tutorial, from an empty folder to a policy that moves the arm: every command of it, with smaller numbers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from genima.contract.spec import PolicySpec
from genima.files import config_dir

TUTORIAL = Path(__file__).resolve().parents[2] / 'docs' / 'tutorial.md'
SMALLER = {
    'genima train painter': 'genima train painter --threads 1 --recipe tiny.yaml',
    'genima train controller': 'genima train controller --threads 1',
    'genima evaluate': 'genima evaluate --threads 1',
    'episodes:=400': 'episodes:=2',
    '--autoencoder-minutes 12': '--autoencoder-minutes 0.01',
    '--minutes 60': '--minutes 0.01',
    '--polish-minutes 25': '--polish-minutes 0.01',
    '--minutes 45 --imagined 2500': '--minutes 0.01 --imagined 2',
    '--episodes 100': '--episodes 1 --episode-s 3',
    '--episodes 5': '--episodes 1 --episode-s 3',
}
TIMEOUT_S = 240
VIEW_SIZE_PX = 64


def commands() -> list[str]:
    """Return the commands of the tutorial in their order, with numbers that a test has the time for."""
    blocks = re.findall(r'^```sh\n(.*?)^```', TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    text = ''.join(blocks)
    for large, small in SMALLER.items():
        assert large in text, f'{large!r} is not in the tutorial any more'
        text = text.replace(large, small)
    return text.splitlines()


def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    environment = {**os.environ, 'PATH': path}  # the program of this environment
    recipe = yaml.safe_load((config_dir() / 'policies/small.yaml').read_text())
    (tmp_path / 'tiny.yaml').write_text(yaml.safe_dump({**recipe, 'view_size_px': VIEW_SIZE_PX}))
    for command in commands():
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )  # fmt: skip
        assert done.returncode == 0, f'{command}\n{done.stdout}\n{done.stderr}'
    assert (tmp_path / 'page.html').stat().st_size and (tmp_path / 'demo/index.html').stat().st_size
    assert PolicySpec.load(tmp_path / 'runs/pick').view_size_px == VIEW_SIZE_PX


def test_the_tutorial_shows_no_command_that_does_not_exist() -> None:
    """Commands in the running text, with words in place of values, are only looked up."""
    for words in re.findall(r'`(genima [^`]*)`', TUTORIAL.read_text()):
        names = [word for word in words.split()[1:3] if re.fullmatch('[a-z]+', word)]
        if names[0] != 'dataset':
            names = names[:1]
        done = subprocess.run([sys.executable, '-m', 'genima.cli.main', *names, '--help'], capture_output=True, timeout=60)
        assert done.returncode == 0, words
