/* Options, the loop, and the report as one line of JSON. */
#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

Options options = {.path = "/api/v2/alerts", .connections = 8, .alerts = 1, .batch = 1, .rounds = 1, .groups = 1,
                   .services = 4, .role = "plain", .listener = -1, .status = "200 OK", .answer = "ok",
                   .timeout_ms = 60000};
int loop;

nanoseconds now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void fail(const char *what) {
    fprintf(stderr, "pump: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

void *room(size_t bytes) {
    void *found = calloc(1, bytes ? bytes : 1);
    if (!found) fail("no memory");
    return found;
}

void watch(Connection *connection, bool out) {
    struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = connection};
    fcntl(connection->fd, F_SETFL, fcntl(connection->fd, F_GETFL) | O_NONBLOCK);
    if (epoll_ctl(loop, EPOLL_CTL_MOD, connection->fd, &event) < 0 &&
        epoll_ctl(loop, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        fail("epoll_ctl");
    connection->wants_out = out;
}

void close_connection(Connection *connection) {
    if (connection->fd >= 0) close(connection->fd);
    connection->fd = -1;
}

bool receive(Connection *connection) {
    if (connection->in_room - connection->in_length < 65536) {
        connection->in_room = connection->in_room * 2 + 131072;
        connection->in = realloc(connection->in, connection->in_room);
        if (!connection->in) fail("no memory");
    }
    ssize_t got = recv(connection->fd, connection->in + connection->in_length,
                       connection->in_room - connection->in_length, 0);
    if (got > 0) connection->in_length += got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool flush_out(Connection *connection) {
    while (connection->out_length) {
        ssize_t gone = send(connection->fd, connection->out, connection->out_length, MSG_NOSIGNAL);
        if (gone < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (gone < 0) break;
        connection->out += gone;
        connection->out_length -= gone;
    }
    bool more = connection->out_length > 0;
    if (more != connection->wants_out) watch(connection, more);
    return true;
}

void consume(Connection *connection, size_t length) {
    connection->in_length -= length;
    memmove(connection->in, connection->in + length, connection->in_length);
}

long message_length(Connection *connection, size_t *body) {
    char *end = memmem(connection->in, connection->in_length, "\r\n\r\n", 4);
    if (!end) return 0;
    *body = end - connection->in + 4;
    long content = 0;
    for (char *line = connection->in; line && line < end; line = memmem(line, end - line, "\r\n", 2)) {
        if (*line == '\r') line += 2;
        if (!strncasecmp(line, "content-length:", 15)) content = atol(line + 15);
        if (!strncasecmp(line, "transfer-encoding:", 18)) fail("chunked messages are not understood");
    }
    return *body + content <= connection->in_length ? (long)(*body + content) : 0;
}

static bool done(void) {
    return answered == turns() && arrived >= options.expect && !next_reply();
}

static nanoseconds earlier(nanoseconds one, nanoseconds other) {
    return !one || (other && other < one) ? other : one;
}

static void turn_once(nanoseconds deadline) {
    struct epoll_event events[64];
    nanoseconds left = earlier(earlier(next_send(), next_reply()), deadline) - now_ns();
    struct timespec wait = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
    int count = epoll_pwait2(loop, events, 64, &wait, NULL);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
        Connection *connection = events[i].data.ptr;
        if (connection->kind == LISTENER) accept_all(connection);
        if (connection->fd >= 0 && (events[i].events & EPOLLOUT) && !flush_out(connection)) fail("send");
        if (connection->fd < 0 || !(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
        if (connection->kind == CLIENT) hear_answer(connection);
        if (connection->kind == SERVER) hear_notification(connection);
    }
    reply_due(now_ns());
    send_more();
}

static int ascending(const void *one, const void *other) {
    nanoseconds a = *(const nanoseconds *)one, b = *(const nanoseconds *)other;
    return (a > b) - (a < b);
}

static void report_spread(const char *name, nanoseconds *values, int count) {
    qsort(values, count, sizeof *values, ascending);
    printf(",\"%s\":{\"count\":%d", name, count);
    if (count)
        printf(",\"least\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"most\":%.3f", values[0] / 1e6,
               values[(count - 1) / 2] / 1e6, values[(int)((count - 1) * 0.99)] / 1e6, values[count - 1] / 1e6);
    printf("}");
}

static void report(void) {
    nanoseconds *latency = room(options.alerts * sizeof *latency);
    int count = 0;
    for (int i = options.skip; i < options.alerts; i++)
        if (arrived_at[i]) latency[count++] = arrived_at[i] - posted_at[i];
    printf("{\"started_ns\":%lld,\"answered_ns\":%lld,\"first_arrival_ns\":%lld,\"last_arrival_ns\":%lld",
           (long long)started_at, (long long)answered_at, (long long)first_arrival, (long long)last_arrival);
    printf(",\"starts\":\"%s\",\"requests\":%d,\"answered\":%d,\"refused\":%d", options.starts, turns(), answered,
           refused);
    printf(",\"arrived\":%d,\"notifications\":%d", arrived, notifications);
    report_spread("response_ms", response_ns, answered);
    report_spread("latency_ms", latency, count);
    printf("}\n");
    fflush(stdout);
}

static void read_options(int argc, char **argv) {
    struct { const char *name; int *number; const char **text; } known[] = {
        {"--port", &options.port, 0}, {"--path", 0, &options.path}, {"--connections", &options.connections, 0},
        {"--alerts", &options.alerts, 0}, {"--batch", &options.batch, 0}, {"--rounds", &options.rounds, 0},
        {"--groups", &options.groups, 0}, {"--group-from", &options.group_from, 0}, {"--first", &options.first, 0},
        {"--services", &options.services, 0}, {"--role", 0, &options.role}, {"--starts", 0, &options.starts},
        {"--starts-ahead-ms", &options.starts_ahead_ms, 0}, {"--changing", &options.changing, 0},
        {"--pace-us", &options.pace_us, 0}, {"--expect", &options.expect, 0}, {"--skip", &options.skip, 0},
        {"--listener", &options.listener, 0}, {"--delay-ms", &options.delay_ms, 0}, {"--status", 0, &options.status},
        {"--answer", 0, &options.answer}, {"--timeout-ms", &options.timeout_ms, 0},
    };
    for (int i = 1; i < argc; i += 2) {
        bool found = false;
        if (i + 1 == argc) fail("every option has a value");
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (strcmp(argv[i], known[k].name)) continue;
            if (known[k].number) *known[k].number = atoi(argv[i + 1]);
            else *known[k].text = argv[i + 1];
            found = true;
        }
        if (!found) fail(argv[i]);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    loop = epoll_create1(EPOLL_CLOEXEC);
    make_requests();
    open_endpoint();
    open_senders();
    nanoseconds deadline = now_ns() + options.timeout_ms * 1000000LL;
    send_more();
    while (!done() && now_ns() < deadline) turn_once(deadline);
    report();
    return 0;
}
