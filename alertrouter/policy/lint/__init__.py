"""What a sound policy may still do to somebody at 3 am: findings, each with its place and how to mend it. Pure."""
