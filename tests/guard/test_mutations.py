# SPDX-License-Identifier: Apache-2.0
"""Each barrier of the guard is needed: without it a named test fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import MUTANTS

HERE = Path(__file__).resolve().parent
GUARD, WATCH, NODES = 'guard/test_guard.py', 'guard/test_controller_watch.py', 'nodes/test_fuzzed_inputs.py'
CHECKS = 'guard/test_plan_checks.py'
NOTICED_BY = {
    'a plan is sent however late': (GUARD, 'test_a_guard_that_is_late_itself_sends_nothing'),
    'clocks are not compared': (GUARD, 'test_a_clock_that_is_off_is_found_and_named'),
    'joints are not held against the feedback': (GUARD, 'test_joint_states_that_lie_move_nothing'),
    'a lie counts for one message': (GUARD, 'test_joint_states_that_lie_now_and_then_move_nothing'),
    'strangers may move the arm': (WATCH, 'test_nobody_else_may_move_the_arm'),
    'the arm is led astray again and again': (GUARD, 'test_without_a_word_of_the_controller'),
    'plans begin in the future': (GUARD, 'test_a_clock_that_is_set_in_motion'),
    'plans begin a moment ago': (GUARD, 'test_whatever_the_guards_clock_shows'),
    'a reset forgets what is executed': (GUARD, 'test_a_reset_in_motion_is_no_jump'),
    'chunks have any length': (GUARD, 'test_a_chunk_of_another_length'),
    'the workspace has no walls': (GUARD, 'test_the_gripper_does_not_leave_the_workspace'),
    'the way of a bridge is not checked': (CHECKS, 'test_the_way_to_where_motion_starts'),
    'links may touch': (CHECKS, 'test_an_arm_led_into_itself'),
    'singularities are passed at any speed': (CHECKS, 'test_an_arm_that_is_stretched_out or test_joints_turn_slowly'),
    'nobody counts publishers': ('nodes/test_bench.py', 'survives and second'),
    'a sleep is not noticed': ('nodes/test_sleep_watch.py', 'drowsy'),
    'messages have any size': (NODES, 'beyond_the_caps or beyond_the_cap'),
    'callbacks are not wrapped': (NODES, 'test_what_a_callback_raises'),
    'the source of time may change': (NODES, 'test_the_source_of_time'),
    'names of strangers are kept': (NODES, 'test_names_of_strangers'),
    'frames of strangers are kept': (NODES, 'test_frames_of_strangers'),
}


def test_every_mutant_is_noticed_by_a_named_test() -> None:
    assert set(NOTICED_BY) == set(MUTANTS) and len(MUTANTS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize('mutant', MUTANTS)
def test_without_the_barrier_its_test_fails(mutant: str) -> None:
    file, words = NOTICED_BY[mutant]
    paths = [str(HERE), os.environ.get('PYTHONPATH', '')]
    environment = {**os.environ, 'GENIMA_MUTANT': mutant, 'PYTHONPATH': os.pathsep.join(filter(None, paths))}
    command = [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'mutants', str(HERE.parent / file), '-k', words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1, f'exit code {done.returncode}: nothing noticed that {mutant}\n{done.stdout[-2000:]}'
    assert ' failed' in done.stdout and 'error' not in done.stdout.splitlines()[-1], done.stdout[-2000:]
