"""Match-based coupling: both sides read once and compared in memory; preview, run, and suggestions for the rest."""
