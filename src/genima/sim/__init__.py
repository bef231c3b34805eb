# SPDX-License-Identifier: Apache-2.0
"""MuJoCo worlds, the simulated robot and its controller, and the scripted expert."""
