#!/usr/bin/env bash
# Deploys the monitoring stack, and answers the three checklists: before (--check), after (--verify), production (--ready).
#
#   ./scripts/deploy_monitoring.sh                    prepare, check, build, start, verify
#   ./scripts/deploy_monitoring.sh --prepare          only make .env.monitoring and the secrets
#   ./scripts/deploy_monitoring.sh --check            is everything in place to start it?
#   ./scripts/deploy_monitoring.sh --verify           does what runs do its work?
#   ./scripts/deploy_monitoring.sh --verify --send-test alerts   … and send a test message to this receiver
#   ./scripts/deploy_monitoring.sh --ready            is it fit for production?
#   --ha                two of everything that pages (docker-compose.ha.yml)
#   --profile NAME      also run traces, ai, db, gpu or slack; may be repeated
#
# Both choices are kept in .env.monitoring. Whatever it says stands in logs/monitoring_deployment_TIME.log too; no secret
# does. Exit 0: all is well; 1: something is not, and the line says what to do; 2: wrong usage.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

ENV_FILE=.env.monitoring
SECRETS=${SECRETS_DIR:-secrets}
PORTS=(3000 9090 9093 3100 9080 4317 4318)
LEAST_DISK_GB=10
failed=0
warned=0

usage() {
    sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p}' "$0"
    exit "$1"
}

say() { printf '%s\n' "$*"; }
heading() { printf '\n%s\n' "$*"; }
fine() { printf '  ✓ %s\n' "$1"; }
warn() {
    printf '  ! %s\n' "$1"
    warned=$((warned + 1))
}
wrong() {
    printf '  ✗ %s\n    → %s\n' "$1" "$2"
    failed=$((failed + 1))
}
# look FINE WRONG MEND COMMAND…: say FINE when the command succeeds, else WRONG and how to mend it.
look() {
    if "${@:4}"; then fine "$1"; else wrong "$2" "$3"; fi
}

# --- prepare: .env.monitoring and the secrets -----------------------------------------------------------------------

# The value of a name in .env.monitoring, without quotes around it.
value() {
    local found
    found=$(sed -n "s/^\(export  *\)\{0,1\}$1=//p" "$ENV_FILE" | tail -n 1)
    case $found in
        \'*\') found=${found#\'} && found=${found%\'} ;;
        \"*\") found=${found#\"} && found=${found%\"} ;;
    esac
    printf '%s' "$found"
}

# Set a name in .env.monitoring. The value goes by a file, never by the command line, which others can read.
set_value() {
    local kept
    kept=$(mktemp "$ENV_FILE.XXXXXX")
    grep -v "^$1=" "$ENV_FILE" > "$kept" || true
    printf '%s=%s\n' "$1" "$2" >> "$kept"
    mv "$kept" "$ENV_FILE"
}

random() { head -c 64 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | cut -c "1-$1"; }

generate() { [ -n "$(value "$1")" ] || set_value "$1" "$2"; }

prepare() {
    heading "Preparing"
    [ -e "$ENV_FILE" ] || cp .env.monitoring.example "$ENV_FILE"
    chmod 600 "$ENV_FILE"
    generate GRAFANA_ADMIN_PASSWORD "$(random 24)"
    generate GRAFANA_SECRET_KEY "$(random 32)"
    generate ALERTROUTER_REDIS_PASSWORD "$(random 32)"
    generate ALERTROUTER_INGEST_TOKENS "$(random 32)"
    generate ALERTROUTER_API_TOKEN "$(random 32)"
    generate ALERTROUTER_API_TOKENS "operator:write:$(value ALERTROUTER_API_TOKEN)"
    generate ALERTROUTER_LINK_SECRET "$(random 40)"
    generate AI_EXPORTER_TOKEN "$(random 32)"
    generate HOST_NAME "$(uname -n)"
    choose
    fine "$ENV_FILE is there, for your eyes only"
    [ -e .env ] || ln -s "$ENV_FILE" .env # plain `docker compose` reads the same
    write_secrets
}

# Which overlays and profiles: what was asked for, with what was chosen earlier.
choose() {
    local files profiles gateway=
    files=$(value COMPOSE_FILE)
    files=${files:-docker-compose.yml}
    case $files in *ha.yml*) ha=true ;; esac
    if command -v docker > /dev/null && [ "$(docker info --format '{{.OSType}}' 2> /dev/null)" = linux ] &&
        [ "$(docker info --format '{{.OperatingSystem}}' 2> /dev/null)" != "Docker Desktop" ]; then
        gateway=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}' 2> /dev/null || true)
    fi
    files=docker-compose.yml
    [ -z "$gateway" ] || files+=:docker-compose.host.yml
    [ "$ha" = false ] || files+=:docker-compose.ha.yml
    [ "$(value COMPOSE_FILE)" = "$files" ] || set_value COMPOSE_FILE "$files"
    [ "$(value DOCKER_GATEWAY)" = "$gateway" ] || set_value DOCKER_GATEWAY "$gateway"
    profiles=$(printf '%s\n' "$(value COMPOSE_PROFILES)" "${asked_profiles[@]}" | tr , '\n' | sed '/^$/d' | sort -u | paste -sd , -)
    [ "$(value COMPOSE_PROFILES)" = "$profiles" ] || set_value COMPOSE_PROFILES "$profiles"
    case ,$profiles, in
        *,traces,*) [ -n "$(value OTEL_EXPORTER_OTLP_ENDPOINT)" ] || set_value OTEL_EXPORTER_OTLP_ENDPOINT http://alloy:4318 ;;
    esac
}

# A container's user is not you, so each file may be read by all; the directory may be entered by you alone, and Docker.
write_secrets() {
    local redis
    mkdir -p "$SECRETS" logs/apps
    chmod 700 "$SECRETS"
    redis=$(value ALERTROUTER_REDIS_PASSWORD)
    grep -Ev '^(GRAFANA_|POSTGRES_|COMPOSE_|AI_EXPORTER_TOKEN=|DOCKER_GATEWAY=|BIND_ADDR=|OTEL_|ALERTROUTER_EXTERNAL_URL=)' \
        "$ENV_FILE" | secret alertrouter_settings
    value ALERTROUTER_INGEST_TOKENS | cut -d , -f 1 | tr -d '\n' | secret alertrouter_ingest_token
    value GRAFANA_ADMIN_PASSWORD | secret grafana_admin_password
    value GRAFANA_SECRET_KEY | secret grafana_secret_key
    printf 'requirepass %s\nmasterauth %s\n' "$redis" "$redis" | secret redis_auth
    printf '{"redis://redis:6379": "%s"}\n' "$redis" | secret redis_exporter_passwords
    value AI_EXPORTER_TOKEN | secret ai_exporter_token
    value POSTGRES_PASSWORD | secret postgres_password
    fine "$SECRETS/ holds what the containers are told"
}

# Written in place: a container that has the file mounted sees the new text.
secret() {
    [ -e "$SECRETS/$1" ] || : > "$SECRETS/$1"
    chmod 644 "$SECRETS/$1"
    cat > "$SECRETS/$1"
}

# shellcheck source=scripts/deployment_checklists.sh
. scripts/deployment_checklists.sh

# --- main --------------------------------------------------------------------------------------------------------------

mode=deploy
ha=false
receivers=()
asked_profiles=()
while [ $# -gt 0 ]; do
    case $1 in
        --prepare | --check | --verify | --ready) mode=${1#--} ;;
        --ha) ha=true ;;
        --send-test | --profile)
            [ $# -gt 1 ] || usage 2 >&2
            if [ "$1" = --profile ]; then asked_profiles+=("$2"); else receivers+=("$2"); fi
            shift
            ;;
        -h | --help) usage 0 ;;
        *) usage 2 >&2 ;;
    esac
    shift
done

mkdir -p logs
log="logs/monitoring_deployment_$(date -u +%Y%m%dT%H%M%SZ).log"
exec > >(tee -a "$log") 2>&1
tee_pid=$!

finish() {
    heading "$failed wrong, $warned to look at; all of it stands in $log"
    exec >&- 2>&-
    wait "$tee_pid" || true
    [ "$failed" -eq 0 ] || exit 1
    exit 0
}

[ "$mode" = verify ] || [ "$mode" = ready ] || prepare
case $mode in
    prepare) ;;
    check) check ;;
    verify) verify ;;
    ready) ready ;;
    deploy)
        check
        [ "$failed" -eq 0 ] || finish
        heading "Starting"
        look "all services are up" "not all services came up" "docker compose ps; docker compose logs SERVICE" \
            docker compose up --detach --wait --wait-timeout 300
        verify
        heading "Grafana       http://localhost:3000  (admin, GRAFANA_ADMIN_PASSWORD in $ENV_FILE)"
        say "Prometheus    http://localhost:9090"
        say "Alertmanager  http://localhost:9093"
        say "Loki          http://localhost:3100"
        say "alertrouter   http://localhost:9080"
        ;;
esac
finish
