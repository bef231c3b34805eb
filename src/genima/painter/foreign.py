# SPDX-License-Identifier: Apache-2.0
"""A ControlNet that was trained elsewhere, as GENIMA's own code writes it, made into the painter of a policy."""

from dataclasses import replace
from pathlib import Path

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.painter.base import PARTS, BaseSource, check_controlnet, load_base
from genima.painter.folder import assemble, save_finetuned
from genima.painter.parts import load_network


def import_controlnet(
    controlnet_dir: Path | str, source: BaseSource, policy_dir: Path | str, spec: PolicySpec, whole: bool = True
) -> PolicySpec:
    """Write `painter/` and the contract of a policy, and return the contract.

    Args:
        controlnet_dir: Folder with `config.json` and weights in safetensors; of the original's checkpoints, the folder
            `controlnet` in them.
        source: The base model that it was trained on.
        policy_dir: Where the policy is made.
        spec: What the ControlNet paints; whoever trained it knows, nothing in the files says it.
        whole: Copy the base's parts, too; else only say where they lie.

    Raises:
        PolicyError: if the ControlNet is damaged or was trained on another base.
    """
    parts = load_base(source)
    controlnet = load_network(Path(controlnet_dir), name='controlnet')
    check_controlnet(controlnet, parts.unet)
    pipeline = assemble(**vars(parts), controlnet=controlnet)
    base_model = BaseModel(source.name, source.revision, source.sha256(PARTS), ('controlnet',), parts.objective)
    save_finetuned(pipeline, policy_dir, base_model.trained, source.folders, whole)
    spec = replace(spec, base_model=base_model)
    spec.save(policy_dir)
    return spec
