"""Speeds that estimates of time assume, in multiply-adds per second of a forward pass. No torch."""

from __future__ import annotations

# Measured on one thread of an AMD EPYC core: quarter-width Inception-v3 at 79 pixels, forward and backward.
CPU_MACS_PER_S = 25e9
GPU_MACS_PER_S = 10e12
TRAINING = 3  # forward and backward take three times the multiply-adds of a forward pass
