# SPDX-License-Identifier: Apache-2.0
"""Files that somebody else made: what they are, how large and how deep is checked before they are opened or unpacked."""
