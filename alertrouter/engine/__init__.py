"""Events and time → changes. Pure and deterministic: same policy, same events, same changes, bit for bit."""
