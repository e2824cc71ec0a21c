/* The pump: posts alerts to a system and is the endpoint that the system notifies, both in one process, on one clock.
 *
 *   alerts.c    makes the requests, all before the clock starts
 *   sender.c    posts them over a few kept connections
 *   endpoint.c  takes notifications in, and notes when each alert was first heard of
 *   main.c      options, the loop, the report
 */
#ifndef PUMP_H
#define PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t nanoseconds;

typedef struct {
    int port;              /* of the system, on 127.0.0.1 */
    const char *path;
    int connections;
    int alerts;            /* how many different alerts */
    int batch;             /* alerts in one request */
    int rounds;            /* how often all of them are posted */
    int groups;            /* values of the label `group`, */
    int group_from;        /* counted from here: other ones open new groups */
    int services;          /* values of the label `service`, by which routes choose */
    int first;             /* number of the first alert: another one makes all label sets new */
    const char *role;      /* value of the label `role`, by which inhibition rules choose */
    int changing;          /* not 0: an annotation says something new in every round */
    int starts_ahead_ms;   /* startsAt lies so far ahead of the pump's start, */
    const char *starts;    /* unless it is given: what is sent again began when it began */
    int pace_us;           /* a request so often; 0: as fast as answers come */
    int expect;            /* wait until so many alerts were heard of at the endpoint */
    int skip;              /* the first alerts that no percentile counts */
    int listener;          /* an inherited listening socket; -1: no endpoint */
    int delay_ms;          /* the endpoint answers so late */
    const char *status;    /* and with this status */
    const char *answer;    /* and this body */
    int timeout_ms;        /* the end, whatever is missing */
} Options;

typedef struct {
    char *bytes;
    size_t length;
    int first, count;      /* its alerts, counted from 0 */
    size_t body;           /* where the JSON begins */
} Request;

enum kind { LISTENER, SERVER, CLIENT };

typedef struct Connection {
    enum kind kind;
    int fd;                /* -1: not open */
    char *in;              /* what has come and is not yet understood */
    size_t in_length, in_room;
    const char *out;       /* what has still to go */
    size_t out_length;
    bool wants_out;        /* epoll tells when more can go */
    int request;           /* CLIENT: the request under way; -1: none */
    nanoseconds sent_at;
} Connection;

extern Options options;
extern int loop;           /* the epoll */

/* main.c */
nanoseconds now_ns(void);
void fail(const char *what) __attribute__((noreturn));
void *room(size_t bytes);
void watch(Connection *connection, bool out);
bool receive(Connection *connection);              /* false: the other side has closed */
bool flush_out(Connection *connection);            /* false: the connection is broken */
void consume(Connection *connection, size_t length);
long message_length(Connection *connection, size_t *body);  /* of a whole HTTP message; 0: not all there yet */
void close_connection(Connection *connection);

/* alerts.c */
void make_requests(void);
Request *request_of(int turn);                     /* made ready for its round */
int turns(void);
int requests(void);

/* sender.c */
extern nanoseconds *posted_at;                     /* by alert: when it was first sent */
extern nanoseconds started_at, answered_at, *response_ns;
extern int answered, refused;
void open_senders(void);
void send_more(void);
nanoseconds next_send(void);                       /* when to be called again; 0: when an answer comes */
void hear_answer(Connection *connection);

/* endpoint.c */
extern nanoseconds *arrived_at;                    /* by alert: when it was first heard of */
extern nanoseconds first_arrival, last_arrival;
extern int arrived, notifications;
void open_endpoint(void);
void accept_all(Connection *listener);
void hear_notification(Connection *connection);
nanoseconds next_reply(void);                      /* when the next late answer is due; 0: none */
void reply_due(nanoseconds now);

#endif
