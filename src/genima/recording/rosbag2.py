# SPDX-License-Identifier: Apache-2.0
"""rosbag2's own description of a bag, `metadata.yaml`, version 5: Humble and everything since reads it.

Source: https://github.com/ros2/rosbag2, rosbag2_storage/include/rosbag2_storage/yaml.hpp and src/rosbag2_storage/qos.cpp.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

VERSION = 5
_NO_LIMIT = {'sec': 9223372036, 'nsec': 854775807}  # what rosbag2 writes for "infinite"


@dataclass(frozen=True)
class Topic:
    """A topic of a bag.

    Attributes:
        name: Full name, for example '/joint_states'.
        kind: Type of its messages, for example 'sensor_msgs/msg/JointState'.
        schema: Definition of the type and of all that it is made of, as `genima.recording.schemas` takes it.
        qos: Offered quality of service, see `qos_text`.
    """

    name: str
    kind: str
    schema: str
    qos: str = ''


@dataclass
class Counts:
    """How many messages of a topic there are, and when the first and the last were logged (ROS time) [ns]."""

    messages: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, log_time_ns: int) -> None:
        """Count a message."""
        self.first_ns = log_time_ns if not self.messages else min(self.first_ns, log_time_ns)
        self.last_ns = max(self.last_ns, log_time_ns)
        self.messages += 1


def qos_text(depth: int, *, reliable: bool, latched: bool) -> str:
    """Return a quality of service as versions below 9 of the metadata write it: rmw's numbers, YAML in a text."""
    profile = {
        'history': 1,
        'depth': depth,
        'reliability': 1 if reliable else 2,
        'durability': 1 if latched else 2,
        'deadline': dict(_NO_LIMIT),
        'lifespan': dict(_NO_LIMIT),
        'liveliness': 1,
        'liveliness_lease_duration': dict(_NO_LIMIT),
        'avoid_ros_namespace_conventions': False,
    }
    return yaml.safe_dump([profile], sort_keys=False)


def describe(file_name: str, topics: Mapping[str, Topic], counts: Mapping[str, Counts]) -> dict[str, Any]:
    """Return what metadata.yaml says below `rosbag2_bagfile_information`."""
    filled = [count for count in counts.values() if count.messages]
    first_ns = min((count.first_ns for count in filled), default=0)
    last_ns = max((count.last_ns for count in filled), default=0)
    whole = {
        'starting_time': {'nanoseconds_since_epoch': first_ns},
        'duration': {'nanoseconds': last_ns - first_ns},
        'message_count': sum(count.messages for count in filled),
    }
    return {
        'version': VERSION,
        'storage_identifier': 'mcap',
        **whole,
        'topics_with_message_count': [
            {
                'topic_metadata': {
                    'name': topic.name,
                    'type': topic.kind,
                    'serialization_format': 'cdr',
                    'offered_qos_profiles': topic.qos,
                },
                'message_count': counts[name].messages,
            }
            for name, topic in topics.items()
        ],
        'compression_format': '',
        'compression_mode': '',
        'relative_file_paths': [file_name],
        'files': [{'path': file_name, **whole}],
    }


def metadata_text(description: Mapping[str, Any], wrapped: bool = True) -> str:
    """Return the text of metadata.yaml; not wrapped, as it is stored inside an MCAP file."""
    return yaml.safe_dump(
        {'rosbag2_bagfile_information': dict(description)} if wrapped else dict(description), sort_keys=False
    )
