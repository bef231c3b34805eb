# SPDX-License-Identifier: Apache-2.0
"""The ACT side: painted target images and the joint state to a chunk of joint positions."""
