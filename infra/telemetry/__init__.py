"""What operators see: metrics and traces, and one table of the metrics there are."""
