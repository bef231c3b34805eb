# SPDX-License-Identifier: Apache-2.0
"""Networks outside of torch: exported files beside a policy, what runs them, and which is the fastest that is right."""
