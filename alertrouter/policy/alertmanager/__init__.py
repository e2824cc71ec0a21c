"""An `alertmanager.yml` → the texts of a policy that behaves the same, and a note for all that has no equivalent."""
