# SPDX-License-Identifier: Apache-2.0
"""Hostile policy directories: sizes that no memory has, pickles, code, weights that are no numbers, links that leave."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hostile_case import CASES, Good, copied, link, pipe
from safetensors.torch import load_file, save_file

Change = Callable[[Path, Good], object]
HUGE = b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,0]}}'
UNET, TEXT, VAE = 'painter/unet', 'painter/text_encoder', 'painter/vae'
WEIGHTS = 'diffusion_pytorch_model.safetensors'


def edited(name: str, **values: Any) -> Change:
    def change(policy: Path, good: Good) -> None:
        known = json.loads((policy / name).read_text())
        (policy / name).write_text(json.dumps(known | values))

    return change


def act(**values: Any) -> Change:
    def change(policy: Path, good: Good) -> None:
        known = json.loads((policy / 'controller/config.json').read_text())
        known['act'] |= values
        (policy / 'controller/config.json').write_text(json.dumps(known))

    return change


def contract(text: str, by: str) -> Change:
    def change(policy: Path, good: Good) -> None:
        old = (policy / 'policy.yaml').read_text()
        assert text in old
        (policy / 'policy.yaml').write_text(old.replace(text, by))

    return change


def spoilt(name: str, value: float) -> Change:
    def change(policy: Path, good: Good) -> None:
        tensors = load_file(policy / name)
        first = next(key for key in sorted(tensors) if tensors[key].is_floating_point() and tensors[key].numel() > 8)
        tensors[first].view(-1)[3] = value
        save_file(tensors, policy / name)

    return change


def pickled(policy: Path, good: Good) -> None:
    folder = policy / TEXT
    weights = next(folder.glob('*.safetensors'))
    torch.save(load_file(weights), folder / 'pytorch_model.bin')
    weights.unlink()


def header(length: int, text: bytes = b'') -> Change:
    def change(policy: Path, good: Good) -> None:
        (policy / 'controller/model.safetensors').write_bytes(length.to_bytes(8, 'little') + text)

    return change


def replaced(folder: Path, target: Path) -> None:
    shutil.rmtree(folder)
    link(folder, target)


def shards_outside(policy: Path, good: Good) -> None:
    folder = policy / UNET
    names = dict.fromkeys(load_file(folder / WEIGHTS), '../../../canary/secret')
    (folder / f'{WEIGHTS}.index.json').write_text(json.dumps({'metadata': {}, 'weight_map': names}))
    (folder / WEIGHTS).unlink()


CHANGES: dict[str, Change] = {
    'contract_that_is_a_pipe': lambda policy, good: pipe(policy / 'policy.yaml'),
    'contract_that_is_a_link': lambda policy, good: link(policy / 'policy.yaml', good.secret),
    'contract_deep': lambda policy, good: (policy / 'policy.yaml').write_text('[' * 100_000),
    'contract_of_huge_views': contract('view_size_px: 128', 'view_size_px: 1000000000'),
    'contract_of_a_huge_chunk': contract('chunk_steps: 10', 'chunk_steps: 1000000000'),
    'contract_of_a_wide_prompt': contract('{instruction}', '{instruction:>9999999999}'),
    'contract_of_a_robot_that_is_a_file': contract('robot: panda', 'robot: /etc/hostname.yaml'),
    'act_of_huge_dim': act(dim=2**20),
    'act_of_huge_width': act(width=512, stages=6),
    'act_of_huge_reach': act(reach_width=10**9),
    'act_of_many_layers': act(encoder_layers=10**9),
    'act_of_many_words': act(instruction_buckets=10**12),
    'act_of_a_negative_dim': act(dim=-4),
    'act_of_texts': act(dim='144'),
    'act_config_deep': lambda policy, good: (policy / 'controller/config.json').write_text('[' * 500_000),
    'act_config_that_is_a_pipe': lambda policy, good: pipe(policy / 'controller/config.json'),
    'act_weights_not_a_number': spoilt('controller/model.safetensors', float('nan')),
    'act_weights_infinite': spoilt('controller/model.safetensors', float('inf')),
    'act_weights_of_a_long_header': header(2**62),
    'act_weights_of_a_deep_header': header(500_000, b'[' * 500_000),
    'act_weights_of_a_huge_tensor': header(
        74, b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,0]}}'.ljust(74)
    ),
    'act_weights_that_are_a_pipe': lambda policy, good: pipe(policy / 'controller/model.safetensors'),
    'act_weights_that_are_a_link': lambda policy, good: link(policy / 'controller/model.safetensors', good.secret),
    'unet_of_huge_channels': edited(f'{UNET}/config.json', block_out_channels=[2**30, 2**30, 2**30]),
    'unet_of_many_layers': edited(f'{UNET}/config.json', layers_per_block=10**8),
    'unet_of_a_huge_prompt': edited(f'{UNET}/config.json', cross_attention_dim=2**18),
    'unet_config_deep': lambda policy, good: (policy / UNET / 'config.json').write_text('[' * 500_000),
    'unet_config_that_is_a_pipe': lambda policy, good: pipe(policy / UNET / 'config.json'),
    'unet_weights_not_a_number': spoilt(f'{UNET}/{WEIGHTS}', float('nan')),
    'unet_weights_cut': lambda policy, good: os.truncate(policy / UNET / WEIGHTS, 1000),
    'unet_weights_that_are_a_link': lambda policy, good: link(policy / UNET / WEIGHTS, good.secret),
    'unet_of_shards_outside': shards_outside,
    'vae_weights_infinite': spoilt(f'{VAE}/{WEIGHTS}', float('inf')),
    'text_encoder_pickle': pickled,
    'text_encoder_of_many_positions': edited(f'{TEXT}/config.json', max_position_embeddings=10**12),
    'text_encoder_of_many_words': edited(f'{TEXT}/config.json', vocab_size=10**9),
    'text_encoder_of_many_layers': edited(f'{TEXT}/config.json', num_hidden_layers=10**8),
    'text_encoder_of_code': edited(f'{TEXT}/config.json', auto_map={'AutoModel': 'evil.Model'}),
    'scheduler_of_many_steps': edited('painter/scheduler/scheduler_config.json', num_train_timesteps=10**12),
    'index_of_other_modules': edited('painter/model_index.json', text_encoder=['os', 'system']),
    'index_of_a_module_beside': edited('painter/model_index.json', unet=['evil', 'Model']),
    'tokenizer_that_is_a_pipe': lambda policy, good: pipe(policy / 'painter/tokenizer/tokenizer_config.json'),
    'tokenizer_that_is_a_link': lambda policy, good: link(next((policy / 'painter/tokenizer').glob('*.json')), good.secret),
    'painter_that_is_a_link': lambda policy, good: (
        shutil.rmtree(policy / 'painter'),
        link(policy / 'painter', good.canary),
    ),
}
for name, change in CHANGES.items():

    def make_policy(folder: Path, good: Good, change: Change = change) -> list[str]:
        policy = copied(good.policy, folder / 'policy')
        (policy / 'painter' / 'evil').mkdir()
        (policy / 'painter' / 'evil' / 'evil.py').write_text(f'open({str(good.secret)!r}).read()\n')
        change(policy, good)
        return ['evaluate', '--policy', str(policy), '--episodes', '1', '--episode-s', '1']

    CASES[f'policy_{name}'] = make_policy
