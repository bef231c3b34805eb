# SPDX-License-Identifier: Apache-2.0
"""HDF5 files of others: the training-data page's own schema, robomimic, ALOHA."""
