# SPDX-License-Identifier: Apache-2.0
"""Eclipse Cyclone DDS from its PyPI wheel, used with ready-made CDR payloads (no IDL, no code generation)."""
