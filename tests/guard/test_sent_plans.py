# SPDX-License-Identifier: Apache-2.0
"""Which plan counts: the newest while it may be under way, then the one that the controller says it executes."""

import numpy as np
import pytest

from genima.chunks.plan import Plan
from genima.guard.sent_plans import SentPlans
from genima.guard.status import GuardConfig

FIRST, SECOND = (Plan(tick, 0.02, np.zeros((20, 2)), np.zeros((20, 2))) for tick in (50, 55))


@pytest.fixture
def sent() -> SentPlans:
    sent = SentPlans(GuardConfig())
    sent.add(FIRST, 1.0, stopping=False)
    sent.add(SECOND, 1.1, stopping=True)
    return sent


def test_a_plan_on_its_way_counts(sent: SentPlans) -> None:
    sent.settle(1.15, lambda plan: plan is FIRST)
    assert sent.plan is SECOND and sent.stopping and sent.again(1.15) is SECOND


def test_a_lost_plan_does_not_count_until_it_arrives_after_all(sent: SentPlans) -> None:
    sent.settle(1.26, lambda plan: plan is FIRST)
    assert sent.plan is FIRST and not sent.stopping and sent.again(1.26) is None
    sent.settle(1.28, lambda plan: plan is SECOND)
    assert sent.plan is SECOND


def test_a_plan_joined_to_a_lost_one_does_not_count(sent: SentPlans) -> None:
    third = Plan(60, 0.02, np.zeros((20, 2)), np.zeros((20, 2)))
    sent.add(third, 1.2, stopping=False)
    sent.settle(1.21, lambda plan: plan is SECOND)
    assert sent.plan is third
    sent.settle(1.22, lambda plan: plan is FIRST)
    assert sent.plan is FIRST


def test_a_controller_that_executes_something_else_follows_no_plan(sent: SentPlans) -> None:
    sent.settle(1.2, lambda plan: False)
    assert sent.plan is None and not sent.stopping


def test_only_a_plan_that_was_never_sent_is_withdrawn(sent: SentPlans) -> None:
    sent.withdraw(1.2)
    assert sent.plan is SECOND, 'its repetition was late, not itself'
    sent.withdraw(1.1)
    assert sent.plan is FIRST


def test_where_the_controller_does_not_say_the_last_plan_counts(sent: SentPlans) -> None:
    sent.settle(1.2, lambda plan: None)
    assert sent.plan is SECOND


def test_a_plan_is_sent_again_for_a_moment_and_not_while_it_is_led_over_to(sent: SentPlans) -> None:
    assert sent.again(1.16) is SECOND and sent.again(1.17) is None
    sent.add(Plan(70, 0.02, np.zeros((2, 2)), np.zeros((2, 2))), 1.2, stopping=False)
    assert sent.again(1.22) is None
