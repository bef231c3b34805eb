# SPDX-License-Identifier: Apache-2.0
"""Frames to an H.264 video that any browser plays."""

import io
from collections.abc import Iterable

import av
import cv2
import numpy as np


def encode_mp4(frames: Iterable[np.ndarray], rate_hz: int) -> bytes:
    """Return an MP4 of `frames` ((H, W, 3) uint8 RGB, all of one even size) shown at `rate_hz`."""
    buffer = io.BytesIO()
    with av.open(buffer, 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=rate_hz, options={'crf': '24'})
        stream.pix_fmt = 'yuv420p'
        for index, frame in enumerate(frames):
            if index == 0:  # the size is fixed once the codec is open
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format='rgb24')))
        container.mux(stream.encode())
    return buffer.getvalue()


def side_by_side(spectator: np.ndarray, tiles: Iterable[np.ndarray], caption: str) -> np.ndarray:
    """Put square tiles below each other's height beside the spectator's picture, with a caption on top.

    Args:
        spectator: (H, W, 3) uint8.
        tiles: Each is scaled to the height of the spectator's, and keeps its shape: two views are wider than high.
        caption: One line, drawn into the upper left corner.
    """
    height = spectator.shape[0]
    wide = [(tile, round(height * tile.shape[1] / tile.shape[0])) for tile in tiles]
    row = [spectator.copy(), *(cv2.resize(tile, (px, height), interpolation=cv2.INTER_LINEAR) for tile, px in wide)]
    frame = np.concatenate(row, axis=1)
    cv2.putText(frame, caption, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 20), 1, cv2.LINE_AA)
    return frame[: height // 2 * 2, : frame.shape[1] // 2 * 2]
