# SPDX-License-Identifier: Apache-2.0
"""What went wrong: flagged moments with their causes, what the data say about them, and the counts."""
