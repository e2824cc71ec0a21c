/* The endpoint: answers every POST, and finds in it the alerts by their marks, whatever the message's form. */
#include "pump.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

nanoseconds *arrived_at, first_arrival, last_arrival;
int arrived, notifications;

static const char MARK[] = "mark-";
enum { MARK_LENGTH = 5, DIGITS = 8, MOST_LATE = 65536 };

static char reply[1024];
static size_t reply_length;
/* Answers that are held back. All are as late, so they fall due in the order of their coming. */
static struct { nanoseconds due; Connection *connection; } late[MOST_LATE];
static unsigned late_first, late_end;

void open_endpoint(void) {
    arrived_at = room(options.alerts * sizeof *arrived_at);
    if (options.listener < 0) return;
    reply_length = snprintf(reply, sizeof reply,
                            "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                            options.status, strlen(options.answer), options.answer);
    Connection *listener = room(sizeof *listener);
    listener->kind = LISTENER;
    listener->fd = options.listener;
    watch(listener, false);
}

void accept_all(Connection *listener) {
    int fd, on = 1;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *connection = room(sizeof *connection);
        connection->kind = SERVER;
        connection->fd = fd;
        watch(connection, false);
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ECONNABORTED) fail("accept");
}

static void note_marks(const char *text, const char *end, nanoseconds now) {
    while ((text = memmem(text, end - text, MARK, MARK_LENGTH)) && text + MARK_LENGTH + DIGITS <= end) {
        text += MARK_LENGTH;
        long id = 0;
        int digits = 0;
        while (digits < DIGITS && text[digits] >= '0' && text[digits] <= '9') id = id * 10 + text[digits++] - '0';
        long number = id - options.first;
        if (digits < DIGITS || number < 0 || number >= options.alerts || arrived_at[number]) continue;
        arrived_at[number] = now;
        arrived++;
        if (!first_arrival) first_arrival = now;
        last_arrival = now;
    }
}

static void answer(Connection *connection) {
    connection->out = reply;
    connection->out_length = reply_length;
    if (!flush_out(connection)) close_connection(connection);
}

void hear_notification(Connection *connection) {
    size_t body;
    long length;
    if (!receive(connection)) {
        close_connection(connection);
        return;
    }
    while (connection->fd >= 0 && (length = message_length(connection, &body))) {
        nanoseconds now = now_ns();
        note_marks(connection->in + body, connection->in + length, now);
        notifications++;
        consume(connection, length);
        if (!options.delay_ms) {
            answer(connection);
            continue;
        }
        if (late_end - late_first == MOST_LATE) fail("too many late answers");
        late[late_end % MOST_LATE].due = now + options.delay_ms * 1000000LL;
        late[late_end++ % MOST_LATE].connection = connection;
    }
}

nanoseconds next_reply(void) { return late_first == late_end ? 0 : late[late_first % MOST_LATE].due; }

void reply_due(nanoseconds now) {
    while (late_first != late_end && late[late_first % MOST_LATE].due <= now) {
        Connection *connection = late[late_first++ % MOST_LATE].connection;
        if (connection->fd >= 0) answer(connection);
    }
}
