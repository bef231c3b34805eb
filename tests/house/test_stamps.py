# SPDX-License-Identifier: Apache-2.0
"""Late messages are overtaken; those of a clock that was set back are not."""

from genima.stamps import is_overtaken


def test_overtaken() -> None:
    assert not is_overtaken(5.0, None) and not is_overtaken(5.0, 5.0) and not is_overtaken(5.1, 5.0)
    assert is_overtaken(4.9, 5.0) and is_overtaken(4.0, 5.0)
    assert not is_overtaken(3.9, 5.0), 'another clock'
