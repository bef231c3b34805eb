# SPDX-License-Identifier: Apache-2.0
"""What a simulated arm is asked to do: one folder a task, with its objects, its success and its scripted expert."""
