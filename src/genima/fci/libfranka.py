# SPDX-License-Identifier: Apache-2.0
"""The arm behind the door, through the maker's own library: `pip install pylibfranka`."""

from typing import Any

from genima.errors import GenimaError
from genima.fci.door import ArmState, ReflexError

MISSING = "pylibfranka is not installed: pip install 'genima[fci]' (it is for Linux on x86-64, Python 3.10 to 3.12)"


class LibfrankaArm:
    """One connection to a robot.

    pylibfranka holds the interpreter's lock while it waits for the robot, so nothing else can run in the process.
    """

    def __init__(self, robot_ip: str, realtime: bool) -> None:
        """Connect.

        Args:
            robot_ip: Address of the robot.
            realtime: Ask for real-time scheduling, which needs a PREEMPT_RT kernel and the right to use it.

        Raises:
            GenimaError: if the library is missing, the robot does not answer, or the kernel has no real-time scheduling.
        """
        try:
            import pylibfranka
        except ImportError as error:
            raise GenimaError(MISSING) from error
        self._library: Any = pylibfranka
        self._control: Any = None
        config = pylibfranka.RealtimeConfig
        try:
            self._robot = pylibfranka.Robot(robot_ip, config.kEnforce if realtime else config.kIgnore)
        except pylibfranka.RealtimeException as error:
            hint = 'install a PREEMPT_RT kernel and permit rtprio (docs/fci.md); realtime:=ignore is for a simulated robot'
            raise GenimaError(f'robot {robot_ip}: {error}; {hint}') from error
        except Exception as error:
            hint = 'is it on, unlocked in Desk, with the FCI activated, and has nobody else connected?'
            raise GenimaError(f'robot {robot_ip}: {error}; {hint}') from error

    def read(self) -> ArmState:
        """See `FciArm`."""
        return _state(self._call(self._robot.read_once))

    def begin(self) -> None:
        """See `FciArm`."""
        self._control = None  # libfranka refuses a motion while the handle of another one lives
        start = self._robot.start_joint_position_control
        self._control = self._call(start, self._library.ControllerMode.JointImpedance)

    def receive(self) -> ArmState:
        """See `FciArm`."""
        return _state(self._call(self._control.readOnce)[0])

    def send(self, q_rad: list[float], last: bool = False) -> None:
        """See `FciArm`."""
        command = self._library.JointPositions(q_rad)
        command.motion_finished = last
        self._call(self._control.writeOnce, command)
        if last:
            self._control = None

    def recover(self) -> None:
        """See `FciArm`."""
        self._control = None
        self._call(self._robot.automatic_error_recovery)

    def _call(self, function: Any, *arguments: Any) -> Any:
        library = self._library
        try:
            return function(*arguments)
        except (library.ControlException, library.CommandException, library.InvalidOperationException) as error:
            self._control = None
            raise ReflexError(str(error)) from error
        except Exception as error:  # NetworkException, ProtocolException: there is no robot any more
            raise GenimaError(f'the connection to the robot is lost: {error}') from error


def _state(state: Any) -> ArmState:
    return ArmState(
        state.time.to_sec(),
        tuple(state.q),
        tuple(state.dq),
        tuple(state.q_d),
        tuple(state.dq_d),
        tuple(state.ddq_d),
        int(state.robot_mode.value),
        float(state.control_command_success_rate),
    )
