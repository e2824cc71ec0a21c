"""From YAML text to checked values, with the place of everything kept for the errors."""
