# SPDX-License-Identifier: Apache-2.0
"""Convert a dataset to LeRobot v3, there and back, and compare. The command line does the same:
`genima dataset convert data/pick out/lerobot --to lerobot`.

    genima collect --episodes 2 --out data/pick
    python examples/convert_to_lerobot.py
"""

import json
from pathlib import Path

import pyarrow.parquet as pq
import typer

from genima.convert.formats import clean_up, plan
from genima.quality.compare import compare_episodes, paired


def convert(source: Path, out: Path, to: str, **options: object) -> None:
    """Convert to a format of `genima.convert.formats.FORMATS`; there are two steps where neither end is native."""
    steps = plan(source, out, to)
    for step in steps:
        print(step.text)
        step.run(lambda name: print(f'  {name}'), workers=1, options=options)
    clean_up(steps)


def main(source: Path = Path('data/pick'), out: Path = Path('lerobot'), images: str = 'png') -> None:
    """Convert, look into what was written, convert back and compare; `images` is video, h264 or png (lossless)."""
    convert(source, out, 'lerobot', images=images)
    info = json.loads((out / 'meta' / 'info.json').read_text())
    print(f'{out}: LeRobot {info["codebase_version"]}, {info["total_episodes"]} episodes, {info["total_frames"]} frames')
    table = pq.read_table(next(out.glob('data/*/*.parquet')))
    for name in table.column_names:
        print(f'  {name:<40}', table.schema.field(name).type)

    back = out.with_name(f'{out.name}_back')
    convert(out, back, 'hdf5')
    for ours, theirs in paired(source, back):
        compared = compare_episodes(ours, theirs)
        numbers = 'equal' if compared.same_numbers else f'different: {", ".join(compared.different)}'
        print(f'{compared.file}: numbers {numbers}; PSNR of the images {compared.psnr_db} dB')


if __name__ == '__main__':
    typer.run(main)
