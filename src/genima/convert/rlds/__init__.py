# SPDX-License-Identifier: Apache-2.0
"""RLDS: TFRecord with features.json, the format of Open X-Embodiment."""
