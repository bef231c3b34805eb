# SPDX-License-Identifier: Apache-2.0
"""Builds the MuJoCo model of any robot profile with a table, four cameras and a task."""

from functools import cached_property
from typing import Any

import mujoco
import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.robots.profile import Link, RobotProfile, Shape
from genima.robots.transforms import quaternion_xyzw, rpy_matrix
from genima.sim.camera_choice import camera_sources
from genima.tasks.base import State, Task
from genima.tasks.registry import find_task

TIMESTEP_S = 0.002
# The servo of each joint is critically damped on the joint's inertia at home.
SERVO_RAD_S = 60.0
ARMATURE_KG_M2 = 0.1
FINGER_ARMATURE_KG = 0.1
FINGER_STIFFNESS_N_M = 3000.0
# Links get the inertia of a solid ball of this radius: the servos' armature dominates it.
INERTIA_RADIUS_M = 0.10
# name: eye, target (metres, base frame), vertical field of view (degrees)
STATIC_CAMERAS = {
    'front': ((1.35, 0.0, 0.75), (0.40, 0.0, 0.20), 45.0),
    'right_shoulder': ((0.45, -0.95, 0.70), (0.45, 0.0, 0.15), 50.0),
    'left_shoulder': ((0.45, 0.95, 0.70), (0.45, 0.0, 0.15), 50.0),
}
# In the TCP frame: beside the hand, tilted towards the fingers, far enough out that the hand does not hide what it holds.
WRIST_CAMERA = ((0.085, 0.0, -0.1034), (0.0, 0.0, 0.16), 75.0)
# Software OpenGL takes twice as long with smooth edges; what is made of large pictures is smooth by being made smaller.
SAMPLES, SMOOTHED_UP_TO_PX = 4, 256
GEOM_TYPES = {
    'capsule': mujoco.mjtGeom.mjGEOM_CAPSULE,
    'cylinder': mujoco.mjtGeom.mjGEOM_CYLINDER,
    'box': mujoco.mjtGeom.mjGEOM_BOX,
    'sphere': mujoco.mjtGeom.mjGEOM_SPHERE,
}


def look_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return T_parent_camera (4, 4) of an optical frame (z forward, x right, y down) at `eye` that looks at `target`."""
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = eye
    return T


class World:
    """A robot at the origin on a table whose top is z = 0, the cameras, and the task's objects."""

    def __init__(
        self,
        profile: RobotProfile,
        task: Task | None = None,
        width_px: int = 128,
        height_px: int = 128,
        cameras: str = '',
    ) -> None:
        """Build and compile the model; the cameras, as in `camera_sources`, have square pixels."""
        self._sources = camera_sources(cameras)
        self.profile = profile
        self.task = task or find_task()
        self.size_px = (width_px, height_px)
        self.model = self._compile()
        self._set_servo_gains()

    @cached_property
    def cameras(self) -> dict[str, MountedCamera]:
        """The cameras with exact intrinsics and mounting, by name."""
        width, height = self.size_px
        cameras = {}
        for name, source in self._sources.items():
            eye, target, fovy_deg = STATIC_CAMERAS.get(source, WRIST_CAMERA)
            wrist = source not in STATIC_CAMERAS
            up = np.array([1.0, 0.0, 0.0] if wrist else [0.0, 0.0, 1.0])
            focal = height / 2 / np.tan(np.deg2rad(fovy_deg) / 2)
            K = np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
            parent = self.profile.gripper.tcp_link if wrist else self.profile.base_link
            T = look_at(np.array(eye), np.array(target), up)
            cameras[name] = MountedCamera(CameraModel(name, width, height, K), parent, T)
        return cameras

    @cached_property
    def object_index(self) -> dict[str, int]:
        """Where the pose of each object of the task begins in `qpos`."""
        joints = {each.name: self.model.body(each.name).jntadr[0] for each in self.task.objects}
        return {name: int(self.model.jnt_qposadr[joint]) for name, joint in joints.items()}

    def place_objects(self, data: mujoco.MjData, state: State) -> None:
        """Put objects where they should be: T_base_object (4, 4) by name."""
        for name, T in state.items():
            index = self.object_index[name]
            data.qpos[index : index + 3] = T[:3, 3]
            mujoco.mju_mat2Quat(data.qpos[index + 3 : index + 7], np.ascontiguousarray(T[:3, :3]).ravel())

    def _compile(self) -> mujoco.MjModel:
        spec = mujoco.MjSpec()
        spec.compiler.degree = False
        spec.option.timestep = TIMESTEP_S
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 10.0
        self._add_surroundings(spec)
        bodies: dict[str, mujoco.MjsBody] = {}
        for link in self.profile.links:
            parent = spec.worldbody if link.parent is None else bodies[link.parent]
            bodies[link.name] = self._add_link(parent, link)
        self._add_actuators(spec)
        self.task.build(spec)
        self._add_cameras(spec, bodies)
        return spec.compile()

    def _add_surroundings(self, spec: mujoco.MjSpec) -> None:
        width, height = self.size_px
        spec.visual.global_.offwidth, spec.visual.global_.offheight = max(width, 640), max(height, 640)
        spec.visual.quality.offsamples = SAMPLES if width <= SMOOTHED_UP_TO_PX else 0
        spec.visual.quality.numslices = 20
        spec.visual.quality.numstacks = 10
        spec.visual.map.znear = 0.005
        spec.visual.headlight.ambient = [0.42, 0.42, 0.42]
        spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
        spec.visual.headlight.specular = [0.05, 0.05, 0.05]
        flat, checker = mujoco.mjtBuiltin.mjBUILTIN_GRADIENT, mujoco.mjtBuiltin.mjBUILTIN_CHECKER
        spec.add_texture(
            name='sky', type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=flat, width=64, height=384,
            rgb1=[0.78, 0.84, 0.90], rgb2=[0.42, 0.47, 0.54],
        )  # fmt: skip
        spec.add_texture(
            name='tiles', type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=checker, width=128, height=128,
            rgb1=[0.36, 0.38, 0.40], rgb2=[0.42, 0.44, 0.46],
        )  # fmt: skip
        floor = spec.add_material(name='floor', texrepeat=[8, 8], specular=0.1)
        floor.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = 'tiles'
        spec.add_material(name='table', rgba=[0.72, 0.65, 0.57, 1.0], specular=0.15, shininess=0.3)
        world = spec.worldbody
        world.add_light(pos=[0.8, -1.0, 2.2], dir=[-0.2, 0.5, -1.0], diffuse=[0.5, 0.5, 0.48], castshadow=True)
        world.add_light(pos=[-0.6, 1.2, 2.0], dir=[0.5, -0.6, -1.0], diffuse=[0.22, 0.22, 0.25], castshadow=False)
        world.add_geom(
            name='floor', type=mujoco.mjtGeom.mjGEOM_PLANE, size=[4, 4, 0.1], pos=[0, 0, -0.75], material='floor',
            contype=0, conaffinity=0,
        )  # fmt: skip
        world.add_geom(
            name='table', type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.60, 0.70, 0.025], pos=[0.38, 0.0, -0.025],
            material='table', friction=[1.0, 0.01, 0.001], contype=0, conaffinity=3,
        )  # fmt: skip

    def _add_link(self, parent: mujoco.MjsBody, link: Link) -> mujoco.MjsBody:
        joint = link.joint
        position = [0.0, 0.0, 0.0] if joint is None else joint.xyz
        quaternion = [1.0, 0.0, 0.0, 0.0] if joint is None else _wxyz(joint.rpy)
        body = parent.add_body(name=link.name, pos=position, quat=quaternion, gravcomp=1.0)
        if link.mass_kg > 0.0:
            body.mass, body.ipos, body.explicitinertial = link.mass_kg, link.com_m, True
            body.inertia = np.full(3, 0.4 * link.mass_kg * INERTIA_RADIUS_M**2)
        moving = joint is not None and joint.kind != 'fixed'
        finger = joint is not None and joint.kind == 'prismatic'
        if joint is not None and moving:
            low, high = self._joint_range(joint.name)
            body.add_joint(
                name=joint.name,
                type=mujoco.mjtJoint.mjJNT_SLIDE if finger else mujoco.mjtJoint.mjJNT_HINGE,
                axis=joint.axis,
                range=[low, high],
                armature=FINGER_ARMATURE_KG if finger else ARMATURE_KG_M2,
            )
        for shape in link.shapes:
            _add_shape(body, shape, finger)
        return body

    def _joint_range(self, name: str) -> tuple[float, float]:
        if name in self.profile.arm_joints:
            i = self.profile.arm_joints.index(name)
            return float(self.profile.limits.position_min_rad[i]), float(self.profile.limits.position_max_rad[i])
        return self.profile.gripper.closed_m, self.profile.gripper.open_m

    def _add_actuators(self, spec: mujoco.MjSpec) -> None:
        gripper = self.profile.gripper
        efforts = [*self.profile.limits.effort_nm.tolist(), *(gripper.force_n for _ in gripper.joints)]
        for name, effort in zip((*self.profile.arm_joints, *gripper.joints), efforts, strict=True):
            spec.add_actuator(
                name=name,
                target=name,
                trntype=mujoco.mjtTrn.mjTRN_JOINT,
                gaintype=mujoco.mjtGain.mjGAIN_FIXED,
                biastype=mujoco.mjtBias.mjBIAS_AFFINE,
                forcerange=[-effort, effort],
                forcelimited=True,
            )
        for follower in gripper.joints[1:]:
            coupling = spec.add_equality(name=f'{follower}_coupling', type=mujoco.mjtEq.mjEQ_JOINT)
            coupling.objtype = mujoco.mjtObj.mjOBJ_JOINT
            coupling.name1, coupling.name2 = follower, gripper.joints[0]
            coupling.data[:2] = 0.0, 1.0

    def _add_cameras(self, spec: mujoco.MjSpec, bodies: dict[str, mujoco.MjsBody]) -> None:
        for name, camera in self.cameras.items():
            # MuJoCo's cameras look along -z with y up.
            R = camera.T_parent_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])
            x, y, z, w = quaternion_xyzw(R)
            focal = camera.model.K[1, 1]
            fovy_deg = 2 * np.rad2deg(np.arctan(camera.model.height_px / 2 / focal))
            bodies[camera.parent_link].add_camera(
                name=name, pos=camera.T_parent_camera[:3, 3], quat=[w, x, y, z], fovy=fovy_deg
            )

    def _set_servo_gains(self) -> None:
        data = mujoco.MjData(self.model)
        for name, q in zip(self.profile.arm_joints, self.profile.home_rad, strict=True):
            data.joint(name).qpos[0] = q
        mujoco.mj_forward(self.model, data)
        M = np.zeros((self.model.nv, self.model.nv))
        mujoco.mj_fullM(self.model, data, M)
        for name in (*self.profile.arm_joints, *self.profile.gripper.joints):
            dof = self.model.joint(name).dofadr[0]
            inertia = M[dof, dof]
            kp = inertia * SERVO_RAD_S**2 if name in self.profile.arm_joints else FINGER_STIFFNESS_N_M
            kv = 2.0 * np.sqrt(kp * inertia)
            actuator = self.model.actuator(name)
            actuator.gainprm[0] = kp
            actuator.biasprm[:3] = 0.0, -kp, -kv


def _wxyz(rpy: np.ndarray) -> np.ndarray:
    x, y, z, w = quaternion_xyzw(rpy_matrix(rpy))
    return np.array([w, x, y, z])


def _add_shape(body: mujoco.MjsBody, shape: Shape, finger: bool) -> None:
    sizes: dict[str, Any] = {
        'capsule': [shape.size[0], shape.size[-1] / 2],
        'cylinder': [shape.size[0], shape.size[-1] / 2],
        'box': shape.size / 2,
        'sphere': shape.size[:1],
    }
    size = np.zeros(3)
    size[: len(sizes[shape.kind])] = sizes[shape.kind]
    geom = body.add_geom(
        type=GEOM_TYPES[shape.kind], size=size, pos=shape.xyz, quat=_wxyz(shape.rpy), rgba=shape.rgba, mass=0.0,
        contype=1, conaffinity=0,
    )  # fmt: skip
    if finger:
        geom.friction, geom.condim, geom.solref = [1.8, 0.05, 0.002], 4, [0.005, 1.0]
