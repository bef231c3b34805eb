# SPDX-License-Identifier: Apache-2.0
"""The errors that users see. A message says what is wrong, what was got, what is allowed, and what to do."""


class GenimaError(ValueError):
    """Base of all errors that a user can cause and mend."""


class ProfileError(GenimaError):
    """A robot profile is missing, malformed or does not fit."""


class ContractError(GenimaError):
    """Training and deployment disagree."""


class CalibrationError(GenimaError):
    """A camera is uncalibrated or its calibration cannot be used."""


class LimitError(GenimaError):
    """A motion is not finite or leaves the limits of the robot."""


class DatasetError(GenimaError):
    """A dataset or an episode is missing, damaged or of another schema."""


class BorderError(DatasetError):
    """A file is no regular one, or what it states is too large, too deep, or leads elsewhere."""


class TaskError(GenimaError):
    """A task is not known, or does not fit what it is used with."""


class SimulatorError(GenimaError):
    """A simulator is not there, or refuses, or says what makes no sense."""


class PolicyError(GenimaError):
    """A policy directory is missing or incomplete."""
