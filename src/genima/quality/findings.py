# SPDX-License-Identifier: Apache-2.0
"""What a check can find: one stable code each, with how bad it is and what to do about it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ERROR, WARNING, NOTE = 'error', 'warning', 'note'
SEVERITIES = (ERROR, WARNING, NOTE)

_COPY = 'copy the file again from where it was recorded, or `genima dataset repair` it'
_CONVERT = 'mend the recorder or the converter that wrote it, and convert again'
_CAMERA = 'look at the camera and its driver; take the episode out'
_METADATA = 'write it when recording; where the value is known, convert again with it'

KINDS: dict[str, tuple[str, str]] = {
    # the file
    'file-empty': (ERROR, _COPY),
    'file-foreign': (ERROR, 'this is no HDF5 file: move it elsewhere'),
    'file-truncated': (ERROR, _COPY),
    'file-damaged': (ERROR, _COPY),
    'file-refused': (ERROR, 'somebody may have made it to do harm: ask who made it, and do not open it with other programs'),
    'schema': (ERROR, 'convert it with `genima dataset convert`, or use the program that wrote it'),
    'schema-old': (NOTE, 'nothing proves the integrity of version 1: convert it, or keep a manifest beside it'),
    'digest-differs': (ERROR, 'the contents changed after they were written: copy the file again'),
    'digest-missing': (ERROR, _CONVERT),
    'field-missing': (ERROR, _CONVERT),
    'field-type': (ERROR, _CONVERT),
    'field-shape': (ERROR, _CONVERT),
    'field-unknown': (NOTE, 'nothing reads it; that may be what you want'),
    'not-finite': (ERROR, _CONVERT),
    'episode-empty': (ERROR, 'take the episode out'),
    # metadata
    'metadata-damaged': (ERROR, _COPY),
    'metadata-missing': (WARNING, _METADATA),
    'metadata-value': (ERROR, _METADATA),
    'robot-unknown': (WARNING, 'add a profile to config/robots; without it neither limits nor joint order are checked'),
    # time
    'stamps-repeat': (ERROR, _CONVERT),
    'stamps-backwards': (ERROR, 'the clock jumped while recording: take the episode out, synchronise clocks (NTP, PTP)'),
    'stamps-gap': (WARNING, 'steps are missing, and learning over the gap is learning a jump: did the recorder drop data?'),
    'units-time': (ERROR, _CONVERT),
    'rate-differs': (ERROR, 'correct rate_hz, or align the recording again'),
    'capture-backwards': (ERROR, _CONVERT),
    'capture-far': (ERROR, 'give camera and robot one clock; capture times must be on that of the time stamps'),
    # numbers
    'units-degrees': (ERROR, 'convert again with radians'),
    'units-gripper': (ERROR, 'convert again with an opening from 0 (closed) to 1 (open)'),
    'gripper-inverted': (ERROR, 'convert again with 1 for open'),
    'joint-count': (ERROR, 'name the right robot in the metadata, or leave other columns (fingers) out'),
    'joint-names': (ERROR, 'record with the joint names of the robot profile'),
    'joint-order': (ERROR, 'sort the columns by the joint names of the robot profile and convert again'),
    'joint-limits': (ERROR, 'is this the right robot profile? If so, are the encoders calibrated?'),
    'command-relative': (ERROR, 'convert again with absolute joint targets for the next step'),
    'command-far': (ERROR, 'is the command of this arm, in its joint order, and of the same time?'),
    # cameras
    'camera-missing': (ERROR, 'take the episode out; the recorder says which topics it had'),
    'calibration-missing': (ERROR, 'calibrate the camera and record its camera_info; without it no sphere can be drawn'),
    'calibration-damaged': (ERROR, 'calibrate the camera again'),
    'image-size': (ERROR, 'calibrate at the size that is recorded, or record at the size of the calibration'),
    'image-black': (ERROR, _CAMERA),
    'image-blank': (ERROR, _CAMERA),
    'image-frozen': (ERROR, _CAMERA),
    'cameras-swapped': (ERROR, 'give cameras their names by serial number, not by USB port; rename and convert again'),
    # the folder
    'dataset-empty': (ERROR, 'name a folder with episode_*.h5, recordings, or a manifest'),
    'card-damaged': (ERROR, 'correct dataset.yaml'),
    'index-damaged': (WARNING, '`genima dataset repair` makes the index anew'),
    'index-changed': (WARNING, 'if you changed it on purpose, `genima dataset info` brings the index up to date'),
    'episode-missing': (ERROR, 'copy the file again; if you took it out, `genima dataset info` brings the index up to date'),
    'episodes-swapped': (ERROR, 'give the files back their names'),
    'episode-duplicate': (ERROR, 'remove one of them: a repeated episode counts twice in training, or leaks into the test'),
    'episodes-mixed': (WARNING, 'keep what differs in folders of its own'),
    'release-changed': (ERROR, 'restore the episodes of that version, or release a new one'),
    'release-damaged': (ERROR, 'copy the list of that version again'),
    # recordings
    'recording-unfinished': (ERROR, '`genima dataset repair` keeps what was written'),
    'recording-damaged': (ERROR, _COPY),
    'recording-changed': (ERROR, 'the bag changed after it was finished: copy it again'),
    'topic-missing': (ERROR, 'take the recording out; the recorder says which topics it had'),
    'message-damaged': (ERROR, _COPY),
    'messages-dropped': (WARNING, 'record to a faster disk, with less compression or fewer cameras'),
    'messages-lost': (WARNING, 'raise net.core.rmem_max, free the processor or the network, or set reliable_sensors'),
    # manifests of exports
    'manifest-missing': (WARNING, 'nothing proves the integrity of this export: export again with `genima dataset convert`'),
    'manifest-damaged': (ERROR, 'export again'),
    'export-missing': (ERROR, 'copy the file again, or export again'),
    'export-truncated': (ERROR, 'copy the file again, or export again'),
    'export-changed': (ERROR, 'copy the file again, or export again'),
    'export-swapped': (ERROR, 'give the files back their names'),
    'export-duplicate': (ERROR, 'remove the copy'),
    'export-added': (WARNING, 'the export did not write it; readers of the format may trip over it'),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth knowing.

    Attributes:
        code: One of `KINDS`; scripts may rely on it.
        where: The file or folder.
        text: One plain sentence with the values that were seen.
    """

    code: str
    where: str
    text: str

    def __post_init__(self) -> None:
        assert self.code in KINDS, self.code

    @property
    def severity(self) -> str:
        """'error', 'warning' or 'note'."""
        return KINDS[self.code][0]

    @property
    def advice(self) -> str:
        """What to do."""
        return KINDS[self.code][1]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        names = ('code', 'severity', 'where', 'text', 'advice')
        return {name: getattr(self, name) for name in names}


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in SEVERITIES}
