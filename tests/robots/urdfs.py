# SPDX-License-Identifier: Apache-2.0
"""URDF files for tests: chains of any joints, and small texts around them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass(frozen=True)
class ChainJoint:
    """One joint of a made chain; numbers as they stand in the file."""

    kind: str
    xyz: np.ndarray
    rpy: np.ndarray
    axis: np.ndarray


def random_chain(rng: np.random.Generator, moving: int) -> list[ChainJoint]:
    """Return a chain of `moving` joints that turn, with fixed ones between and behind them."""
    kinds = [
        kind for _ in range(moving) for kind in (rng.choice(['revolute', 'continuous']), *['fixed'] * rng.integers(0, 2))
    ]
    return [
        ChainJoint(str(kind), rng.uniform(-0.4, 0.4, 3), rng.uniform(-np.pi, np.pi, 3), rng.normal(size=3)) for kind in kinds
    ]


def urdf_text(joints: list[ChainJoint], extra: str = '', head: str = '') -> str:
    """Return a URDF whose links are called l0, l1, … and whose joints j0, j1, …"""
    lines = [f'<?xml version="1.0"?>{head}<robot name="made arm"><link name="l0"/>']
    for i, joint in enumerate(joints):
        xyz, rpy, axis = (' '.join(repr(float(value)) for value in each) for each in (joint.xyz, joint.rpy, joint.axis))
        limit = (
            ''
            if joint.kind == 'fixed'
            else f'<axis xyz="{axis}"/><limit lower="-2" upper="2.5" velocity="1.5" effort="30"/>'
        )
        limit = limit.replace('lower="-2" upper="2.5" ', '') if joint.kind == 'continuous' else limit
        lines.append(
            f'<link name="l{i + 1}"><inertial><origin xyz="0.01 0 0.02"/><mass value="1.5"/></inertial></link>'
            f'<joint name="j{i}" type="{joint.kind}"><parent link="l{i}"/><child link="l{i + 1}"/>'
            f'<origin xyz="{xyz}" rpy="{rpy}"/>{limit}</joint>'
        )
    return ''.join([*lines, extra, '</robot>'])


def chain_pose(joints: list[ChainJoint], q_rad: np.ndarray) -> np.ndarray:
    """Return T_base_tip (4, 4), by scipy and nothing of ours."""
    T, left = np.eye(4), list(q_rad)
    for joint in joints:
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = Rotation.from_euler('xyz', joint.rpy).as_matrix(), joint.xyz
        T = T @ step
        if joint.kind != 'fixed':
            turn = np.eye(4)
            turn[:3, :3] = Rotation.from_rotvec(left.pop(0) * joint.axis / np.linalg.norm(joint.axis)).as_matrix()
            T = T @ turn
    return T


def write(path: Path, text: str) -> Path:
    """Write a text and return its path."""
    path.write_text(text)
    return path
