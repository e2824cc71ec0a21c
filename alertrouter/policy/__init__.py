"""YAML → Policy, and the questions a policy answers. Pure: no I/O, no clock, no chance."""
