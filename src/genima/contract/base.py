# SPDX-License-Identifier: Apache-2.0
"""What the painter of a policy was made from: the base model, its weights, and which of them training changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genima.errors import ContractError

SMALL = 'small'
OBJECTIVES = ('epsilon', 'v_prediction', 'sample')
TRAINABLE = ('controlnet', 'lora', 'unet', 'vae', 'text_encoder')


@dataclass(frozen=True)
class BaseModel:
    """The model that a painter was fine-tuned from; in a recipe only its name.

    Attributes:
        name: 'small' (trained here from nothing), a folder's name, or the identifier on a model hub.
        revision: Commit on the hub; empty for a folder.
        sha256: Part ('unet', 'vae', 'text_encoder') to the SHA-256 of its weights, of those that training left alone;
            the painter is refused where they are others. Empty in a recipe and for the small painter.
        trained: What training changed, of `TRAINABLE`; 'lora' is an addition to the UNet, 'vae' means its decoder.
        objective: What the UNet predicts, of `OBJECTIVES`; the painter's scheduler must say the same.
    """

    name: str = SMALL
    revision: str = ''
    sha256: Mapping[str, str] = field(default_factory=dict)
    trained: tuple[str, ...] = ()
    objective: str = ''

    @property
    def is_known(self) -> bool:
        """Whether more than a name is recorded, so that a painter can be held against it."""
        return bool(self.trained)

    def to_plain(self) -> str | dict[str, Any]:
        """Return what stands in a policy's file: the name where no more is known, as in contracts before this class."""
        if not self.is_known:
            return self.name
        values = {**asdict(self), 'sha256': dict(sorted(self.sha256.items())), 'trained': list(self.trained)}
        return values if self.revision else {name: each for name, each in values.items() if name != 'revision'}

    @classmethod
    def from_plain(cls, values: object) -> 'BaseModel':
        """Read what `to_plain` wrote.

        Raises:
            ContractError: if it is something else.
        """
        if isinstance(values, str) and values.strip():
            return cls(values)
        if not isinstance(values, Mapping) or set(values) - {'name', 'revision', 'sha256', 'trained', 'objective'}:
            raise ContractError(
                f'policy contract, base_model: got {values!r}, allowed: a name, or a mapping of name, revision, '
                'sha256, trained, objective'
            )
        hashes, trained = values.get('sha256', {}), values.get('trained', [])
        strange = not isinstance(hashes, Mapping) or not isinstance(trained, list) or set(trained) - set(TRAINABLE)
        if strange or not trained or values.get('objective') not in OBJECTIVES:
            raise ContractError(
                f'policy contract, base_model: trained is {trained!r}, allowed: some of {", ".join(TRAINABLE)}; '
                f'objective is {values.get("objective")!r}, allowed: {", ".join(OBJECTIVES)}; sha256 maps parts to hashes'
            )
        plain_hashes = {str(part): str(each) for part, each in hashes.items()}
        names = values.get('name'), values.get('revision', '')
        if not (isinstance(names[0], str) and names[0].strip() and isinstance(names[1], str)):
            raise ContractError(f'policy contract, base_model: name and revision are {names!r}, allowed: texts')
        return cls(names[0], names[1], plain_hashes, tuple(trained), str(values['objective']))
