# SPDX-License-Identifier: Apache-2.0
"""Parts of recorder_node: topics, streams, one episode, and where it comes from."""
