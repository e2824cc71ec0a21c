#!/usr/bin/env bash
# Stands in for docker and curl on PATH: writes down each call, answers as a healthy machine does, and fails the calls
# that match a line of $STAND_IN/fails. `docker compose config` is answered by the real Compose.
name=${0##*/}
printf '%s %s\n' "$name" "$*" >> "$STAND_IN/calls"
if grep -qxf "$STAND_IN/fails" <<< "$name $*"; then
    echo "stand-in: fails as it was told to" >&2
    exit 1
fi
case "$name $*" in
    "docker version"*) echo 29.1.0 ;;
    "docker compose version --short") echo 5.6.1 ;;
    "docker info --format {{.OSType}}") echo linux ;;
    "docker info --format {{.OperatingSystem}}") cat "$STAND_IN/system" ;;
    "docker info --format {{.Driver}}") echo overlay2 ;;
    "docker network inspect bridge"*) echo 172.17.0.1 ;;
    "docker compose config --quiet") exec "$REAL_COMPOSE" config --quiet ;;
    "docker compose ps --quiet") grep -c "compose up" "$STAND_IN/calls" | grep -v '^0$' ;;
    "docker compose ps --all"*) cat "$STAND_IN/services" ;;
    *"promtool query instant"*"up == 0"*) cat "$STAND_IN/down" ;;
    *"promtool query instant"*Watchdog*) echo '{alertname="Watchdog"} => 1 @[1]' ;;
    *"alertrouter incidents"*) grep -o 'DeploymentTest[0-9]*' "$STAND_IN/calls" | tail -n 1 ;;
    "curl"*"/api/search"*) cat > /dev/null && cat "$STAND_IN/dashboards" ;;
    "curl"*"/api/datasources"*) cat > "$STAND_IN/curl-config" && echo '{"status":"OK"}' ;;
    "curl"*"/loki/api/v1/query"*) echo '{"data":{"result":[{"metric":{},"value":[1,"7"]}]}}' ;;
    "curl"*) cat > /dev/null ;;
esac
