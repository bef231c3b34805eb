# SPDX-License-Identifier: Apache-2.0
"""The page on troubleshooting speaks of messages that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_message_on_the_page_is_in_the_code() -> None:
    code = '\n'.join(path.read_text() for path in (ROOT / 'src').rglob('*.py'))
    plain = re.sub(r"'\s*f?'|\"\s*f?'|'\s*f?\"", '', code)  # texts over several lines
    rows = re.findall(r'^\| (`.*?) \|', (ROOT / 'docs' / 'troubleshooting.md').read_text(), re.MULTILINE)
    texts = [text for row in rows for text in re.findall(r'`([^`]+)`', row)]
    assert len(texts) > 25
    assert not [text for text in texts if text not in code and text not in plain]
