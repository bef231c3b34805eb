# SPDX-License-Identifier: Apache-2.0
"""What moves an arm: the door that our policy, a peer's, and one on another computer come through."""
