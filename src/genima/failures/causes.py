# SPDX-License-Identifier: Apache-2.0
"""The root causes that an operator can give a failure."""

from genima.errors import DatasetError

CAUSES = {
    'calibration': 'a camera is not where its calibration says',
    'occlusion': 'the arm, or something else, was in the way of a camera',
    'lighting': 'too dark, too bright, or a shadow',
    'object_slip': 'the object slipped or moved',
    'wrong_color': 'the gripper sphere had the colour of the other state',
    'jitter': 'the painted spheres jumped from picture to picture',
    'collision': 'the arm touched what it should not',
    'timeout': 'it took too long',
    'other': 'none of these',
}
"""Names as they travel in services and files, and what they mean."""


def check_cause(cause: str) -> None:
    """Raise DatasetError unless this is one of `CAUSES`."""
    if cause not in CAUSES:
        raise DatasetError(f'cause {cause!r}; allowed: {", ".join(CAUSES)}')
