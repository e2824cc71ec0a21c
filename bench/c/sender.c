/* Posts the requests over kept connections: as fast as they are answered, or one each `pace_us`. */
#include "pump.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

nanoseconds *posted_at, started_at, answered_at, *response_ns;
int answered, refused;

static Connection *senders;
static int turn;  /* the next request to send */

static void connect_sender(Connection *sender) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    sender->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sender->fd < 0 || connect(sender->fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
    setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sender->request = -1;
    sender->in_length = sender->out_length = 0;
    watch(sender, false);
}

void open_senders(void) {
    posted_at = room(options.alerts * sizeof *posted_at);
    response_ns = room(turns() * sizeof *response_ns);
    senders = room(options.connections * sizeof *senders);
    for (int i = 0; i < options.connections; i++) {
        senders[i].kind = CLIENT;
        connect_sender(&senders[i]);
    }
}

static nanoseconds due(void) { return started_at + (nanoseconds)turn * options.pace_us * 1000; }

nanoseconds next_send(void) {
    if (turn >= turns() || !options.pace_us) return 0;
    for (int i = 0; i < options.connections; i++)
        if (senders[i].request < 0) return due();
    return 0;
}

static void post(Connection *sender) {
    if (sender->fd < 0) connect_sender(sender);  /* the system closes what was idle for long */
    Request *request = request_of(turn);
    sender->request = turn;
    sender->out = request->bytes;
    sender->out_length = request->length;
    sender->sent_at = now_ns();
    if (turn < requests())
        for (int i = 0; i < request->count; i++) posted_at[request->first + i] = sender->sent_at;
    turn++;
    if (!flush_out(sender)) fail("the system broke a connection");
}

void send_more(void) {
    if (!started_at) started_at = now_ns();
    for (int i = 0; i < options.connections && turn < turns(); i++) {
        if (senders[i].request >= 0) continue;
        if (options.pace_us && now_ns() < due()) return;
        post(&senders[i]);
    }
}

void hear_answer(Connection *sender) {
    size_t body;
    if (!receive(sender)) {
        if (sender->request >= 0) fail("the system closed a connection before it answered");
        close_connection(sender);
        return;
    }
    long length = message_length(sender, &body);
    if (!length) return;
    if (sender->request < 0) fail("an answer to nothing");
    answered_at = now_ns();
    response_ns[answered++] = answered_at - sender->sent_at;
    if (strncmp(sender->in + 9, "200", 3) != 0) refused++;
    consume(sender, length);
    sender->request = -1;
}
