# SPDX-License-Identifier: Apache-2.0
"""What the keys of a terminal mean for an arm and for the recorder. A key that is not heard again lets go of the arm."""

from dataclasses import dataclass, field

import numpy as np

EXPIRE_S = 0.3
SPEEDS_M_S = (0.02, 0.05, 0.1, 0.15, 0.2)
TURN_PER_SPEED = 4.0  # [rad/m]: at 0.1 m/s the gripper turns at 0.4 rad/s
# key: x y z (forward, left, up in the base frame), turns about x y z
MOTIONS = {
    'w': (1, 0, 0, 0, 0, 0),
    's': (-1, 0, 0, 0, 0, 0),
    'a': (0, 1, 0, 0, 0, 0),
    'd': (0, -1, 0, 0, 0, 0),
    'e': (0, 0, 1, 0, 0, 0),
    'q': (0, 0, -1, 0, 0, 0),
    'j': (0, 0, 0, 1, 0, 0),
    'l': (0, 0, 0, -1, 0, 0),
    'i': (0, 0, 0, 0, 1, 0),
    'k': (0, 0, 0, 0, -1, 0),
    'u': (0, 0, 0, 0, 0, 1),
    'o': (0, 0, 0, 0, 0, -1),
}
GRIPPER, FASTER, SLOWER = ' ', '+', '-'
START, SUCCESS, DISCARD, MARK = 'b', 'y', 'x', 'm'
FAILURE_KEYS = '12345'
HELP = """\
  w s  a d  e q   forward/back, left/right, up/down     + -     speed
  i k  j l  u o   turn about left, forward, up          space   gripper
  b begin   y success   1-5 failure: collision, timeout, grasp, calibration, other   x discard   m mark   Ctrl-C end
"""


@dataclass
class Keyboard:
    """The state of the keys.

    Attributes:
        speed: Index into `SPEEDS_M_S`.
        gripper_open: Whether the gripper is to be open.
        pressed_s: When each motion key was last heard [s].
    """

    speed: int = 2
    gripper_open: bool = True
    pressed_s: dict[str, float] = field(default_factory=dict)

    def press(self, key: str, now_s: float) -> str | None:
        """Take a key; return it if it is for the recorder, or None.

        Args:
            key: One character.
            now_s: On a steady clock [s].
        """
        key = key.lower()
        if key in MOTIONS:
            self.pressed_s[key] = now_s
        elif key == GRIPPER:
            self.gripper_open = not self.gripper_open
        elif key in (FASTER, '=', SLOWER):  # '=' is '+' without shift
            self.speed = int(np.clip(self.speed + (-1 if key == SLOWER else 1), 0, len(SPEEDS_M_S) - 1))
        elif key in (START, SUCCESS, DISCARD, MARK, *FAILURE_KEYS):
            return key
        return None

    def twist(self, now_s: float) -> np.ndarray:
        """Return the motion that the keys ask for: (6,) velocity [m/s] and turn [rad/s] in the base frame.

        Args:
            now_s: On the clock of `press` [s].
        """
        held = [MOTIONS[key] for key, at_s in self.pressed_s.items() if now_s - at_s < EXPIRE_S]
        total = np.clip(np.sum(held, axis=0), -1, 1) if held else np.zeros(6)
        speed_m_s = SPEEDS_M_S[self.speed]
        return total * np.repeat([speed_m_s, TURN_PER_SPEED * speed_m_s], 3)
