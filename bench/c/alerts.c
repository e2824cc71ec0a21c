/* Requests as Prometheus posts them: an array of alerts with 8 labels and 3 annotations, about 710 bytes each.
 *
 * All alerts of a run have the same length, so that a round can move `endsAt` (and one annotation) in place.
 */
#include "pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static const char FORM[] =
    "{\"labels\":{\"alertname\":\"DiskFilling\",\"severity\":\"critical\",\"service\":\"svc-%04d\",\"group\":\"g-%08d\","
    "\"instance\":\"host-%08d.example.com:9100\",\"job\":\"node-exporter\",\"role\":\"%s\",\"mark\":\"mark-%08d\"},"
    "\"annotations\":{\"summary\":\"The filesystem of host-%08d is filling up\","
    "\"description\":\"The filesystem at /var/lib has %08d blocks left and will be full within four hours at the "
    "present rate; look for the largest directories first, then ask their owners.\","
    "\"runbook_url\":\"https://runbooks.example.com/filesystem-filling-up\"},"
    "\"startsAt\":\"%s\",\"endsAt\":\"%s\","
    "\"generatorURL\":\"http://prometheus.example.com:9090/graph?g0.expr=node_filesystem_avail_bytes&g0.tab=1\"}";

static const char CHANGING[] = "blocks left";  /* 9 bytes before it stand the 8 digits that change */
static const char ENDS[] = "\"endsAt\":\"";
enum { MOMENT = 24, LONGEST = 2048, ENDS_AHEAD_MS = 3600 * 1000 };

static char starts_now[MOMENT + 1];
static Request *made;
static int count;
static size_t alert_length, ends_offset, changing_offset;

/* A time so many milliseconds from now, always of the same length. */
static void write_moment(char *text, long ahead_ms) {
    struct timeval now;
    struct tm parts;
    gettimeofday(&now, NULL);
    long long ms = now.tv_sec * 1000LL + now.tv_usec / 1000 + ahead_ms;
    time_t seconds = ms / 1000;
    gmtime_r(&seconds, &parts);
    strftime(text, MOMENT + 1, "%Y-%m-%dT%H:%M:%S", &parts);
    sprintf(text + MOMENT - 5, ".%03uZ", (unsigned)(ms % 1000));
}

static int write_alert(char *text, int number, const char *starts, const char *ends) {
    int id = options.first + number;
    return snprintf(text, LONGEST, FORM, id % options.services, options.group_from + number % options.groups, id, options.role, id, id, 0, starts,
                    ends);
}

static void make_request(Request *request, int first, int alerts, const char *starts, const char *ends) {
    size_t body = alerts * (alert_length + 1) + 1;
    request->bytes = room(body + 256 + LONGEST);
    request->body = sprintf(request->bytes,
                            "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            options.path, options.port, body);
    request->first = first;
    request->count = alerts;
    char *text = request->bytes + request->body;
    for (int i = 0; i < alerts; i++) {
        *text++ = i ? ',' : '[';
        text += write_alert(text, first + i, starts, ends);
    }
    *text++ = ']';
    request->length = text - request->bytes;
}

void make_requests(void) {
    char ends[MOMENT + 1], sample[LONGEST];
    if (!options.starts) write_moment(starts_now, options.starts_ahead_ms), options.starts = starts_now;
    const char *starts = options.starts;
    write_moment(ends, ENDS_AHEAD_MS);
    alert_length = write_alert(sample, 0, starts, ends);
    ends_offset = strstr(sample, ENDS) - sample + sizeof ENDS - 1;
    changing_offset = strstr(sample, CHANGING) - sample - 9;
    count = (options.alerts + options.batch - 1) / options.batch;
    made = room(count * sizeof *made);
    for (int i = 0; i < count; i++) {
        int first = i * options.batch, left = options.alerts - first;
        make_request(&made[i], first, left < options.batch ? left : options.batch, starts, ends);
    }
}

int requests(void) { return count; }

int turns(void) { return count * options.rounds; }

Request *request_of(int turn) {
    Request *request = &made[turn % count];
    int round = turn / count;
    if (round == 0) return request;
    char ends[MOMENT + 1], digits[9];
    write_moment(ends, ENDS_AHEAD_MS);
    snprintf(digits, sizeof digits, "%08d", round);
    char *alert = request->bytes + request->body + 1;
    for (int i = 0; i < request->count; i++, alert += alert_length + 1) {
        memcpy(alert + ends_offset, ends, MOMENT);
        if (options.changing) memcpy(alert + changing_offset, digits, 8);
    }
    return request;
}
