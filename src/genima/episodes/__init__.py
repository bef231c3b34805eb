# SPDX-License-Identifier: Apache-2.0
"""The dataset: one HDF5 file per episode, with all that training and provenance need."""
