"""What a call costs: ours beside peers of ours, in one run (``python -m bench.speed``)."""
