"""Calendars that say who is on call: fetched, read into shifts, and written down beside the policy's own files.

So the engine knows nothing of calendars: it gets a policy whose schedules have shifts, and what was read last is in
Redis with the rest of that policy. `shifts` reads a calendar, `feed` fetches it, `keeper` does so again and again.
"""
