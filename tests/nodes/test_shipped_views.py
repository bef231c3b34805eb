# SPDX-License-Identifier: Apache-2.0
"""The shipped RViz configuration and Foxglove layout fit the graph: every topic is there, with the type that is needed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import shipped_views as views
from genima_bringup.processes import StackProcesses
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima_bringup import graph


def test_the_rviz_file_names_only_classes_that_stock_rviz_has() -> None:
    file = views.rviz_file()
    manager = file['Visualization Manager']
    others = [*file['Panels'], *manager['Tools'], *manager['Transformation'].values(), manager['Views']['Current']]
    assert {entry['Class'] for entry in others} <= views.RVIZ_OTHERS
    displays = manager['Displays']
    assert {display['Class'] for display in displays} == set(views.RVIZ_MESSAGES)
    names = [display['Name'] for display in displays]
    assert len(set(names)) == len(names) and all(display['Enabled'] is display['Value'] for display in displays)
    assert manager['Global Options']['Fixed Frame'] == RobotProfile.load(graph.STACKS['franka']['robot']).base_link


def test_the_foxglove_file_places_every_panel_that_it_configures() -> None:
    file = views.foxglove_file()
    configured = file['configById']
    placed = list(views.panels(file['layout']))
    for panel in configured.values():
        placed += [name for tab in panel.get('tabs', []) for name in views.panels(tab['layout'])]
    assert sorted(placed) == sorted(configured), 'each panel once'
    assert {name.partition('!')[0] for name in configured} == views.PANELS
    layers = [layer for panel in configured.values() for layer in panel.get('layers', {}).values()]
    assert {layer['layerId'] for layer in layers} == views.LAYERS


@pytest.mark.parametrize('robot', ['panda', 'ur5e'])
def test_both_show_the_cameras_of_the_shipped_policies(robot: str) -> None:
    stack = graph.STACKS[graph.stack_of(robot)]
    cameras = PolicySpec.load(graph.policy_dir(stack['policy'])).cameras
    for topics in ({want.topic for want in views.rviz_wants()}, {topic for topic, _, _ in views.foxglove_wants()}):
        assert {f'/overlay/{name}' for name in cameras} | {f'/cameras/{name}/image_raw' for name in cameras} <= topics
        assert {'/markers', '/robot_description', '/target_image/image'} <= topics


def test_every_topic_of_both_exists_in_the_running_graph_with_its_type(probe, policy: Path) -> None:  # type: ignore[no-untyped-def]
    output: list[str] = []
    table = graph.stack('franka', {'policy': str(policy), 'armed': 'false'})
    wanted = {want.topic for want in views.rviz_wants()} | {topic for topic, _, _ in views.foxglove_wants()}

    def missing() -> list[str]:
        return sorted(topic for topic in wanted if not probe.get_publishers_info_by_topic(topic))

    with StackProcesses(table, write=lambda name, line: output.append(f'{name}: {line}')) as processes:
        _wait(probe, processes, lambda: not missing(), missing)
        offers = {topic: probe.get_publishers_info_by_topic(topic) for topic in wanted}
    kinds = {topic: {offer.topic_type for offer in found} for topic, found in offers.items()}
    for want in views.rviz_wants():
        assert kinds[want.topic] == {want.kind}, f'{want.where}: {want.topic} is {kinds[want.topic]}'
        for offer in offers[want.topic]:
            qos = offer.qos_profile
            assert not want.reliable or qos.reliability == ReliabilityPolicy.RELIABLE, f'{want.topic} would stay silent'
            assert not want.latched or qos.durability == DurabilityPolicy.TRANSIENT_LOCAL, f'{want.topic} would stay silent'
    for topic, kind, rest in views.foxglove_wants():
        assert kind is None or kinds[topic] == {kind}, f'{topic} is {kinds[topic]}'
        views.check_path(next(iter(kinds[topic])), rest)


def _wait(probe, processes: StackProcesses, done: Callable[[], bool], missing: Callable[[], list[str]]) -> None:  # type: ignore[no-untyped-def]
    def check() -> bool:
        processes.check()
        return done()

    try:
        probe.spin_until(check, 120.0)
    except AssertionError as error:
        raise AssertionError(f'nobody publishes {", ".join(missing())}') from error


def test_a_path_to_a_field_that_is_not_there_is_noticed() -> None:
    assert views.check_path('genima_msgs/msg/NodeStats', '{node=="act_node"}.milliseconds[0]') == 'double'
    assert views.check_path('trajectory_msgs/msg/JointTrajectory', '.points[0].positions[6]') == 'double'
    for rest in ('.pointz', '.points.positions', '.header[0]', '.header.stamp..sec'):
        with pytest.raises(AssertionError):
            views.check_path('trajectory_msgs/msg/JointTrajectory', rest)
