"""The only user of Redis. All keys carry the namespace (`ALERTROUTER_NAMESPACE`, `ar` unless set) as prefix.

| key                     | type   | what                                                            | who writes      |
|-------------------------|--------|-----------------------------------------------------------------|-----------------|
| `journal`               | stream | packed events, field `e`; trimmed behind the checkpoint         | all             |
| `checkpoint`            | string | id of the last journal entry whose effects are committed        | router (commit) |
| `lease`                 | string | name of the active router; gone 4 s after its last renewal      | router          |
| `epoch`                 | string | counts takeovers; a commit of an older epoch writes nothing     | router          |
| `format`                | string | the state's format, and the version that brought it there       | router (commit) |
| `alerts`                | hash   | fingerprint → packed `Alert`                                    | router (commit) |
| `incidents`             | hash   | id → packed `Incident`                                          | router (commit) |
| `policies`              | hash   | revision → packed texts by file name                            | router (commit) |
| `heartbeats`            | hash   | name → packed `Pulse`, for each that the active policy expects  | router (commit) |
| `silences`              | hash   | id → packed `Silence`, until 5 days after its end               | router (commit) |
| `summaries`             | hash   | id → packed `Summary`, one a destination and revision           | router (commit) |
| `silences_version`      | string | names the commit that changed a silence last                    | router (commit) |
| `begun`                 | stream | alerts that began to fire, field `f`: 8 bytes each; of the hour | router (commit) |
| `active`                | string | revision that new incidents follow                              | router (commit) |
| `files_revision`        | string | revision that was last taken from the policy directory          | router (commit) |
| `revisions`             | stream | packed `Revision`s, field `r`: published, activated; 40 of them | router, doors   |
| `shadow`                | hash   | `set`, `files`, `live`, `silences`: as begun; others: as found  | doors, follower |
| `shadow_follower`       | string | name of the process that decides for it; gone 15 s after it     | follower        |
| `refused`               | string | packed faults for which the directory's policy was refused      | router          |
| `last_number`           | string | number of the newest incident                                   | router (commit) |
| `alive_at`              | string | when a router last wrote, ms                                    | router (commit) |
| `history`               | stream | packed timeline lines, field `l`; kept ALERTROUTER_HISTORY_DAYS | router (commit) |
| `records`               | stream | packed `Record`s, field `r`, for replay; kept as long as history| router (commit) |
| `timeline:<incident>`   | list   | packed `TimelineLine`s, oldest first; kept as long as history   | router (commit) |
| `deliveries:<incident>` | list   | ids of the incident's deliveries; kept as long as history       | router (commit) |
| `delivery:<id>`         | hash   | one row of the ledger; kept 7 days after it was settled         | router, workers |
| `due:<channel>:<rank>`  | zset   | delivery ids by when they are due, ms                           | router, workers |
| `lanes`                 | hash   | destination → lane that it was last sent through                | workers         |
| `lane:<lane>`           | hash   | ms: `pace`, `tat` (free again at), `hold` (Retry-After until)   | workers         |
| `draining`              | zset   | workers that drain or linger, by how long they will, ms         | workers         |
| `nudges`                | list   | one entry for each worker that shall look at the ledger again   | router (commit) |
| `counters`              | hash   | counter → number                                                | all             |
| `gauges`                | hash   | `incidents:<state>`, `next_due` (ms)                            | router (commit) |
| `latency`               | hash   | seconds from receipt to sent: a count a bucket, `sum_ms`        | workers         |
| `exemplars`             | hash   | bucket of `latency` → trace id, seconds, when, of its newest    | workers         |
| `answer:<key>`          | string | packed `Answer` to what a person asked for; kept a minute       | router (commit) |
| `used:<mark>`           | string | that a link or a webhook, which count once, was seen; for days  | doors           |
| `reconciled`            | hash   | source → when all of it was last read and believed, s           | router          |
| `listed:<source>`       | set    | fingerprints of alerts that fire here and that it has listed    | router          |
| `backups`               | hash   | part of the stack → when its last backup succeeded, s           | `backup`        |
| `inbox`                 | hash   | id → packed `InboxMessage`                                      | workers         |
| `inbox_order`           | zset   | inbox ids by time, ms                                           | workers         |
| `quarantine`            | stream | events that could not be applied, with the reason; newest 1,000 | router (commit) |
| `set_aside`             | stream | alerts that could not be read, with the reason; newest 1,000    | doors           |

RQ's own keys begin with `rq:`; the one queue is `rq:queue:<namespace>-deliver`. Deleting them all loses nothing.
"""
