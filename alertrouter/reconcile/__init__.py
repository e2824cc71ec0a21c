"""What Alertmanager's webhooks miss, healed by reading its API: both what fires there unknown, and what is over.

`compare` decides with plain values what to heal, `reading` asks an Alertmanager and each of its replicas,
`keeper` does so again and again beside the router's loop, and puts what it found into the journal.
"""
