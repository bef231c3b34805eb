# SPDX-License-Identifier: Apache-2.0
"""Action classes: `GripperCommand.Goal`, `.Result`, `.Feedback`, and under `.Impl` what travels for them."""

from typing import ClassVar

from rosless.interfaces.definitions import DefinitionError, action_names
from rosless.interfaces.messages import Message, message_class
from rosless.interfaces.services import ServiceType, service_class


class ActionType:
    """Base of all action classes."""

    ros_type: ClassVar[str]
    Goal: ClassVar[type[Message]]
    Result: ClassVar[type[Message]]
    Feedback: ClassVar[type[Message]]

    class Impl:
        """The services and messages of the action."""

        SendGoalService: ClassVar[type[ServiceType]]
        GetResultService: ClassVar[type[ServiceType]]
        CancelGoalService: ClassVar[type[ServiceType]]
        FeedbackMessage: ClassVar[type[Message]]
        GoalStatusMessage: ClassVar[type[Message]]


_classes: dict[str, type[ActionType]] = {}


def action_class(name: str) -> type[ActionType]:
    """Return the class of 'package/action/Name'.

    Raises:
        DefinitionError: if no such definition is known.
    """
    if name not in action_names():
        raise DefinitionError(f'no definition of {name} is known')
    if name not in _classes:
        package, kind, short = name.split('/')
        parts = {part: message_class(f'{name}_{part}') for part in ('Goal', 'Result', 'Feedback')}
        impl = type('Impl', (ActionType.Impl,), {
            'SendGoalService': service_class(f'{name}_SendGoal'),
            'GetResultService': service_class(f'{name}_GetResult'),
            'CancelGoalService': service_class('action_msgs/srv/CancelGoal'),
            'FeedbackMessage': message_class(f'{name}_FeedbackMessage'),
            'GoalStatusMessage': message_class('action_msgs/msg/GoalStatusArray'),
        })  # fmt: skip
        space = {'__module__': f'{package}.{kind}', 'ros_type': name, 'Impl': impl, **parts}
        _classes[name] = type(short, (ActionType,), space)
    return _classes[name]
