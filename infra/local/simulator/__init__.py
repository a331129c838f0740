"""What the simulators share: counters, faults, limits, the control plane and tokens."""
