# SPDX-License-Identifier: Apache-2.0
"""GENIMA: a diffusion model paints where the arm should go, an ACT transformer goes there.

The names below are the nouns of the library. They are imported when they are first used: `import genima` alone is quick
and imports neither NumPy nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genima.cameras.model import CameraModel as CameraModel
    from genima.cameras.model import MountedCamera as MountedCamera
    from genima.chunks.plan import Chunk as Chunk
    from genima.contract.preprocessor import Preprocessor as Preprocessor
    from genima.contract.spec import PolicySpec as PolicySpec
    from genima.episodes.episode import Episode as Episode
    from genima.episodes.store import read_episode as read_episode
    from genima.episodes.store import write_episode as write_episode
    from genima.errors import GenimaError as GenimaError
    from genima.guard.guard import Guard as Guard
    from genima.guard.status import GuardConfig as GuardConfig
    from genima.policy.protocols import Observation as Observation
    from genima.policy.protocols import Policy as Policy
    from genima.policy.registry import load_policy as load_policy
    from genima.robots.profile import RobotProfile as RobotProfile
    from genima.sim.base import Simulator as Simulator
    from genima.tasks.base import Task as Task

__version__ = '0.2.0'

_MODULES = {
    'CameraModel': 'cameras.model',
    'Chunk': 'chunks.plan',
    'Episode': 'episodes.episode',
    'GenimaError': 'errors',
    'Guard': 'guard.guard',
    'GuardConfig': 'guard.status',
    'MountedCamera': 'cameras.model',
    'Observation': 'policy.protocols',
    'Policy': 'policy.protocols',
    'PolicySpec': 'contract.spec',
    'Preprocessor': 'contract.preprocessor',
    'RobotProfile': 'robots.profile',
    'Simulator': 'sim.base',
    'Task': 'tasks.base',
    'load_policy': 'policy.registry',
    'read_episode': 'episodes.store',
    'write_episode': 'episodes.store',
}
__all__ = [*_MODULES]


if not TYPE_CHECKING:  # to type checkers only the names above exist

    def __getattr__(name: str) -> Any:
        """Import a noun when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        value = getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the nouns and what is imported already."""
    return sorted({*globals(), *_MODULES})
