# SPDX-License-Identifier: Apache-2.0
"""Quality of service: what readers and writers promise each other."""

from enum import IntEnum
from typing import Any

from rosless.dds.qos import EndpointQos

from .duration import Duration


class InvalidQoSProfileException(Exception):
    """A quality of service makes no sense."""

    def __init__(self, *args: Any) -> None:
        super().__init__('Invalid QoSProfile', *args)


class _Policy(IntEnum):
    @classmethod
    def get_from_short_key(cls, name: str) -> '_Policy':
        """Return the policy called `name` in lower case."""
        return cls[name.upper()]

    @property
    def short_key(self) -> str:
        """The name in lower case, as command line tools take it."""
        return self.name.lower()


class HistoryPolicy(_Policy):
    """How many samples are kept for those who are late."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(_Policy):
    """Whether lost samples are sent again."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(_Policy):
    """Whether late readers get earlier samples ("latched")."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(_Policy):
    """Who says that a writer is alive."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


QoSHistoryPolicy, QoSReliabilityPolicy = HistoryPolicy, ReliabilityPolicy
QoSDurabilityPolicy, QoSLivelinessPolicy = DurabilityPolicy, LivelinessPolicy
_NOT_GIVEN: Any = object()


class QoSProfile:
    """Quality of service of a publisher, subscription, client or service.

    One of `depth` and `history` must be given, as in rclpy. `BEST_AVAILABLE` policies count as reliable and volatile.
    """

    def __init__(
        self,
        *,
        history: HistoryPolicy = _NOT_GIVEN,
        depth: int = _NOT_GIVEN,
        reliability: ReliabilityPolicy = ReliabilityPolicy.SYSTEM_DEFAULT,
        durability: DurabilityPolicy = DurabilityPolicy.SYSTEM_DEFAULT,
        lifespan: Duration | None = None,
        deadline: Duration | None = None,
        liveliness: LivelinessPolicy = LivelinessPolicy.SYSTEM_DEFAULT,
        liveliness_lease_duration: Duration | None = None,
        avoid_ros_namespace_conventions: bool = False,
    ) -> None:
        if history is _NOT_GIVEN:
            if depth is _NOT_GIVEN:
                raise InvalidQoSProfileException('History and/or depth settings are required.')
            history = HistoryPolicy.KEEP_LAST
        if history == HistoryPolicy.KEEP_LAST and depth is _NOT_GIVEN:
            raise InvalidQoSProfileException('History set to KEEP_LAST without a depth setting.')
        depth = 0 if depth is _NOT_GIVEN else depth
        if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
            raise InvalidQoSProfileException(f'depth must be an integer of at least 0, got {depth!r}')
        self.history = HistoryPolicy(history)
        self.depth = depth
        self.reliability = ReliabilityPolicy(reliability)
        self.durability = DurabilityPolicy(durability)
        self.lifespan = lifespan or Duration()
        self.deadline = deadline or Duration()
        self.liveliness = LivelinessPolicy(liveliness)
        self.liveliness_lease_duration = liveliness_lease_duration or Duration()
        self.avoid_ros_namespace_conventions = avoid_ros_namespace_conventions

    def native(self) -> EndpointQos:
        """Return the form that the DDS layer takes."""
        return EndpointQos(
            reliable=self.reliability != ReliabilityPolicy.BEST_EFFORT,
            transient_local=self.durability == DurabilityPolicy.TRANSIENT_LOCAL,
            keep_all=self.history == HistoryPolicy.KEEP_ALL,
            depth=self.depth,
            deadline_ns=self.deadline.nanoseconds,
            lifespan_ns=self.lifespan.nanoseconds,
            manual_liveliness=self.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC,
            lease_ns=self.liveliness_lease_duration.nanoseconds,
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, QoSProfile) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f'QoSProfile({", ".join(f"{name}={value!r}" for name, value in vars(self).items())})'


def as_profile(qos_or_depth: QoSProfile | int) -> QoSProfile:
    """Return a profile; a number is the depth of a reliable, volatile one.

    Raises:
        ValueError, TypeError: if it is negative, or neither.
    """
    if isinstance(qos_or_depth, QoSProfile):
        return qos_or_depth
    if isinstance(qos_or_depth, bool) or not isinstance(qos_or_depth, int):
        raise TypeError(f'Expected QoSProfile or int, but received {type(qos_or_depth)!r}')
    if qos_or_depth < 0:
        raise ValueError('history depth must be greater than or equal to zero')
    return QoSProfile(depth=qos_or_depth, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)


def _preset(depth: int, **policies: Any) -> QoSProfile:
    settings = {'reliability': ReliabilityPolicy.RELIABLE, 'durability': DurabilityPolicy.VOLATILE, **policies}
    return QoSProfile(depth=depth, **settings)


qos_profile_default = _preset(10)
qos_profile_system_default = QoSProfile(history=HistoryPolicy.SYSTEM_DEFAULT, depth=10)
qos_profile_sensor_data = _preset(5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = _preset(10)
qos_profile_parameters = _preset(1000)
qos_profile_parameter_events = _preset(1000)
qos_profile_best_available = _preset(
    10, reliability=ReliabilityPolicy.BEST_AVAILABLE, durability=DurabilityPolicy.BEST_AVAILABLE
)
qos_profile_action_status_default = _preset(1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
qos_profile_rosout_default = _preset(1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))


class QoSPresetProfiles:
    """The presets under one name."""

    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    BEST_AVAILABLE = qos_profile_best_available
