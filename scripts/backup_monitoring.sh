#!/usr/bin/env bash
# Backs up the monitoring stack, checks a backup, and restores one.
#
#   ./scripts/backup_monitoring.sh                    a backup, into backups/TIME/
#   ./scripts/backup_monitoring.sh --list             what there is
#   ./scripts/backup_monitoring.sh --verify DIR       is it whole, and could it be restored? Each part is read
#   ./scripts/backup_monitoring.sh --restore DIR      stop, put back, start
#   --only PART         alertrouter, redis, prometheus, alertmanager, grafana, loki or configuration; may be repeated
#   --yes               restore without asking
#
# alertrouter, Redis, Prometheus and Alertmanager run on meanwhile. Grafana stops for a moment and Loki for as long as its
# files take, for neither can be copied while it writes. Of older backups the newest seven stay, and four more of Sundays.
# What was written is read again at once. Each success is noted in alertrouter, and an old one is the alert BackupStale.
# By cron, each night:
#   15 3 * * *  cd /srv/alertrouter && ./scripts/backup_monitoring.sh >> logs/backup.log 2>&1
# Exit 0: all is well; 1: a part failed, and the line says which; 2: wrong usage.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

BACKUPS=${BACKUP_DIR:-backups}
PROMETHEUS=${PROMETHEUS_URL:-http://127.0.0.1:9090}
LOKI=${LOKI_URL:-http://127.0.0.1:3100}
PROJECT=${COMPOSE_PROJECT_NAME:-alertrouter}
# Any image with sh and tar: the one that is here anyway.
IMAGE=valkey/valkey:9.1.1-alpine
PARTS=(alertrouter redis prometheus alertmanager grafana loki configuration)
failed=0

usage() {
    sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p}' "$0"
    exit "$1"
}

say() { printf '%s\n' "$*"; }
wanted() { [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }
sum() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# part NAME: run backup_NAME or restore_NAME; what fails is said, and the other parts go on.
part() {
    wanted "$2" || return 0
    # In a shell of its own, with its own -e: inside a condition that would hold for nothing.
    set +e
    (
        set -e
        "$1_$2"
        if [ "$1" = backup ]; then "check_$2"; fi
    )
    local code=$?
    set -e
    if [ $code -eq 0 ]; then
        say "  ✓ $2"
        if [ "$1" = backup ] && [ "$2" != alertrouter ]; then
            docker compose exec -T alertrouter-web alertrouter backup --record "$2" || true
        fi
    else
        say "  ✗ $2: see above"
        failed=$((failed + 1))
    fi
}

# --- backup ------------------------------------------------------------------------------------------------------------

backup_alertrouter() { docker compose exec -T alertrouter-web alertrouter backup - > "$into/alertrouter.backup"; }

# The whole server as well: what else may live in it, and for a disaster in which only Redis is at hand.
backup_redis() {
    docker compose exec -T redis sh -c \
        'REDISCLI_AUTH=$(sed -n "s/^requirepass //p" /run/secrets/redis_auth) valkey-cli --rdb - 2> /dev/null' > "$into/redis.rdb"
}

# The head goes along with it, and samples that come meanwhile are not disturbed.
backup_prometheus() {
    local name
    name=$(curl --silent --show-error --fail --max-time 300 --request POST "$PROMETHEUS/api/v1/admin/tsdb/snapshot" |
        sed -n 's/.*"name":"\([^"]*\)".*/\1/p')
    [ -n "$name" ]
    in_volume prometheus-data "tar -C /volume/snapshots/$name -cf - . && rm -rf /volume/snapshots/$name" > "$into/prometheus.tar"
}

backup_alertmanager() {
    docker compose exec -T alertmanager amtool --alertmanager.url=http://localhost:9093 silence query -o json \
        > "$into/alertmanager-silences.json"
}

backup_grafana() { stopped grafana in_volume grafana-data "tar -C /volume -cf - grafana.db" > "$into/grafana.tar"; }

backup_loki() {
    curl --silent --show-error --fail --max-time 60 --request POST "$LOKI/flush"
    stopped loki in_volume loki-data "tar -C /volume -cf - ." > "$into/loki.tar"
}

# stopped SERVICE COMMAND…: run it while the service stands still, and start that again whatever came of it.
stopped() {
    local code=0
    docker compose stop "$1" >&2
    "${@:2}" || code=$?
    docker compose start "$1" >&2
    return "$code"
}

# in_volume VOLUME COMMAND: run it in a container that has the volume at /volume and nothing else, not even a network.
in_volume() {
    docker run --rm --interactive --network none --volume "${PROJECT}_$1:/volume" --entrypoint sh "$IMAGE" -c "$2"
}

# Secrets are in .env.monitoring: they go along only encrypted, to whom AGE_RECIPIENT names.
backup_configuration() {
    tar -czf "$into/configuration.tar.gz" docker-compose*.yml monitoring policies
    if [ -n "${AGE_RECIPIENT:-}" ]; then
        age --recipient "$AGE_RECIPIENT" --output "$into/env.monitoring.age" .env.monitoring
    else
        say "    .env.monitoring is not in it: set AGE_RECIPIENT, or keep it elsewhere"
    fi
}

manifest() {
    {
        say "# $(basename "$into"), alertrouter $(docker compose exec -T alertrouter-web alertrouter --version 2> /dev/null || say unknown)"
        (cd "$into" && find . -type f ! -name manifest.txt -print | sort | while read -r file; do sum "$file"; done)
    } > "$into/manifest.txt"
}

# The newest seven, and of those before them four of a Sunday.
forget() {
    local name day sundays=0 kept=0
    while read -r name; do
        kept=$((kept + 1))
        [ "$kept" -gt 7 ] || continue
        day=$(date -u -d "${name:0:8}" +%u 2> /dev/null || date -u -j -f %Y%m%d "${name:0:8}" +%u)
        if [ "$day" = 7 ] && [ "$sundays" -lt 4 ]; then
            sundays=$((sundays + 1))
            continue
        fi
        rm -rf "${BACKUPS:?}/$name"
        say "  · $name is forgotten"
    done < <(list)
}

# Newest first. Half a backup has no manifest.
list() {
    find "$BACKUPS" -mindepth 2 -maxdepth 2 -name manifest.txt 2> /dev/null | sed 's|/manifest.txt$||;s|.*/||' |
        grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort -r || true
}

backup() {
    local name
    into="$BACKUPS/$(date -u +%Y%m%dT%H%M%SZ)"
    from=$into
    mkdir -p "$into"
    say "Backup into $into"
    for name in "${PARTS[@]}"; do part backup "$name"; done
    manifest
    [ "$failed" -gt 0 ] || forget
}

# --- could it be put back? -----------------------------------------------------------------------------------------------

# Every entry, by the types of the version that would have to restore it; no Redis is asked.
check_alertrouter() { docker compose run --rm --no-deps -T alertrouter-router restore - --check < "$from/alertrouter.backup"; }

check_redis() { [ "$(head -c 5 "$from/redis.rdb")" = REDIS ] || [ "$(head -c 6 "$from/redis.rdb")" = VALKEY ]; }

check_alertmanager() { [ "$(head -c 1 "$from/alertmanager-silences.json")" = "[" ]; }

check_prometheus() { holds prometheus.tar meta.json; }

check_grafana() { holds grafana.tar grafana.db; }

check_loki() { holds loki.tar .; }

check_configuration() { holds configuration.tar.gz docker-compose.yml; }

# holds ARCHIVE FILE: it can be read to its end, and such a file is in it.
holds() {
    local names
    names=$(tar -tf "$from/$1")
    [[ $names == *"$2"* ]]
}

# --- verify and restore --------------------------------------------------------------------------------------------------

verify() {
    [ -f "$1/manifest.txt" ] || { say "$1 is no backup: it has no manifest.txt" && exit 1; }
    if (cd "$1" && grep -v '^#' manifest.txt | sum --check --quiet -); then
        say "$1 is whole: $(grep -vc '^#' "$1/manifest.txt") files"
    else
        say "$1 is damaged"
        exit 1
    fi
    from=$1
    local name
    for name in "${PARTS[@]}"; do
        if grep -q "  ./${name}[.-]" "$1/manifest.txt"; then part check "$name"; fi
    done
    [ "$failed" -eq 0 ] || { say "$1 can't be restored as it is" && exit 1; }
}

# Routers and workers stand still, so nobody writes over it; the doors answer 503 for so long, and senders try again.
restore_alertrouter() {
    docker compose stop alertrouter-router alertrouter-worker
    sleep "${LEASE_ENDS:-5}" # a router that was killed has its lease for four more seconds
    docker compose run --rm --no-deps -T alertrouter-router restore - --replace < "$from/alertrouter.backup"
    docker compose start alertrouter-router alertrouter-worker
}

restore_redis() { say "    redis.rdb is for a server that is lost: docs/operations.md. alertrouter's state is in alertrouter.backup"; }

# put_back SERVICE VOLUME OWNER WHAT FILE: in the place of WHAT, as the user that the service's image has.
put_back() {
    stopped "$1" in_volume "$2" "rm -rf $4 && tar -C /volume -xf - && chown -R $3 /volume" < "$from/$5"
}

restore_prometheus() { put_back prometheus prometheus-data 65534:65534 '/volume/*' prometheus.tar; }

restore_alertmanager() {
    docker compose exec -T alertmanager amtool --alertmanager.url=http://localhost:9093 silence import \
        < "$from/alertmanager-silences.json"
}

restore_grafana() { put_back grafana grafana-data 472:0 /volume/grafana.db grafana.tar; }

restore_loki() { put_back loki loki-data 10001:10001 '/volume/*' loki.tar; }

restore_configuration() { say "    configuration.tar.gz is for you to look at: the repository has it too"; }

restore() {
    from=$1
    verify "$from"
    if [ "$yes" = false ]; then
        read -r -p "Put $from in the place of what runs? [y/N] " answer
        [ "$answer" = y ] || exit 1
    fi
    say "Restore from $from"
    local name
    for name in "${PARTS[@]}"; do part restore "$name"; done
}

# --- main ----------------------------------------------------------------------------------------------------------------

mode=backup
argument=
yes=false
only=()
while [ $# -gt 0 ]; do
    case $1 in
        --list) mode=list ;;
        --yes) yes=true ;;
        --verify | --restore | --only)
            [ $# -gt 1 ] || usage 2 >&2
            if [ "$1" = --only ]; then only+=("$2"); else mode=${1#--} && argument=$2; fi
            shift
            ;;
        -h | --help) usage 0 ;;
        *) usage 2 >&2 ;;
    esac
    shift
done
for name in "${only[@]}"; do
    [[ " ${PARTS[*]} " == *" $name "* ]] || usage 2 >&2
done

case $mode in
    backup) backup ;;
    list) list ;;
    verify) verify "$argument" ;;
    restore) restore "$argument" ;;
esac
[ "$failed" -eq 0 ] || exit 1
