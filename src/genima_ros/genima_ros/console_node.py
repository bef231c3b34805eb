# SPDX-License-Identifier: Apache-2.0
"""The operator console as a node: one web page that shows what the robot intends, stops it, and takes notes."""

import os
from functools import partial
from typing import Any, NoReturn

from rclpy.clock import Clock, ClockType
from std_msgs.msg import Bool

from genima.contract.spec import PolicySpec
from genima.episodes.episode import FAILURES
from genima.failures.causes import CAUSES
from genima.guard.guard import ARMING_OFFSET_S
from genima.robots.profile import RobotProfile
from genima_ros.console.access import Access, choose_token
from genima_ros.console.clients import ConsoleClients
from genima_ros.console.inputs import ConsoleInputs
from genima_ros.console.log import ConsoleLog
from genima_ros.console.meters import plain
from genima_ros.console.server import ConsoleServer
from genima_ros.console.views import ConsoleViews
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode

STATUS_S = 0.1
NICENESS = 10  # pictures give way to everything that moves the arm
AVAILABLE_TICKS = 10  # who offers services is looked up once a second


class ConsoleNode(SturdyNode):
    """Shows the graph to browsers and passes their commands on. It publishes nothing but the deadman, where asked for."""

    def __init__(self) -> None:
        super().__init__('console_node')
        policy = declare(self, 'policy', '', 'Policy directory; its contract says which spheres and cameras. Empty: none.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        cameras = declare(self, 'cameras', [''], "Names of the cameras; empty: the policy's.")
        host = declare(self, 'host', '127.0.0.1', 'Address that is listened on; others than loopback need a token.')
        port = declare(self, 'port', 8600, 'Port of the page; 0 takes a free one.', between=(0, 65535))
        token = declare(self, 'token', '', 'What the address must contain; empty: made anew where others can reach it.')
        public = declare(self, 'public_origin', '', 'Origin of a proxy before this page, https://robot.lab for example.')
        reliable = declare(self, 'reliable_images', False, 'Ask cameras to send lost images again (reliable QoS).')
        self._deadman = declare(self, 'deadman', False, 'Feed the deadman switch while a browser holds the watch.')
        spec = PolicySpec.load(policy) if policy else None
        profile = RobotProfile.load(robot or (spec.robot if spec else 'panda'))
        names = [name for name in cameras if name] or list(spec.cameras if spec else ())
        self._log = ConsoleLog()
        self._commands = ConsoleClients(self, self._log, self._armed, spec is not None)
        self._server = ConsoleServer(
            Access(host, choose_token(host, token, public), public), port, self._commands.command, self._log.newest_first,
            self._hello(profile, spec, names), partial(refuse, self), watch_to_arm=self._deadman,
        )  # fmt: skip
        self._views = ConsoleViews(self, self._server.frames, names, profile, spec, reliable)
        self._inputs = ConsoleInputs(self, profile, self._views, self._log)
        self._held = self.create_publisher(Bool, 'deadman', qos.RELIABLE) if self._deadman else None
        self._available: dict[str, bool] = {}
        self._ticks = 0
        self.create_timer(STATUS_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f'console: {self._server.address} shows {profile.name}, cameras {", ".join(names) or "none"}')

    def close(self) -> None:
        """End the web server."""
        self._server.close()

    def _hello(self, profile: RobotProfile, spec: PolicySpec | None, cameras: list[str]) -> dict[str, Any]:
        limits = profile.limits
        hello: dict[str, Any] = plain({
            'robot': profile.name,
            'joints': list(profile.arm_joints),
            'lower_rad': limits.position_min_rad,
            'upper_rad': limits.position_max_rad,
            'cameras': cameras,
            'targets': list(spec.cameras if spec else ()),
            'policy': spec is not None,
            'contract': spec.hash() if spec else '',
            'instruction': spec.instruction if spec else '',
            'deadman': self._deadman,
            'arming_offset_s': ARMING_OFFSET_S,
            'flag_causes': list(CAUSES),
            'failure_causes': list(FAILURES),
        })
        return hello

    def _armed(self) -> bool:
        guard = self._inputs.newest('guard')
        return guard is None or bool(guard['armed'])

    def _tick(self) -> None:
        watchers = self._server.watch.holders
        if self._held is not None:
            self._held.publish(Bool(data=watchers > 0))
        browsers = self._server.browsers
        self._inputs.want(browsers > 0)
        self._views.listener.want(self._server.frames.watched)
        if not browsers:
            self._ticks = 0
            return
        if self._ticks % AVAILABLE_TICKS == 0:
            self._available = self._commands.available()
        self._ticks += 1
        extra = {'available': self._available, 'log': self._log.count, 'browsers': browsers, 'watchers': watchers}
        self._server.publish({**self._inputs.status(), **extra})


def main() -> NoReturn:
    """Run the node."""
    os.nice(NICENESS)
    run(ConsoleNode)


if __name__ == '__main__':
    main()
