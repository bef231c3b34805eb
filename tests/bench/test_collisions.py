# SPDX-License-Identifier: Apache-2.0
import numpy as np

from genima.bench.collisions import KINDS, Outcome, passes, run_chunks, summary
from genima.bench.contacts import MujocoContacts
from genima.bench.good_episodes import GoodEpisode
from genima.robots.profile import RobotProfile

FOLDED = np.array([-0.37, -0.69, -0.16, -1.91, -1.16, 0.43, -0.43])  # the hand in the forearm


def test_the_judge_sees_links_and_table_and_nothing_at_home(panda: RobotProfile) -> None:
    contacts = MujocoContacts(panda)
    assert contacts.first(panda.home_rad[None]) is None and contacts.first(panda.home_rad[None], 0.0) is None
    found = contacts.first(np.stack((panda.home_rad, FOLDED)))
    assert found is not None and found[0] == 1 and {'panda_link5', 'panda_hand'} == set(found[1:3]) and found[3] > 0.0
    down = contacts.first((panda.home_rad + 0.9 * np.eye(7)[1])[None])
    assert down is not None and 'table' in down[1:3]


def test_some_chunks_are_dangerous_and_none_of_them_passes() -> None:
    (part,) = run_chunks('ur5e', 80, 0, 1)
    assert sum(part.chunks.values()) == 80 and part.passed > 30 and part.penetrations == []
    assert part.stopped >= part.dangerous > 0
    row = summary('ur5e', [part], [GoodEpisode(0, True, 30, {'workspace': 0, 'collision': 0, 'singularity': 0})])
    assert passes([row]) and row['stopped episodes'] == 0


def test_one_penetration_or_too_many_stopped_episodes_fail() -> None:
    touching = Outcome(dict.fromkeys(KINDS, 1), 4, 1, 1, ['a and b'], [0.1], [0.1])
    assert not passes([summary('panda', [touching], [])])
    clear = Outcome(dict.fromkeys(KINDS, 1), 4, 1, 1, [], [0.1], [0.1])
    stopped = [GoodEpisode(i, True, 30, {'workspace': 0, 'collision': int(i < 2), 'singularity': 0}) for i in range(100)]
    assert passes([summary('panda', [clear], stopped[1:])]) is False and passes([summary('panda', [clear], stopped[2:])])
