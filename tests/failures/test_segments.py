# SPDX-License-Identifier: Apache-2.0
"""Segments on the disk: whole or absent, read back as what happened, counted, diagnosed and shown."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_failures import CAMERAS, PANDA, PICTURES, SPEC, START_S, Painting, beside, made, painted, q_at
from rosbags.typesys import get_types_from_msg
from typer.testing import CliRunner

from genima.align.grid import to_nanoseconds
from genima.cameras.views import tile
from genima.cli.main import app
from genima.convert.mcap import messages
from genima.errors import DatasetError
from genima.failures.causes import CAUSES
from genima.failures.layout import SEGMENT, Flag, is_finished, list_segments, read_flag, write_flag
from genima.failures.reading import CONTRACT, WORKSPACE, contract_of, diagnose_segment, read_evidence
from genima.failures.report import count_causes, count_diagnoses, read_segments
from genima.failures.ring import Kept
from genima.failures.segment import write_segment
from genima.recording.bagfile import BagFile
from genima.recording.numbered import next_number
from genima.recording.rosbag2 import Topic

FLAG = Flag('calibration', 'too far left', START_S + 1.2, task='pick', policy='p', contract=SPEC.hash())
TARGET_KIND = 'genima_msgs/msg/TargetImage'
TARGET_TEXT = (Path(__file__).parents[2] / 'src/genima_msgs/msg/TargetImage.msg').read_text()
KINDS = {
    '/joint_states': 'sensor_msgs/msg/JointState',
    '/tf_static': 'tf2_msgs/msg/TFMessage',
    **{f'/cameras/{name}/image_raw': 'sensor_msgs/msg/Image' for name in CAMERAS},
    **{f'/cameras/{name}/camera_info': 'sensor_msgs/msg/CameraInfo' for name in CAMERAS},
}


@pytest.fixture(scope='module')
def topics() -> list[Topic]:
    messages._store().register(get_types_from_msg(TARGET_TEXT, TARGET_KIND))
    return [messages.topic(name, kind) for name, kind in {**KINDS, '/target_image': TARGET_KIND}.items()]


def _kept(topic: str, time_s: float, data: bytes) -> Kept:
    return Kept(topic, to_nanoseconds(time_s) + 1_000_000, data)


def _messages(how: Painting) -> Iterator[Kept]:
    frames = [messages.transform(START_S, each.parent_link, name, each.T_parent_camera) for name, each in CAMERAS.items()]
    yield _kept('/tf_static', START_S, messages.cdr('tf2_msgs/msg/TFMessage', transforms=frames))
    names = [*PANDA.arm_joints, *PANDA.gripper.joints]
    for time_s in START_S + 0.05 * np.arange(20 * (0.1 * PICTURES + 2.0)):
        positions = np.array([*q_at(time_s), PANDA.gripper.open_m, PANDA.gripper.open_m])
        yield _kept('/joint_states', time_s, messages.joint_state(time_s, names, positions))
    for number in range(PICTURES):
        time_s = START_S + 0.1 * number
        for name, camera in CAMERAS.items():
            pixels = np.full((128, 128, 3), 100 + number, dtype=np.uint8)
            yield _kept(f'/cameras/{name}/camera_info', time_s, messages.camera_info(camera.model, time_s, name))
            yield _kept(f'/cameras/{name}/image_raw', time_s, messages.image(pixels, time_s, name))
        yield _kept('/target_image', time_s, _target(time_s, tile(painted(how, number))))


def _target(time_s: float, pixels: np.ndarray) -> bytes:
    image = messages.part(
        'sensor_msgs/msg/Image', header=messages.header(time_s), height=pixels.shape[0], width=pixels.shape[1],
        encoding='rgb8', is_bigendian=0, step=3 * pixels.shape[1], data=pixels.ravel(),
    )  # fmt: skip
    return messages.cdr(
        TARGET_KIND, header=messages.header(time_s), contract=SPEC.hash(), cameras=list(SPEC.cameras),
        unchanged_s=np.zeros(len(SPEC.cameras)), horizon_s=1.0, image=image, instruction=SPEC.instruction,
    )  # fmt: skip


def _provenance(low_z_m: float = 0.0) -> dict[str, object]:
    box = [[-0.3, -0.6, low_z_m], [0.9, 0.6, 1.3]]
    return {'robot': 'panda', 'task': 'pick', CONTRACT: json.loads(json.dumps(SPEC.to_dict())), WORKSPACE: box}


@pytest.fixture(scope='module')
def failures(topics: list[Topic], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wrong camera, sound pictures of an operator who thinks otherwise, and one that was not finished."""
    folder = tmp_path_factory.mktemp('failures')
    wrong = Painting(cameras=beside('front', 0.03, 0.0))
    write_segment(folder / 'failure_000000', topics, list(_messages(wrong)), _provenance(), FLAG)
    other = Flag('lighting', '', START_S + 1.0, task='place', contract=SPEC.hash())
    write_segment(folder / 'failure_000001', topics, list(_messages(Painting())), _provenance(), other)
    (folder / 'failure_000002').mkdir()
    return folder


def test_a_segment_comes_back_as_what_happened(failures: Path) -> None:
    folder = failures / 'failure_000001'
    assert contract_of(folder).hash() == SPEC.hash()
    evidence, meant = read_evidence(folder, contract_of(folder)), made()
    assert [target.stamp_s for target in evidence.targets] == pytest.approx([each.stamp_s for each in meant.targets])
    assert all(np.array_equal(a.views, b.views) for a, b in zip(evidence.targets, meant.targets, strict=True))
    assert evidence.workspace.max_xyz_m == (0.9, 0.6, 1.3) and set(evidence.cameras) == set(CAMERAS)
    np.testing.assert_allclose(evidence.joints.at(START_S + 1.0)[0], q_at(START_S + 1.0), atol=1e-4)  # type: ignore[index]


def test_report_counts_diagnoses_and_shows(failures: Path, tmp_path: Path) -> None:
    page, figures = tmp_path / 'page.html', tmp_path / 'figures.json'
    result = CliRunner().invoke(app, ['failures', 'report', str(failures), '--out', str(page), '--json', str(figures)])
    assert result.exit_code == 0, result.output
    told = json.loads(figures.read_text())
    assert told['causes'] == {'pick': {'calibration': 1}, 'place': {'lighting': 1}}
    assert told['diagnoses'] == {'camera_offset': 1}
    assert [each['trouble'] for each in told['segments']] == ['', '', 'was not finished: remove it']
    assert told['segments'][0]['suspected'] == ['calibration'] and told['segments'][1]['diagnoses'] == []
    text = page.read_text()
    assert text.count('<figure>') == 2 and 'suspect the extrinsic of camera front' in text and 'too far left' in text
    assert all(flag.diagnosed for flag in (read_flag(failures / 'failure_000000'), read_flag(failures / 'failure_000001')))


def test_diagnoses_are_kept_until_asked_again(failures: Path) -> None:
    folder = failures / 'failure_000000'
    stored = Flag(**{**vars(diagnose_segment(folder)), 'diagnoses': ()})
    write_flag(folder, stored)
    assert count_diagnoses(list(read_segments(failures))) == {}
    assert count_diagnoses(list(read_segments(failures, again=True))) == {'camera_offset': 1}


def test_without_the_contract_causes_are_counted_all_the_same(topics: list[Topic], tmp_path: Path) -> None:
    write_segment(tmp_path / 'failure_000000', topics, list(_messages(Painting()))[:9], {'robot': 'panda'}, FLAG)
    (segment,) = read_segments(tmp_path)
    assert 'name the policy directory with --policy' in segment.trouble
    assert count_causes([segment]) == {'pick': {'calibration': 1}}


def test_a_full_disk_leaves_nothing_half_written(
    topics: list[Topic], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    for where in ('write', 'close'):
        with monkeypatch.context() as patch:
            patch.setattr(BagFile, where, full)
            with pytest.raises(DatasetError, match=r'failure_000003 was not kept: .*No space left on device'):
                write_segment(tmp_path / 'failure_000003', topics, list(_messages(Painting()))[:9], {}, FLAG)
        assert list(tmp_path.iterdir()) == []


def test_names_and_flags(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='failures:=true'):
        list_segments(tmp_path)
    (tmp_path / 'failure_000007').mkdir()
    assert next_number(tmp_path, SEGMENT) == 8 and not is_finished(tmp_path / 'failure_000007')
    with pytest.raises(DatasetError, match=r'was not finished \(no failure.json\)'):
        read_flag(tmp_path / 'failure_000007')
    with pytest.raises(DatasetError, match="cause 'bad luck'; allowed: calibration, occlusion, lighting"):
        write_flag(tmp_path, Flag('bad luck', '', 0.0))
    for cause in CAUSES:
        write_flag(tmp_path / 'failure_000007', Flag(cause, 'x', 1.0))
        assert read_flag(tmp_path / 'failure_000007').cause == cause
    (tmp_path / 'failure_000007' / 'failure.json').write_text('{"schema": "genima-failure", "schema_version": 9}')
    with pytest.raises(DatasetError, match='version 9'):
        read_flag(tmp_path / 'failure_000007')
