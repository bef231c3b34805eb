# SPDX-License-Identifier: Apache-2.0
"""Upload an exported dataset to the Hugging Face Hub, where LeRobot finds it. Only ever called when asked for."""

import json
from contextlib import suppress
from pathlib import Path

from genima.convert.lerobot import layout
from genima.episodes.dataset import read_card
from genima.errors import DatasetError


def push_to_hub(folder: Path, repo_id: str) -> str:
    """Upload a dataset and return its address.

    The repository is made if it does not exist, privately; who is meant to see it is for the user to decide there.

    Args:
        folder: What `lerobot.export` wrote.
        repo_id: Such as 'lab/panda_pick'.

    Raises:
        DatasetError: if the folder is no LeRobot dataset, or the Hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RevisionNotFoundError

    if not (folder / layout.INFO).is_file():
        raise DatasetError(f'{folder} is no LeRobot dataset; only those are pushed')
    api = HfApi()
    try:
        api.create_repo(repo_id, repo_type='dataset', private=True, exist_ok=True)
        api.upload_file(path_or_fileobj=_card(folder), path_in_repo='README.md', repo_id=repo_id, repo_type='dataset')
        api.upload_folder(folder_path=folder, repo_id=repo_id, repo_type='dataset')
        # LeRobot takes what the tag of its format version points to, not the main branch
        with suppress(RevisionNotFoundError):
            api.delete_tag(repo_id, tag=layout.CODEBASE_VERSION, repo_type='dataset')
        api.create_tag(repo_id, tag=layout.CODEBASE_VERSION, repo_type='dataset')
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        advice = 'log in with `hf auth login`, then run it again'
        raise DatasetError(f'{repo_id} was not uploaded ({error}); {advice}') from error
    return f'https://huggingface.co/datasets/{repo_id}'


def _card(folder: Path) -> bytes:
    """Return the README that the Hub shows, with the tag by which LeRobot's tools find it."""
    info, card = json.loads((folder / layout.INFO).read_text()), read_card(folder / 'meta')
    licence = f'license: {card.licence.lower()}\n' if card.licence else ''
    header = f'---\n{licence}task_categories:\n- robotics\ntags:\n- LeRobot\n- genima\n'
    header += 'configs:\n- config_name: default\n  data_files: data/*/*.parquet\n---\n'
    text = f'# {card.name if card.description else folder.name}\n\n{card.description}\n\n'
    text += f'{info["total_episodes"]} episodes, {info["total_frames"]} steps at {info["fps"]} Hz of robot '
    text += f'{info["robot_type"]}, in the format LeRobot {info["codebase_version"]}. True time stamps, capture times and '
    text += 'plans are in the columns `genima.*` (`meta/genima.json` says what they mean), calibration and metadata in '
    text += '`meta/episodes`.\n'
    return (header + text).encode()
