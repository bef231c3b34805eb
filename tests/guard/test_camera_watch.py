# SPDX-License-Identifier: Apache-2.0
"""The guard is not armed with a camera that is not ok or not heard, and a moving arm holds."""

from rig import Rig

from genima.guard.camera_watch import MAX_AGE_S, camera_condition, camera_kind, camera_trouble

FRONT = camera_kind('front')


def test_a_camera_that_is_not_heard_or_not_ok_keeps_the_guard_from_being_armed() -> None:
    guard = Rig(armed=False).run(0.2).guard
    guard.conditions.require(camera_condition('front'))
    status = guard.arm(1.0).status
    assert not status.armed and 'not armed: camera front: no check of it' in status.reasons[0]
    guard.conditions.report(FRONT, 1.0, camera_trouble('front', False, ['it has moved by 3.0 px']))
    status = guard.arm(1.1).status
    assert status.reasons == ('not armed: camera front: it has moved by 3.0 px',) and status.violations[FRONT] == 2
    guard.conditions.report(FRONT, 1.0, camera_trouble('front', True, ['seen once']))
    assert not guard.arm(1.1 + MAX_AGE_S).status.armed, 'too long ago'
    assert guard.arm(1.1).status.armed


def test_what_does_not_concern_arming_waits_armed() -> None:
    guard = Rig(armed=False).run(0.2).guard
    guard.conditions.require(camera_condition('front'))
    assert guard.arm().status.armed, 'a simulated arm starts armed and holds until all is well'


def test_a_bad_camera_makes_a_moving_arm_hold() -> None:
    rig = Rig()
    rig.guard.conditions.require(camera_condition('front'))
    rig.guard.conditions.report(FRONT, rig.now_s, None)
    rig.run(1.0)
    assert rig.guard.status.state == 'moving'
    rig.guard.conditions.report(FRONT, rig.now_s, camera_trouble('front', False, ['it has moved']))
    rig.run(1.0)
    assert rig.guard.status.state == 'holding' and 'camera front: it has moved' in rig.reasons and rig.moved_rad(0.4) < 1e-6
    rig.guard.conditions.report(FRONT, rig.now_s, None)
    rig.run(0.5)
    assert rig.guard.status.state == 'moving'
