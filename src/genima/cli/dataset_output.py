# SPDX-License-Identifier: Apache-2.0
"""How the commands of `genima dataset` print what they found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from genima.cli.output import console, print_table
from genima.quality.findings import ERROR, NOTE, SEVERITIES, WARNING, Finding
from genima.quality.verdict import FAIL, MEASURES, NOT_MEASURABLE, PASS, Quality

if TYPE_CHECKING:
    from genima.episodes.catalogue import Summary

LIST_COLUMNS = ('folder', 'version', 'robot', 'task', 'episodes', 'median s', 'Hz', 'success', 'diversity', 'cameras')
_COLORS = {ERROR: 'bold red', WARNING: 'yellow', NOTE: 'dim'}
_SHOWN = 3


def list_row(summary: 'Summary') -> list[str]:
    """Return the cells of one dataset under `LIST_COLUMNS`."""
    rate = summary.success_rate
    return [
        summary.folder,
        summary.version or '-',
        plain(summary.robots),
        plain(summary.tasks),
        str(summary.episodes) + (f' + {len(summary.unreadable)} unreadable' if summary.unreadable else ''),
        f'{summary.median_seconds:.1f}',
        plain(summary.rates_hz),
        '-' if rate is None else f'{100 * rate:.0f} %',
        summary.diversity,
        str(len(summary.cameras)),
    ]


def figures_of(summary: 'Summary') -> dict[str, Any]:
    """Return a dataset as plain values."""
    return {**asdict(summary), 'success_rate': summary.success_rate}


def plain(value: Any) -> str:
    """Return a value as words in a table cell."""
    if isinstance(value, dict):
        return ', '.join(f'{name} {each}' for name, each in value.items()) or '-'
    if isinstance(value, (list, tuple)):
        return ', '.join(map(plain, value)) or '-'
    if isinstance(value, float):
        return f'{value:.6g}'
    return '-' if value in (None, '') else str(value)


def print_findings(findings: Sequence[Finding], every: bool) -> None:
    """Print findings by code, the worst first; of each code the first few, or every one."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.code].append(finding)
    for group in sorted(groups.values(), key=lambda each: SEVERITIES.index(each[0].severity)):
        severity, code = group[0].severity, group[0].code
        console.print(Text(f'{severity} {code}', _COLORS[severity]) + Text(f' ({len(group)}): {group[0].advice}', 'default'))
        for finding in group if every else group[:_SHOWN]:
            console.print(Text(f'    {finding.where}: {finding.text}'), soft_wrap=True)
        if not every and len(group) > _SHOWN:
            console.print(f'    and {len(group) - _SHOWN} more (--all)')


def print_quality(qualities: Sequence[Quality], strict: bool) -> None:
    """Print how many episodes pass each measure, and why each rejected one is rejected."""
    rows = []
    for name in MEASURES:
        verdicts = [each.verdict for quality in qualities for each in quality.measures if each.name == name]
        rows.append([name, *(verdicts.count(verdict) for verdict in (PASS, FAIL, NOT_MEASURABLE))])
    print_table(f'Quality of {len(qualities)} episodes', ('measure', PASS, FAIL, NOT_MEASURABLE), rows)
    idle = [quality for quality in qualities if quality.idle]
    console.print(f'{len(idle)} episodes are idle at times, {sum(quality.idle_seconds for quality in idle):.1f} s in all')
    rejected = [quality for quality in qualities if quality.reasons(strict)]
    for quality in rejected:
        console.print(Text(f'rejected {quality.file}: {"; ".join(quality.reasons(strict))}'), soft_wrap=True)
    if not rejected:
        console.print('nothing is rejected')
