#!/usr/bin/env bash
# Stands in for docker in a backup of programs that run on loopback: what would run in a container runs here, on the
# directory that stands for its volume. $STAND_IN holds pids/SERVICE and environ; each call is written into calls.
printf '%s\n' "$*" >> "$STAND_IN/calls"
case "$*" in
    "compose exec -T alertrouter-web alertrouter "*) exec env $(cat "$STAND_IN/environ") "$PYTHON" -m alertrouter "${@:6}" ;;
    "compose run "*" alertrouter-router restore - --replace")
        exec env $(cat "$STAND_IN/environ") "$PYTHON" -m alertrouter restore - --replace
        ;;
    "compose run "*" alertrouter-router restore - --check") exec "$PYTHON" -m alertrouter restore - --check ;;
    "compose exec -T redis sh -c "*) exec redis-cli -p "$REDIS_PORT" -a "$REDIS_PASSWORD" --no-auth-warning --rdb - 2> /dev/null ;;
    "compose stop "*)
        for service in "${@:3}"; do
            while read -r pid; do
                kill "$pid"
                # One that has ended and was not asked for its end yet is a zombie.
                while grep -qv ") Z " "/proc/$pid/stat" 2> /dev/null; do sleep 0.05; done
            done < "$STAND_IN/pids/$service"
        done
        ;;
    "run --rm "*)
        command=${*: -1}
        command=${command//\/volume/$VOLUME}
        exec sh -c "$(sed 's/chown -R [0-9:]* [^ ]*/true/' <<< "$command")"
        ;;
esac
