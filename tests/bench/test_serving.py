# SPDX-License-Identifier: Apache-2.0
"""The bench of a served policy asks both sides and measures a wire that carries the answer."""

from pathlib import Path

from genima.bench.serving import measure

MODEL = Path(__file__).resolve().parents[2] / 'models' / 'panda_pick'


def test_both_sides_and_the_wire_are_measured() -> None:
    sides = measure(MODEL, 2, 10)
    assert set(sides) == {'here', 'served', 'wire alone'}
    for figures in sides.values():
        assert 0.0 < figures['p50'] <= figures['p95'] <= figures['max']
    assert sides['wire alone']['p50'] < sides['here']['p50'], 'a wire without networks does not compute'
