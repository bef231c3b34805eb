# SPDX-License-Identifier: Apache-2.0
"""A camera as calibration describes it: intrinsics, lens model and where it is mounted.

The optical frame is that of OpenCV and ROS (REP 103): z forward, x right, y down. Pixel (0, 0) has its centre at
u = v = 0, so the image covers [-0.5, width - 0.5] x [-0.5, height - 0.5].
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.cameras import distortion
from genima.cameras.lens import ViewLens
from genima.cameras.lens_names import lens_model, trimmed
from genima.errors import CalibrationError
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile

Floats = NDArray[np.float64]


def _frozen(values: ArrayLike) -> Floats:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class CameraModel:
    """Intrinsics of one camera.

    Attributes:
        name: name of the camera, as in the contract.
        width_px: image width.
        height_px: image height.
        K: (3, 3) camera matrix without skew.
        D: (k,) distortion coefficients in OpenCV's order; empty for a pinhole.
        model: 'pinhole', 'plumb_bob', 'rational_polynomial' or 'equidistant'.

    Raises:
        CalibrationError: if the size, K, the model or the number of coefficients makes no sense.
    """

    name: str
    width_px: int
    height_px: int
    K: Floats
    D: Floats = field(default_factory=lambda: np.zeros(0))
    model: str = 'pinhole'

    def __post_init__(self) -> None:
        object.__setattr__(self, 'K', _frozen(self.K))
        object.__setattr__(self, 'D', _frozen(self.D).ravel())
        self._check()

    def _check(self) -> None:
        where = f"camera '{self.name}'"
        if self.model not in distortion.COEFFICIENTS:
            allowed = ', '.join(distortion.COEFFICIENTS)
            raise CalibrationError(f"{where}: unknown distortion model '{self.model}'; allowed: {allowed}")
        if self.width_px < 1 or self.height_px < 1:
            raise CalibrationError(f'{where}: image size {self.width_px}x{self.height_px}; both must be positive')
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all() or not np.isfinite(self.D).all():
            raise CalibrationError(f'{where}: K must be 3x3 and K and D finite; got K={self.K.tolist()}')
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise CalibrationError(
                f'{where}: focal lengths fx={self.K[0, 0]:g}, fy={self.K[1, 1]:g} must be positive; '
                'a zero means that the camera was never calibrated: calibrate it and publish its camera_info'
            )
        if self.K[0, 1] or self.K[1, 0] or (self.K[2] != [0, 0, 1]).any():
            raise CalibrationError(f'{where}: K must be [[fx,0,cx],[0,fy,cy],[0,0,1]]; got {self.K.tolist()}')
        if len(self.D) > distortion.COEFFICIENTS[self.model]:
            most = distortion.COEFFICIENTS[self.model]
            raise CalibrationError(f"{where}: model '{self.model}' has {most} coefficients at most, got {len(self.D)}")

    @classmethod
    def from_camera_info(
        cls, width: int, height: int, model: str, k: ArrayLike, d: ArrayLike, name: str = 'camera'
    ) -> 'CameraModel':
        """Build from the fields of a sensor_msgs/CameraInfo.

        Args:
            width: image width in pixels.
            height: image height in pixels.
            model: `distortion_model` in any spelling; all-zero coefficients of a model that is no fisheye mean a pinhole.
            k: nine numbers, row-major K.
            d: distortion coefficients, more than the model has only if the rest is zero.
            name: name of the camera.

        Raises:
            CalibrationError: if the camera is uncalibrated (K[0] = 0), or model and coefficients do not fit.
        """
        matrix, coefficients = np.asarray(k, dtype=np.float64).reshape(-1), np.asarray(d, dtype=np.float64).ravel()
        if matrix.size != 9:
            comma = '; is there a decimal comma in it? Write 410.5, not 410,5' if matrix.size > 9 else ''
            raise CalibrationError(f"camera '{name}': K has {matrix.size} numbers instead of 9{comma}")
        try:
            known = lens_model(model, coefficients.size) if coefficients.any() or model else 'pinhole'
            fisheye = known == 'equidistant'
            kept = trimmed(known, coefficients.tolist()) if coefficients.any() else [0.0] * 4 * fisheye
        except CalibrationError as error:
            raise CalibrationError(f"camera '{name}': {error}") from error
        if not any(kept) and not fisheye:
            known, kept = 'pinhole', []
        model, coefficients = known, np.array(kept)
        return cls(name, int(width), int(height), matrix.reshape(3, 3), coefficients, model)

    def project(self, points_camera_m: ArrayLike) -> tuple[Floats, Floats]:
        """Project points (..., 3) in the optical frame.

        Returns:
            Pixel coordinates (..., 2), NaN where the camera cannot see that direction at all (behind it, or beyond the
            trusted range of the lens model), and depths along the optical axis (...) in metres.
        """
        points = np.asarray(points_camera_m, dtype=np.float64)
        flat, seen = distortion.from_points(self.model, self.D, points, _limit(self))
        uv = flat * [self.K[0, 0], self.K[1, 1]] + self.K[:2, 2]
        return np.where(seen[..., None], uv, np.nan), points[..., 2]

    def rays(self) -> Floats:
        """Return unit rays (H, W, 3) through the pixel centres in the optical frame (cached, read-only).

        A pixel that no direction reaches has the ray (0, 0, 0).
        """
        return _rays(self)

    def cropped(self, x: int, y: int, width: int, height: int) -> 'CameraModel':
        """Return the camera of the image part that starts at pixel (x, y)."""
        inside = x >= 0 and y >= 0 and 0 < width <= self.width_px - x and 0 < height <= self.height_px - y
        if not inside:
            raise CalibrationError(
                f"camera '{self.name}': crop {width}x{height} at ({x}, {y}) leaves the {self.width_px}x"
                f'{self.height_px} image'
            )
        return replace(self, width_px=width, height_px=height, K=self.K - [[0, 0, x], [0, 0, y], [0, 0, 0]])

    def resized(self, width: int, height: int) -> 'CameraModel':
        """Return the camera of the image scaled to `width` x `height`; the outer image borders stay where they are."""
        scale = np.array([width / self.width_px, height / self.height_px])
        K = np.diag([self.K[0, 0] * scale[0], self.K[1, 1] * scale[1], 1.0])
        K[:2, 2] = (self.K[:2, 2] + 0.5) * scale - 0.5
        return replace(self, width_px=width, height_px=height, K=K)

    def square(self, size_px: int) -> 'CameraModel':
        """Return the camera of the central square of the image, scaled to `size_px`."""
        side = min(self.width_px, self.height_px)
        crop = self.cropped((self.width_px - side) // 2, (self.height_px - side) // 2, side, side)
        return crop.resized(size_px, size_px)

    def pinhole(self) -> 'CameraModel':
        """Return the same camera without its lens distortion."""
        return replace(self, D=np.zeros(0), model='pinhole')

    def view(self, size_px: int, lens: ViewLens | None = None) -> 'CameraModel':
        """Return the camera of the policy's square view, which `cameras.views.prepare` makes from the image.

        Args:
            size_px: Edge of the view.
            lens: Of the view, as in the contract; None: the pinhole with the focal length of this camera.
        """
        if lens is None:
            return self.pinhole().square(size_px)
        centre_px = (size_px - 1) / 2
        focal_px = lens.focal_px(size_px)
        K = [[focal_px, 0, centre_px], [0, focal_px, centre_px], [0, 0, 1]]
        return CameraModel(self.name, size_px, size_px, np.array(K), np.zeros(0), lens.model)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists, for YAML and JSON."""
        return {
            'name': self.name,
            'width_px': self.width_px,
            'height_px': self.height_px,
            'model': self.model,
            'K': self.K.tolist(),
            'D': self.D.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> 'CameraModel':
        """Build from `to_dict`; a missing or an unknown key is refused."""
        keys = ('name', 'width_px', 'height_px', 'model', 'K', 'D')
        _require_keys(data, keys)
        return cls(data['name'], data['width_px'], data['height_px'], data['K'], data['D'], data['model'])

    def _key(self) -> tuple[Any, ...]:
        return self.name, self.width_px, self.height_px, self.model, self.K.tobytes(), self.D.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CameraModel) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, eq=False)
class MountedCamera:
    """A camera and the robot link that carries it (the base link for a camera that stands still).

    Attributes:
        model: intrinsics.
        parent_link: link of the robot profile.
        T_parent_camera: (4, 4) pose of the optical frame in the parent link.
    """

    model: CameraModel
    parent_link: str
    T_parent_camera: Floats

    def __post_init__(self) -> None:
        T = _frozen(self.T_parent_camera)
        proper = T.shape == (4, 4) and np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-6)
        if not proper or np.linalg.det(T[:3, :3]) < 0 or (T[3] != [0, 0, 0, 1]).any() or not np.isfinite(T).all():
            raise CalibrationError(f"camera '{self.model.name}': T_parent_camera is no rigid transform: {T.tolist()}")
        object.__setattr__(self, 'T_parent_camera', T)

    def T_base_camera(self, profile: RobotProfile, q_rad: ArrayLike) -> Floats:
        """Return the pose (..., 4, 4) of the optical frame in the robot base for joint positions (..., n)."""
        poses = link_poses(profile, np.asarray(q_rad, dtype=np.float64))
        if self.parent_link not in poses:
            raise CalibrationError(
                f"camera '{self.model.name}' is mounted on link '{self.parent_link}', which robot '{profile.name}' "
                f'does not have; links: {", ".join(poses)}'
            )
        return poses[self.parent_link] @ self.T_parent_camera

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists, for YAML and JSON: `intrinsics` and `extrinsics`."""
        extrinsics = {'parent_link': self.parent_link, 'T_parent_camera': self.T_parent_camera.tolist()}
        return {'intrinsics': self.model.to_dict(), 'extrinsics': extrinsics}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> 'MountedCamera':
        """Build from `to_dict`, also as it was before version 3 of episodes; a missing or an unknown key is refused."""
        if 'model' in data:
            _require_keys(data, ('model', 'parent_link', 'T_parent_camera'))
            data = {'intrinsics': data['model'], 'extrinsics': {key: data[key] for key in data if key != 'model'}}
        _require_keys(data, ('intrinsics', 'extrinsics'))
        _require_keys(data['extrinsics'], ('parent_link', 'T_parent_camera'))
        return cls(CameraModel.from_dict(data['intrinsics']), **data['extrinsics'])


def _require_keys(data: dict[str, Any], keys: Sequence[str]) -> None:
    if set(data) != set(keys):
        raise CalibrationError(f'camera description has keys {sorted(data)}; it must have exactly {sorted(keys)}')


@lru_cache(maxsize=64)
def _limit(camera: CameraModel) -> float:
    return distortion.limit(camera.D, camera.model)


@lru_cache(maxsize=64)
def _rays(camera: CameraModel) -> Floats:
    u, v = np.meshgrid(np.arange(camera.width_px, dtype=np.float64), np.arange(camera.height_px, dtype=np.float64))
    flat = (np.stack([u, v], axis=-1) - camera.K[:2, 2]) / [camera.K[0, 0], camera.K[1, 1]]
    rays = distortion.to_rays(camera.model, camera.D, flat)
    rays.flags.writeable = False
    return rays
