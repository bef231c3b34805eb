# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest that takes one barrier of the guard away, by the name in GENIMA_MUTANT: some test must notice."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest


def _returns(value: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: value


def _forgets_on_reset(guard: Any) -> Callable[..., Any]:
    reset = guard.reset

    def reset_and_forget(self: Any, now_s: float | None = None) -> Any:
        output = reset(self, now_s)
        self._forget_motion()
        return output

    return reset_and_forget


def _any_length(gates: Any) -> Callable[..., Any]:
    malformed = gates.chunk_malformed
    return lambda profile, chunk, points=None: malformed(profile, chunk)


def _plain_subscriptions(sturdy: Any) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: sturdy.Node.create_subscription(self, *args, **kwargs)


def _everything_goes(sturdy: Any) -> Callable[..., Any]:
    return lambda self, parameters: sturdy.SetParametersResult(successful=True)


def _keeps_all_names(states: Any) -> Callable[..., Any]:
    init = states.JointStates.__init__

    def init_and_want_all(self: Any, *args: Any) -> None:
        init(self, *args)
        self._wanted = type('Everything', (), {'__contains__': lambda self, name: True})()

    return init_and_want_all


def _begins_late(splice: Any) -> Callable[..., Any]:
    return lambda now_s, config: max(int((now_s - config.grid_s) / config.grid_s + 1e-9), 1)


# barrier: (module, attribute, what takes its place, made from the module or from the class)
MUTANTS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    'a plan is sent however late': ('genima.guard.guard', 'Guard.too_late', lambda _: _returns(False)),
    'clocks are not compared': ('genima.guard.controller_watch', 'ControllerWatch.clocks_apart', lambda _: _returns(None)),
    'joints are not held against the feedback': (
        'genima.guard.controller_watch', 'ControllerWatch.contradicts', lambda _: _returns(None),
    ),
    'a lie counts for one message': ('genima.guard.controller_watch', 'ControllerWatch._lied', lambda _: _returns(None)),
    'strangers may move the arm': ('genima.guard.controller_watch', 'ControllerWatch.restless', lambda _: _returns(None)),
    'the arm is led astray again and again': ('genima.guard.sent_plans', 'SentPlans.led_astray', lambda _: _returns(None)),
    'plans begin in the future': ('genima.chunks.plan', 'Plan.preceded', lambda _: lambda self, old, tick: self),
    'plans begin a moment ago': ('genima.chunks.splice', 'past_tick', _begins_late),
    'a reset forgets what is executed': ('genima.guard.guard', 'Guard.reset', lambda m: _forgets_on_reset(m.Guard)),
    'chunks have any length': ('genima.guard.gates', 'chunk_malformed', _any_length),
    'the workspace has no walls': ('genima.guard.workspace', 'Workspace.outside_m', lambda _: _returns((0.0, ''))),
    'the way of a bridge is not checked': ('genima.guard.plan_checks', 'way_refused', lambda _: _returns(None)),
    'links may touch': ('genima.collision.checker', 'CollisionChecker.contact', lambda _: _returns(None)),
    'singularities are passed at any speed': ('genima.guard.singularity', 'too_fast', lambda _: _returns('')),
    'nobody counts publishers': ('genima_ros.guard.rivals', 'Rivals.look', lambda _: _returns(None)),
    'a sleep is not noticed': ('genima_ros.guard.sleep_watch', 'SleepWatch.drowsy', lambda _: _returns(False)),
    'messages have any size': ('genima_ros.core.caps', 'oversized', lambda _: _returns(None)),
    'callbacks are not wrapped': ('genima_ros.core.sturdy', 'SturdyNode.create_subscription', _plain_subscriptions),
    'the source of time may change': ('genima_ros.core.sturdy', 'SturdyNode._check_parameters', _everything_goes),
    'names of strangers are kept': ('genima_ros.inputs.joint_states', 'JointStates.__init__', _keeps_all_names),
    'frames of strangers are kept': ('genima_ros.conversions.frames', 'FrameTree._is_full', lambda _: _returns(False)),
}  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Take the barrier away before any test imports it."""
    where, name, make = MUTANTS[os.environ['GENIMA_MUTANT']]
    if where.startswith('genima_ros'):
        import_module('genima_ros')  # its gate decides which rclpy this is
    module = import_module(where)
    owner, _, attribute = name.rpartition('.')
    place = getattr(module, owner) if owner else module
    assert hasattr(place, attribute), f'{where} has no {name} any more: change the mutant'
    setattr(place, attribute, make(module))
