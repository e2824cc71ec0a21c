# shellcheck shell=bash
# The three checklists of deploy_monitoring.sh, which sources this: before a deployment, after it, and for production.
# Each line is something that is looked at now, and what to do when it is not as it should be.

# --- before: configuration, images, network, storage -----------------------------------------------------------------

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check() {
    heading "Before the deployment"
    check_docker || return 0
    check_configuration
    check_network
    check_storage
}

check_docker() {
    local engine compose
    if ! command -v docker > /dev/null; then
        wrong "Docker is not installed" "https://docs.docker.com/engine/install/"
        return 1
    fi
    if ! engine=$(docker version --format '{{.Server.Version}}' 2> /dev/null); then
        if [ "$(id -u)" = 0 ]; then
            wrong "Docker does not answer" "start it: systemctl start docker"
        else
            wrong "Docker does not answer" "start it, or join its group: sudo usermod -aG docker $(id -un)"
        fi
        return 1
    fi
    look "Docker $engine" "Docker $engine is too old" "25.0 or later is needed" at_least 25.0 "$engine"
    compose=$(docker compose version --short 2> /dev/null || echo 0)
    look "Compose $compose" "Compose $compose is too old" "2.24.4 or later is needed" at_least 2.24.4 "${compose#v}"
}

check_configuration() {
    local name
    if docker compose config --quiet; then
        fine "docker-compose files are valid"
    else
        wrong "the docker-compose files can't be read" "see the message above"
        return
    fi
    if docker compose build --quiet && docker compose pull --quiet --ignore-buildable; then
        fine "images are built and pulled"
    else
        wrong "an image is missing" "see the message above; is there a way to the registries?"
        return
    fi
    for name in prometheus alertmanager loki alloy tempo blackbox policy; do
        if docker compose --profile check run --rm --no-deps "check-$name" > "logs/check-$name.log" 2>&1; then
            fine "$name's configuration is valid, says its own image"
        else
            wrong "$name's configuration is not valid" "logs/check-$name.log says why"
        fi
    done
}

check_network() {
    local port
    if [ -n "$(docker compose ps --quiet 2> /dev/null)" ]; then
        fine "the stack runs already: its ports are its own"
        return
    fi
    for port in "${PORTS[@]}"; do
        if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
            wrong "port $port is taken" "find out by whom: ss -ltnp sport = :$port"
        else
            fine "port $port is free"
        fi
    done
}

check_storage() {
    local root free
    root=$(docker info --format '{{.DockerRootDir}}' 2> /dev/null || true)
    [ -d "${root:-/nowhere}" ] || root=.
    free=$(($(df -Pk "$root" | awk 'NR == 2 {print $4}') / 1024 / 1024))
    if [ "$free" -ge "$LEAST_DISK_GB" ]; then
        fine "$free GB are free for the volumes in $root"
    else
        wrong "$free GB are free in $root" "$LEAST_DISK_GB GB are needed for a start; 30 days of a small site take about 20"
    fi
    if [ "$(docker info --format '{{.Driver}}' 2> /dev/null)" = overlayfs ] && [ ! -S /run/containerd/containerd.sock ]; then
        warn "images are kept in containerd and its socket is not at /run/containerd/containerd.sock: set CONTAINERD_SOCKET, or containers have no names"
    fi
}

# --- after: services, metrics, dashboards, alerts, logs, channels ------------------------------------------------------

verify() {
    heading "After the deployment"
    verify_services
    verify_metrics
    verify_dashboards
    verify_alerts
    verify_logs
    verify_channels
}

verify_services() {
    local ill
    ill=$(docker compose ps --all --format '{{.Service}} {{.State}} {{.Health}}' | awk '$2 != "running" || $3 ~ /^(unhealthy|starting)$/ {print $1}' | sort -u | paste -sd ' ' -)
    if [ -n "$ill" ]; then
        wrong "not healthy: $ill" "docker compose ps; docker compose logs ${ill%% *}"
    elif [ -z "$(docker compose ps --quiet)" ]; then
        wrong "nothing runs" "./scripts/deploy_monitoring.sh"
    else
        fine "all services are healthy and running"
    fi
}

# Asks Prometheus inside its container: no tool is needed here.
query() { docker compose exec -T prometheus promtool query instant http://localhost:9090 "$1"; }

verify_metrics() {
    local down unhealthy
    if ! down=$(query 'up == 0'); then
        wrong "Prometheus does not answer" "docker compose logs prometheus"
        return
    fi
    look "every target is scraped" "targets are down: $(printf '%s' "$down" | paste -sd ';' -)" \
        "http://localhost:9090/targets" [ -z "$down" ]
    unhealthy=$(query 'increase(prometheus_rule_evaluation_failures_total[5m]) > 0' || true)
    look "every rule is evaluated" "rules fail: $unhealthy" "http://localhost:9090/rules" [ -z "$unhealthy" ]
    look "the Watchdog fires" "the Watchdog does not fire" \
        "is monitoring/prometheus/rules complete? docker compose logs prometheus" \
        [ -n "$(query 'ALERTS{alertname="Watchdog", alertstate="firing"}' || true)" ]
}

# The password goes to curl by its input, not by the command line.
grafana() {
    printf 'user = "admin:%s"\n' "$(value GRAFANA_ADMIN_PASSWORD)" |
        curl --silent --show-error --fail --max-time 10 --config - "http://127.0.0.1:3000$1"
}

verify_dashboards() {
    local found wanted
    found=$(grafana '/api/search?type=dash-db&limit=500' | grep -o '"uid":"' | wc -l || true)
    wanted=$(find monitoring/grafana/dashboards -name '*.json' | wc -l)
    if [ "$found" -ge "$wanted" ] && [ "$wanted" -gt 0 ]; then
        fine "$found dashboards are there"
    else
        wrong "$found of $wanted dashboards are there" "docker compose logs grafana | grep logger=provisioning"
    fi
    look "Grafana reaches Prometheus" "Grafana does not reach Prometheus" "docker compose logs grafana" \
        [ -n "$(grafana /api/datasources/uid/prometheus/health || true)" ]
}

# A test alert goes the whole way: Alertmanager, alertrouter, an incident. It ends by itself after two minutes.
verify_alerts() {
    local name left end
    name="DeploymentTest$(date -u +%H%M%S)"
    end=$(date -u -d '+2 minutes' +%FT%TZ 2> /dev/null || date -u -v +2M +%FT%TZ)
    if ! docker compose exec -T alertmanager amtool --alertmanager.url=http://localhost:9093 alert add "$name" \
        severity=info component=monitoring "--end=$end" --annotation=summary="A test of the deployment"; then
        wrong "Alertmanager takes no alert" "docker compose logs alertmanager"
        return
    fi
    for ((left = ${VERIFY_PATIENCE:-60}; left > 0; left--)); do
        if docker compose exec -T alertrouter-web alertrouter incidents -o json 2> /dev/null | grep -q "$name"; then
            fine "a test alert came through Alertmanager to alertrouter as an incident"
            return
        fi
        sleep "${VERIFY_PAUSE:-1}"
    done
    wrong "the test alert $name did not reach alertrouter" "docker compose logs alertmanager alertrouter-web alertrouter-router"
}

verify_logs() {
    local answer
    answer=$(curl --silent --show-error --fail --max-time 10 --get http://127.0.0.1:3100/loki/api/v1/query \
        --data-urlencode 'query=sum(count_over_time({job="docker"}[15m]))' || true)
    case $answer in
        *'"value"'*) fine "logs of containers arrive in Loki" ;;
        *) wrong "no log of a container is in Loki" "docker compose logs alloy loki" ;;
    esac
}

verify_channels() {
    local receiver
    look "alertrouter finds nothing wrong" "alertrouter finds something wrong" "each line above says how to mend it" \
        docker compose exec -T alertrouter-web alertrouter doctor
    # shellcheck disable=SC2154 # deploy_monitoring.sh sets it
    for receiver in "${receivers[@]}"; do
        look "a test message went to $receiver" "no test message got through to $receiver" "see above" \
            docker compose exec -T alertrouter-web alertrouter send-test "$receiver"
    done
}

# --- production --------------------------------------------------------------------------------------------------------

ready() {
    heading "Ready for production"
    if grep -Eq '^alerts: *\{\} *(#.*)?$' monitoring/prometheus/overrides.yml; then
        warn "monitoring/prometheus/overrides.yml is as it came: tune the thresholds to your site"
    else
        fine "thresholds were tuned"
    fi
    look "there are runbooks" "there are no runbooks" "docs/runbooks" \
        [ -n "$(find docs/runbooks -name '*.md' 2> /dev/null | head -n 1)" ]
    look "the newest backup is younger than two days" "there is no backup of the last two days" \
        "./scripts/backup_monitoring.sh, each night, by cron" \
        [ -n "$(find "${BACKUP_DIR:-backups}" -name manifest.txt -mtime -2 2> /dev/null | head -n 1)" ]
    look "a dead man's switch elsewhere watches over all of this" "nobody is called when all of this is gone" \
        "set ALERTROUTER_DEADMAN_URL (docs/operations.md)" [ -n "$(value ALERTROUTER_DEADMAN_URL)" ]
    look "messages go to people" "all messages go to the inbox" "fill in Slack or PagerDuty in $ENV_FILE" \
        [ -n "$(value SLACK_BOT_TOKEN)$(value SLACK_WEBHOOK_URL)$(value PAGERDUTY_SERVICE_KEY)" ]
    say "  · the team: work through the drills of docs/operations.md with everybody who is on call"
}
