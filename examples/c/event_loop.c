/*
 * Verifies the DKIM signatures of a message from an event loop: one UDP socket, all questions at once.
 *
 *     cc event_loop.c -o event_loop $(pkg-config --cflags --libs bonafide)
 *     ./event_loop message.eml 127.0.0.1 53
 */
#define _DEFAULT_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bonafide.h>

#define DEADLINE_SECONDS 5
#define MAXIMUM_OPEN 64

/* The questions that are on their way, by the id of their packet. */
static struct {
    uint64_t question;
    uint16_t packet_id;
} open_questions[MAXIMUM_OPEN];
static size_t open_count;

static void must(bonafide_status status, const char *what)
{
    if (status == BONAFIDE_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, bonafide_last_error());
    exit(2);
}

/* An id that nobody can guess, and that no other open question has. */
static uint16_t fresh_id(void)
{
    uint16_t id;
    size_t index = 0;

    do {
        if (getentropy(&id, sizeof id) != 0)
            abort();
        for (index = 0; index < open_count && open_questions[index].packet_id != id; index++)
            ;
    } while (index < open_count);
    return id;
}

/* Whatever the evaluation wants to know goes out at once. */
static void ask(bonafide_evaluation *evaluation, int server)
{
    bonafide_question question;
    bonafide_text query;

    while (bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK) {
        uint16_t id = fresh_id();

        if (open_count == MAXIMUM_OPEN) {
            must(bonafide_evaluation_answer_failure(evaluation, question.id,
                                                    BONAFIDE_FAILURE_OTHER), "too many questions");
            continue;
        }
        must(bonafide_evaluation_query(evaluation, question.id, id, &query), "query");
        (void)!send(server, query.data, query.length, 0); /* one that is lost times out */
        open_questions[open_count].question = question.id;
        open_questions[open_count++].packet_id = id;
    }
}

/* A datagram came: the id says which question it is about. */
static void answer(bonafide_evaluation *evaluation, int server)
{
    static unsigned char packet[65536];
    ssize_t length = recv(server, packet, sizeof packet, MSG_DONTWAIT);
    size_t index;

    for (index = 0; length >= 2 && index < open_count; index++) {
        uint64_t question = open_questions[index].question;

        if (open_questions[index].packet_id != (packet[0] << 8 | packet[1]))
            continue;
        switch (bonafide_evaluation_answer_packet(evaluation, question, packet, (size_t)length, 0)) {
        case BONAFIDE_FOREIGN:
            return; /* somebody guesses: the real reply is still to come */
        case BONAFIDE_TRUNCATED: /* a server that is in earnest asks again over TCP */
        case BONAFIDE_MALFORMED:
            bonafide_evaluation_answer_failure(evaluation, question, BONAFIDE_FAILURE_OTHER);
            break;
        default: /* answered, or nobody wants to know any more */
            break;
        }
        open_questions[index] = open_questions[--open_count];
        return;
    }
}

int main(int argc, char **argv)
{
    bonafide_authenticator *authenticator;
    bonafide_session *session;
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *report;
    const bonafide_verdict *verdict;
    bonafide_text line;
    struct sockaddr_in to;
    char buffer[4096];
    size_t length, index;
    time_t end = time(NULL) + DEADLINE_SECONDS;
    FILE *message;
    int server;

    if (argc != 4) {
        fprintf(stderr, "usage: %s MESSAGE ADDRESS PORT\n", argv[0]);
        return 2;
    }
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)atoi(argv[3]));
    server = socket(AF_INET, SOCK_DGRAM, 0);
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 ||
        connect(server, (struct sockaddr *)&to, sizeof to) != 0) {
        perror(argv[2]);
        return 2;
    }
    message = fopen(argv[1], "rb");
    if (message == NULL) {
        perror(argv[1]);
        return 2;
    }

    must(bonafide_authenticator_new("mx.example.org", strlen("mx.example.org"), &authenticator),
         "authenticator");
    must(bonafide_session_new_dkim(authenticator, (uint64_t)time(NULL), &session), "session");
    do {
        length = fread(buffer, 1, sizeof buffer, message);
        must(length > 0 ? bonafide_session_write(session, buffer, length)
                        : bonafide_session_end_header(session), "message");
        /* As soon as the header is there the questions go out; the body follows meanwhile. */
        if (evaluation == NULL && bonafide_session_header_complete(session) == BONAFIDE_OK)
            must(bonafide_session_lookups(session, &evaluation), "lookups");
        if (evaluation != NULL)
            ask(evaluation, server);
    } while (length > 0);
    fclose(message);

    while (bonafide_evaluation_is_done(evaluation) == BONAFIDE_WAITING) {
        struct pollfd readable = {server, POLLIN, 0};
        long left = (long)(end - time(NULL));

        if (left <= 0) {
            must(bonafide_evaluation_expire(evaluation), "deadline");
        } else if (poll(&readable, 1, (int)left * 1000) > 0) {
            answer(evaluation, server);
            ask(evaluation, server);
        }
    }
    must(bonafide_session_finish(session, evaluation, &report), "finish");
    for (index = 0; bonafide_report_dkim(report, index, &verdict) == BONAFIDE_OK; index++) {
        must(bonafide_verdict_line(verdict, &line), "verdict");
        printf("%s\n", line.data);
    }

    close(server);
    bonafide_report_free(report);
    bonafide_evaluation_free(evaluation);
    bonafide_session_free(session);
    bonafide_authenticator_free(authenticator);
    return 0;
}
