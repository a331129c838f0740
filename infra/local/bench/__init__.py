"""What synchronizing costs: calls, time, memory and money, measured against the two simulators."""
