# SPDX-License-Identifier: Apache-2.0
"""The standard pipeline of diffusers. Import it from here.

Its module asks transformers for image processors by the names of those that need torchvision, which is never installed here;
transformers then falls back to those of PIL and says so at length. Here it is given those of PIL from the start.
"""

import transformers
from transformers.utils.import_utils import is_torchvision_available

for _name in ('CLIPImageProcessor', 'SiglipImageProcessor'):
    # before transformers 5 the one of PIL has the plain name
    if not is_torchvision_available() and hasattr(transformers, f'{_name}Pil'):
        setattr(transformers, _name, getattr(transformers, f'{_name}Pil'))

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402

__all__ = ['StableDiffusionControlNetPipeline']
