# SPDX-License-Identifier: Apache-2.0
"""Which image topics of a graph are colour cameras, one topic per device, and what the cameras are called."""

import re
from dataclasses import dataclass

from genima.rig.graph import CAMERA_INFO, COMPRESSED, IMAGE, Graph, Heard
from genima.rig.rig import MAX_CAMERAS, RigCamera

# what drivers call the streams of one device (RealSense, ZED, Azure Kinect, usb_cam, v4l2, image_proc)
_COLOR = {'color', 'colour', 'rgb'}
_STREAM = re.compile(r'(color|colour|rgb|mono|gray|grey|ir|infra\d*|raw|rect|image|image_.*|.*_image|infra)')
_GREY = re.compile(r'(infra\d*|ir|mono|gray|grey|image_mono|image_rect_gray|.*_gray|.*_ir)')
_DEPTH = re.compile(r'(depth|disparity|confidence|points|pointcloud|registered|aligned_depth)')
_DEPTH_ENCODINGS = ('16UC1', '32FC1', 'mono16', '16SC1')
_STEREO = {'left', 'right', 'stereo'}
_GENERIC = re.compile(r'(camera|cameras|cam|sensor|sensors|driver|node|.*_node|usb_cam|v4l2_camera|realsense)')


@dataclass(frozen=True)
class CameraFound:
    """One camera.

    Attributes:
        camera: As it stands in the rig.
        image: What was heard on its image topic.
        info: What was heard on its calibration topic; None where there is none.
        others: Further topics of the same device.
    """

    camera: RigCamera
    image: Heard
    info: Heard | None
    others: tuple[str, ...] = ()


def find_cameras(graph: Graph) -> tuple[list[CameraFound], list[str]]:
    """Return the colour cameras of a graph, and the image topics that are none because no camera_info is beside them."""
    devices: dict[tuple[str, ...], list[str]] = {}
    alone = []
    streams = _image_topics(graph)
    for topic, heard in streams.items():
        if _is_depth(topic, heard):
            continue
        if _info_of(graph, topic) is None:
            alone.append(topic)
        else:
            devices.setdefault(_device(topic), []).append(topic)
    chosen = {min(topics, key=lambda topic: _rank(topic, streams[topic])): topics for topics in devices.values()}
    names = _names([_device(topic) for topic in chosen])
    found = []
    for (topic, topics), name in zip(chosen.items(), names, strict=True):
        info = _info_of(graph, topic)
        transport = 'raw' if topic in graph.of(IMAGE) else 'compressed'
        camera = RigCamera(name, topic, info or '', transport)
        others = tuple(each for each in topics if each != topic)
        found.append(CameraFound(camera, streams[topic], graph.topics.get(camera.info), others))
    found.sort(key=lambda each: (not each.image.rate_hz, each.camera.name))
    return found, alone


def split(found: list[CameraFound]) -> tuple[list[CameraFound], list[CameraFound]]:
    """Return the cameras that a rig has room for, and those that it has none for."""
    return found[:MAX_CAMERAS], found[MAX_CAMERAS:]


def _image_topics(graph: Graph) -> dict[str, Heard]:
    """Return image topics without the ending of the transport; raw ones win over compressed ones."""
    compressed = {
        name.removesuffix('/compressed'): each
        for name, each in graph.of(COMPRESSED).items()
        if name.endswith('/compressed')
    }
    return {**compressed, **graph.of(IMAGE)}


def _is_depth(topic: str, heard: Heard) -> bool:
    return heard.encoding in _DEPTH_ENCODINGS or any(_DEPTH.search(part) for part in topic.lower().split('/'))


def _info_of(graph: Graph, topic: str) -> str | None:
    """Return the camera_info beside an image, or one level above it (image_proc); None where there is none."""
    infos, place = graph.of(CAMERA_INFO), topic
    for _ in range(2):
        place = place.rpartition('/')[0]
        if f'{place}/camera_info' in infos:
            return f'{place}/camera_info'
    return None


def _device(topic: str) -> tuple[str, ...]:
    """Return the parts of a topic that name the device, without those that name its streams."""
    parts = topic.strip('/').split('/')
    stereo = any(part.lower().startswith('zed') for part in parts)  # its left image is the camera, not one of two
    return tuple(
        part for part in parts if not _STREAM.fullmatch(part.lower()) and not (stereo and part.lower() in _STEREO)
    )


def _rank(topic: str, heard: Heard) -> tuple[bool, bool, bool, bool, int, str]:
    """Return a key by which the best stream of a device comes first: it sends, in colour, as the lens gave it."""
    parts = [part.lower() for part in topic.split('/')]
    grey = any(_GREY.fullmatch(part) for part in parts) or heard.encoding.startswith('mono')
    colour = any(part in _COLOR for part in parts)
    second = 'right' in parts
    return not heard.rate_hz, grey, second, not colour, len(topic), topic


def _names(devices: list[tuple[str, ...]]) -> list[str]:
    """Return short names, all different: as few parts of each device's path as tell it from the others."""
    telling = [[part for part in parts if not _GENERIC.fullmatch(part.lower())] or list(parts[-1:]) for parts in devices]
    depth = [1] * len(devices)
    while True:
        names = [_clean('_'.join(parts[-count:])) for parts, count in zip(telling, depth, strict=True)]
        longer = [names.count(name) > 1 and depth[i] < len(telling[i]) for i, name in enumerate(names)]
        if not any(longer):
            break
        depth = [count + more for count, more in zip(depth, longer, strict=True)]
    unique: list[str] = []
    for name in names:
        number, wanted = 2, name
        while wanted in unique:
            wanted, number = f'{name}_{number}', number + 1
        unique.append(wanted)
    return unique


def _clean(name: str) -> str:
    name = re.sub(r'\W|^_+', '', name)
    return name if re.match('[A-Za-z]', name) else f'camera{name}'
