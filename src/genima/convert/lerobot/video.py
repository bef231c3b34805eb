# SPDX-License-Identifier: Apache-2.0
"""Views as MP4 files that LeRobot's decoder seeks in: written, read back, compared and joined."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np

from genima.borders.files import regular_file
from genima.errors import DatasetError

PIXEL_FORMAT = 'yuv420p'
KEY_FRAME_EVERY = 2
MAX_PIXELS = 2**24


@dataclass(frozen=True)
class Encoder:
    """An encoder of PyAV, what files call its codec, its options, and of what the sides of a picture must be multiples."""

    name: str
    codec: str
    options: dict[str, str]
    multiple_px: int
    smallest_px: int = 16


ENCODERS = {
    # the defaults of huggingface/lerobot 0.4.4, `datasets/video_utils.py`
    'video': Encoder('libsvtav1', 'av1', {'crf': '30', 'preset': '12'}, 1),
    # written about three times as fast, at the same PSNR three to four times as large; without reordered frames
    'h264': Encoder('libx264', 'h264', {'crf': '23', 'preset': 'ultrafast', 'bf': '0'}, 2),
}


def check_size(encoder: Encoder, camera: str, height_px: int, width_px: int) -> None:
    """Raise DatasetError if the encoder cannot take pictures of this size."""
    fits = height_px % encoder.multiple_px == 0 and width_px % encoder.multiple_px == 0
    if not fits or min(height_px, width_px) < encoder.smallest_px:
        raise DatasetError(
            f'views of {camera} have {width_px}x{height_px} pixels; {encoder.codec} takes multiples of '
            f'{encoder.multiple_px} from {encoder.smallest_px} on: convert with `--images png`'
        )


def video_info(encoder: Encoder, fps: int) -> dict[str, Any]:
    """Return what `info.json` says about every video."""
    return {
        'video.codec': encoder.codec,
        'video.pix_fmt': PIXEL_FORMAT,
        'video.is_depth_map': False,
        'video.fps': fps,
        'video.channels': 3,
        'has_audio': False,
    }


def encode(encoder: Encoder, frames: Iterable[np.ndarray], path: Path, fps: int, threads: int) -> None:
    """Write pictures (H, W, 3) uint8 as a video.

    Args:
        encoder: One of ENCODERS.
        frames: At least one.
        path: The file, which is overwritten.
        fps: Frames per second.
        threads: Of the encoder; 0 lets it choose.
    """
    os.environ.setdefault('SVT_LOG', '1')  # errors only; its settings are no news
    frames = iter(frames)
    first = next(frames)
    options = {**encoder.options, 'g': str(KEY_FRAME_EVERY)}
    if threads and encoder.codec == 'av1':
        options['svtav1-params'] = f'lp={threads}'
    with av.open(str(path), 'w') as output:
        stream = cast(av.VideoStream, output.add_stream(encoder.name, fps, options=options))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = PIXEL_FORMAT
        stream.codec_context.thread_count = threads
        with _usual_priority():
            output.start_encoding()
        for frame in chain([first], frames):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        output.mux(stream.encode())


@contextmanager
def _usual_priority() -> Iterator[None]:
    """Undo what SVT-AV1 does where it runs as root: it makes its threads, and the one that opens it, real-time of 99.

    Whatever starts an encoder would go before everything that moves an arm.
    """
    before = _scheduling()
    mine = before[threading.get_native_id()]
    try:
        yield
    finally:
        for thread, now in _scheduling().items():
            policy, priority = before.get(thread, mine)
            if now != (policy, priority):
                with suppress(ProcessLookupError):  # it has ended
                    os.sched_setscheduler(thread, policy, os.sched_param(priority))


def _scheduling() -> dict[int, tuple[int, int]]:
    """Return policy and priority of each thread of this process."""
    found = {}
    for thread in map(int, os.listdir('/proc/self/task')):
        with suppress(ProcessLookupError):  # it has ended
            found[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority
    return found


def decode(path: Path, start_s: float, steps: int, fps: float) -> Iterator[np.ndarray]:
    """Yield the `steps` frames (H, W, 3) uint8 of a video from `start_s` on.

    Raises:
        DatasetError: if the file is missing or damaged, or does not hold every frame at its time.
    """
    for frame in _frames(path, start_s, steps, fps):
        yield frame.to_ndarray(format='rgb24')


def _video(path: Path) -> Path:
    """Return the path of an MP4 file; of a playlist, which would be read otherwise, FFmpeg opens what stands in it."""
    with regular_file(path).open('rb') as file:
        if file.read(8)[4:] != b'ftyp':
            raise ValueError('it is no MP4')
    return path


def _frames(path: Path, start_s: float, steps: int, fps: float) -> Iterator[av.VideoFrame]:
    expected = 0
    try:
        with av.open(str(_video(path)), format='mp4', options={'protocol_whitelist': 'file'}) as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {'max_pixels': str(MAX_PIXELS)}
            base = stream.time_base
            if base is None or not 0 < stream.width * stream.height <= MAX_PIXELS:
                raise ValueError(f'it states {stream.width}x{stream.height} pixels; at most {MAX_PIXELS} are decoded')
            container.seek(round(start_s / base), stream=stream)
            for frame in container.decode(stream):
                index = -1 if frame.pts is None else round((float(frame.pts * base) - start_s) * fps)
                if index < expected:
                    continue
                if index > expected:
                    break
                yield frame
                expected += 1
                if expected == steps:
                    break
    except (av.FFmpegError, OSError, LookupError, ValueError, ArithmeticError, AttributeError, MemoryError) as error:
        raise DatasetError(f'{path} cannot be decoded ({error}); copy or download it again') from error
    if expected < steps:
        raise DatasetError(f'{path} has no frame {expected} of {steps} after {start_s:.3f} s; copy or download it again')


def mean_squared_error(originals: Mapping[int, np.ndarray], path: Path, steps: int, fps: int) -> float:
    """Decode a whole video of `steps` frames and return the mean squared difference to those whose originals are given.

    Raises:
        DatasetError: if a frame is missing.
    """
    errors = [
        float(cv2.norm(originals[index], lossy.to_ndarray(format='rgb24'), cv2.NORM_L2SQR)) / originals[index].size
        for index, lossy in enumerate(_frames(path, 0.0, steps, fps))
        if index in originals
    ]
    return float(np.mean(errors))


def psnr_db(mean_squared_error: float) -> float:
    """Return the peak signal to noise ratio of 8-bit values, infinite if nothing differs."""
    return float(10 * np.log10(255**2 / mean_squared_error)) if mean_squared_error else float('inf')


def join(parts: Sequence[Path], lengths: Sequence[int], path: Path, fps: int) -> None:
    """Put videos of the same kind behind each other without encoding them again.

    Args:
        parts: Files that `encode` wrote, and `lengths` their numbers of frames.
        path: The file to write.
        fps: Frames per second of all of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    before = 0
    with av.open(str(path), 'w', options={'movflags': 'faststart'}) as output:
        stream = None
        for part, length in zip(parts, lengths, strict=True):
            with av.open(str(part)) as container:
                source = container.streams.video[0]
                assert source.time_base is not None
                if stream is None:
                    stream = output.add_stream_from_template(source, opaque=True)
                    stream.time_base = source.time_base
                offset = round(Fraction(before, fps) / source.time_base)
                for packet in container.demux(source):
                    if packet.dts is None or packet.pts is None:  # the empty packet at the end
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                    output.mux(packet)
            before += length
