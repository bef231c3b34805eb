# SPDX-License-Identifier: Apache-2.0
"""What every node is made of: its life, its parameters, its QoS, what it reports, and how it survives bad messages."""
