# SPDX-License-Identifier: Apache-2.0
"""The newest set of camera images that belong together in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo

from genima.align.frames import FrameTrack, newest_set
from genima.contract.preprocessor import Preprocessor
from genima.errors import CalibrationError
from genima.rig.rig import image_topic, info_topic
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import camera_model, nanoseconds, seconds

MEMORY = 8  # images per camera: a camera may be ahead of the slowest one by so many


@dataclass(frozen=True)
class ImageSet:
    """One image per camera, taken at almost the same time.

    Attributes:
        stamp_s: capture time of the oldest image [s], and exactly: `stamp_ns` [ns].
        images: in the order of the contract, raw or compressed.
        infos: calibration of each.
        unchanged_s: for how long each camera has sent the same pixels [s].
        time_s: the moment to which each image is its camera's nearest [s].
    """

    stamp_s: float
    stamp_ns: int
    images: tuple[Any, ...]
    infos: tuple[CameraInfo, ...]
    unchanged_s: tuple[float, ...]
    time_s: float


class ViewBuffer:
    """Keeps the newest images of each camera and says which of them make a set, by the rule that conversions use.

    Args:
        cameras: names in the order of the contract.
        max_skew_s: newest minus oldest capture time of a set [s].
        offsets_s: latencies of the cameras that have one; taken off their stamps [s].
    """

    def __init__(
        self, cameras: Sequence[str], max_skew_s: float, offsets_s: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        self.cameras = tuple(cameras)
        self.max_skew_s = max_skew_s
        self._tracks = {camera: FrameTrack(offsets_s.get(camera, 0.0), MEMORY) for camera in self.cameras}
        self._offsets_ns = [round(1e9 * offsets_s.get(camera, 0.0)) for camera in self.cameras]
        self._infos: dict[str, CameraInfo] = {}
        self._heard_s: dict[str, float] = {}

    def add_image(self, camera: str, message: Any, wall_s: float) -> None:
        """Keep an image; `wall_s` is the time of arrival on a steady clock [s]."""
        self._tracks[camera].add(seconds(message.header.stamp), message, message.data)
        self._heard_s[camera] = wall_s

    def add_info(self, camera: str, message: CameraInfo) -> None:
        """Keep a calibration."""
        self._infos[camera] = message

    def newest(self) -> ImageSet | None:
        """Return the newest images that belong together, `None` while they are too far apart."""
        found = newest_set(list(self._tracks.values()), self.max_skew_s)
        if found is None or len(self._infos) < len(self.cameras):
            return None
        return ImageSet(
            stamp_s=min(frame.time_s for frame in found.frames),
            stamp_ns=min(
                nanoseconds(frame.payload.header.stamp) - offset_ns
                for frame, offset_ns in zip(found.frames, self._offsets_ns, strict=True)
            ),
            images=tuple(frame.payload for frame in found.frames),
            infos=tuple(self._infos[camera] for camera in self.cameras),
            unchanged_s=tuple(frame.time_s - frame.same_since_s for frame in found.frames),
            time_s=found.time_s,
        )

    def complaints(self, wall_s: float, silent_s: float) -> list[str]:
        """Say which cameras keep the set from being complete.

        Args:
            wall_s: now, on the clock of `add_image` [s].
            silent_s: a camera that sends nothing for longer is complained about [s].
        """
        lines = []
        for camera in self.cameras:
            heard_s = self._heard_s.get(camera)
            if heard_s is None:
                lines.append(f'camera {camera!r}: no image yet on {image_topic(camera)}; is its driver running?')
            elif wall_s - heard_s > silent_s:
                lines.append(f'camera {camera!r}: no image on {image_topic(camera)} for {wall_s - heard_s:.1f} s')
            elif camera not in self._infos:
                lines.append(f'camera {camera!r}: images, but no calibration on {info_topic(camera)}')
        if not lines and self.newest() is None:
            newest = {camera: track.newest for camera, track in self._tracks.items()}
            stamps_s = {camera: round(frame.time_s, 3) for camera, frame in newest.items() if frame is not None}
            lines.append(f'cameras are more than {self.max_skew_s:.3f} s apart: {stamps_s}; are their clocks in step?')
        return lines


def prepare(images: ImageSet, preprocessor: Preprocessor) -> NDArray[np.uint8]:
    """Return the policy's views of an image set, shape (V, size, size, 3), uint8.

    Raises:
        GenimaError: names the camera and the topic that cannot be used.
    """
    frames = {}
    for camera, image, info in zip(preprocessor.spec.cameras, images.images, images.infos, strict=True):
        pixels = image_array(image, f'camera {camera!r}, topic {image_topic(camera)}')
        model = camera_model(info, camera, f'camera {camera!r}, topic {info_topic(camera)}')
        height_px, width_px, _ = pixels.shape
        if (model.width_px, model.height_px) != (width_px, height_px):
            raise CalibrationError(
                f'camera {camera!r}: {image_topic(camera)} is {width_px}x{height_px} but'
                f' {info_topic(camera)} says {model.width_px}x{model.height_px}; calibrate at the size you stream'
            )
        frames[camera] = pixels, model
    return preprocessor.views(frames)
