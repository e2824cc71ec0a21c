"""What a policy would do: with an alert at a moment, through time, and with the policy's own tests. Pure."""
