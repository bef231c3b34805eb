# SPDX-License-Identifier: Apache-2.0
"""The images of a calibration: taken live when a person asks or all is still, and read again from their folder."""

import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genima.calibration.boards import Board
from genima.calibration.coverage import Shown, measure_coverage
from genima.calibration.detect import Sighting, find_board
from genima.calibration.diversity import Wanted, measure_diversity
from genima.calibration.samples import NOT_SEEN, Sample, SampleFolder, arm_pose, find_in
from genima.cli.calibrate_output import print_missing
from genima.cli.output import console
from genima.cli.progress import progress_bar
from genima.errors import CalibrationError
from genima.robots.profile import RobotProfile

if TYPE_CHECKING:
    from genima_bringup.calibration import CalibrationListener

WAIT_S = 10.0
MOVED_PX = 25.0  # between two automatic pictures
STILL_PX = 0.5
PERIOD_S = 0.2
Links = tuple[RobotProfile, str, str]  # the robot, the camera's link and the board's link


def sample_folder(samples: Path | None, name: str, live: bool) -> SampleFolder:
    """Return the folder of images: the one that was asked for, or a new one for live images.

    Old images of a camera that was moved since must not get among new ones because of a default.

    Raises:
        CalibrationError: if images are to be read and nobody said from where.
    """
    if samples is None and not live:
        raise CalibrationError('give a folder of images with --samples, or take them now with --live')
    return SampleFolder(samples or Path('out/calibration') / f'{name}_{time.strftime("%Y%m%d_%H%M%S")}')


def find_all(
    folder: SampleFolder, board: Board, size_px: tuple[int, int] | None
) -> tuple[dict[Sample, Sighting], dict[str, str], tuple[int, int]]:
    """Find the board in all images of a folder.

    Returns:
        What each image shows, the names of those that show no board and why, and the size of the images.

    Raises:
        CalibrationError: if there are no images, or one is of another size.
    """
    seen: dict[Sample, Sighting] = {}
    unseen: dict[str, str] = {}
    samples = folder.samples()
    with progress_bar() as progress:
        task = progress.add_task('pictures', total=len(samples))
        for sample in samples:
            sighting, size_px = find_in(sample, board, size_px)
            if sighting is None:
                unseen[sample.path.name] = NOT_SEEN
            else:
                seen[sample] = sighting
            progress.advance(task)
    assert size_px is not None  # there is at least one picture
    return seen, unseen, size_px


def take_pictures(camera: str, folder: SampleFolder, board: Board, count: int, automatic: bool, links: Links | None) -> None:
    """Take images from a camera's topic until there are enough, or the person says q.

    Args:
        camera: Its name.
        folder: Where they go, after those that are there.
        board: That they must show.
        count: Images to take.
        automatic: Take one whenever the board, and the arm, stand still in a new place.
        links: For hand-eye: joints are kept, and the guidance is about them.
    """
    import rosless

    rosless.ensure()
    from genima_bringup.calibration import CalibrationListener

    console.print('it takes an image when all is still in a new place; q, Enter: enough' if automatic else KEYS)
    console.print(f'images go to {folder.folder}')
    with CalibrationListener(camera) as listener:
        listener.wait(links is not None, WAIT_S)
        session = _Session(listener, folder, board, links)
        while session.taken < count:
            listener.spin(PERIOD_S)
            key = _key(needed=not automatic)
            if key == 'q':
                return
            if key is not None or (automatic and session.is_new_and_still()):
                session.take()


KEYS = 'Enter: take an image; q, Enter: enough. The arm is moved by you; this program commands nothing.'


def _key(needed: bool) -> str | None:
    """Return the line that was typed, None if there was none.

    Raises:
        CalibrationError: if keys are needed and nobody can press one.
    """
    try:
        ready, _, _ = select.select([sys.stdin], [], [], 0.0)
        line = sys.stdin.readline() if ready else '\n'
    except (OSError, ValueError):
        ready, line = [], ''
    if needed and not line:
        raise CalibrationError('there is no keyboard here to say when to take an image; use --automatic')
    return line.strip().lower() if ready and line else None


class _Session:
    """Images taken so far, and what they lack."""

    def __init__(self, listener: 'CalibrationListener', folder: SampleFolder, board: Board, links: Links | None) -> None:
        self._listener, self._folder, self._board, self._links = listener, folder, board, links
        self._sightings: list[Sighting] = []
        self._poses: list[np.ndarray] = []
        self._before: Sighting | None = None
        self.taken = 0

    def is_new_and_still(self) -> bool:
        """Return whether the board stands where it was a moment ago, and in no image yet."""
        if self._links is not None and not self._listener.is_still():
            return False
        now = find_board(self._board, self._listener.picture())
        before, self._before = self._before, now
        if now is None or before is None or _shift_px(before, now) > STILL_PX:
            return False
        return all(_shift_px(other, now) > MOVED_PX for other in self._sightings)

    def take(self) -> None:
        """Keep the image of now, if it shows the board."""
        picture, joints = self._listener.picture(), self._listener.joints()
        if self._links is not None and not self._listener.is_still():
            console.print('the arm moves, or there is no joint state: not taken; wait until it stands still')
            return
        sighting = find_board(self._board, picture)
        if sighting is None:
            console.print(f'{NOT_SEEN}: not taken')
            return
        pose = None if self._links is None else arm_pose(self._links[0], joints, *self._links[1:])
        sample = self._folder.add(picture, joints)
        self._sightings.append(sighting)
        if pose is not None:
            self._poses.append(pose)
        self.taken += 1
        console.print(f'{sample.path.name}: {len(sighting)} corners')
        print_missing(self._missing(picture))

    def _missing(self, picture: np.ndarray) -> list[str]:
        coverage = measure_coverage(self._board.corners_m(), self._sightings, (picture.shape[1], picture.shape[0]))
        if self._links is None:
            return coverage.missing(Shown())
        return measure_diversity(self._poses, coverage.distances_m.tolist()).missing(Wanted())


def _shift_px(one: Sighting, other: Sighting) -> float:
    """Return how far the corners that both show have moved; very far if they share none."""
    _, first, second = np.intersect1d(one.ids, other.ids, return_indices=True)
    if not len(first):
        return float('inf')
    return float(np.linalg.norm(one.pixels[first] - other.pixels[second], axis=1).max())


def require_unambiguous(board: Board) -> None:
    """Refuse a board whose pose has two answers.

    Raises:
        CalibrationError: if it looks the same when turned by half a turn.
    """
    if board.ambiguous:
        raise CalibrationError(
            f'board {board.text} looks the same when turned by half a turn; for hand-eye take a ChArUco board, or a '
            'checkerboard with an even number of squares on one side and an odd one on the other'
        )
