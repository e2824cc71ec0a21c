"""The HTTP doors: alerts in, the inbox page, incidents as JSON, and what operations asks for. They decide nothing."""
