/*
 * Authenticates a message with the resolver of the C library, one question after the other.
 *
 *     cc blocking.c -o blocking $(pkg-config --cflags --libs bonafide) -lresolv
 *     ./blocking message.eml [ADDRESS HELO MAIL_FROM]
 *
 * The environment variable NAMESERVER=ADDRESS:PORT asks that server (IPv4) instead of the system's.
 */
#define _DEFAULT_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bonafide.h>

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, bonafide_last_error());
    exit(2);
}

static void must(bonafide_status status, const char *what)
{
    if (status != BONAFIDE_OK)
        fail(what);
}

static void open_resolver(struct __res_state *resolver)
{
    const char *server = getenv("NAMESERVER");
    char address[64];
    int port;

    if (res_ninit(resolver) != 0)
        fail("no resolver");
    resolver->retrans = 2; /* seconds to wait for a server */
    resolver->retry = 2;
    if (server != NULL && sscanf(server, "%63[0-9.]:%d", address, &port) == 2) {
        resolver->nscount = 1;
        resolver->nsaddr_list[0].sin_family = AF_INET;
        resolver->nsaddr_list[0].sin_port = htons((unsigned short)port);
        inet_pton(AF_INET, address, &resolver->nsaddr_list[0].sin_addr);
    }
}

/* Answers all questions; those that the resolver cannot answer are answered with a failure. */
static void resolve(bonafide_evaluation *evaluation, struct __res_state *resolver)
{
    static unsigned char reply[65536];
    bonafide_question question;

    while (bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK) {
        bonafide_text query;
        uint16_t id; /* which nobody can guess */
        int length;

        if (getentropy(&id, sizeof id) != 0)
            abort();
        must(bonafide_evaluation_query(evaluation, question.id, id, &query), "query");
        /* It waits, repeats, and asks over TCP where a reply is truncated. */
        length = res_nsend(resolver, (const unsigned char *)query.data, (int)query.length, reply,
                           sizeof reply);
        if (length < 0 || bonafide_evaluation_answer_packet(evaluation, question.id, reply,
                                                            (size_t)length, 0) != BONAFIDE_OK)
            must(bonafide_evaluation_answer_failure(evaluation, question.id,
                                                    BONAFIDE_FAILURE_TIMEOUT), "answer");
    }
}

static void print(const char *method, const bonafide_verdict *verdict)
{
    bonafide_text line;

    must(bonafide_verdict_line(verdict, &line), "verdict");
    printf("%s: %s\n", method, line.data);
}

int main(int argc, char **argv)
{
    bonafide_authenticator *authenticator;
    bonafide_session *session;
    bonafide_evaluation *evaluation;
    bonafide_report *report;
    const bonafide_verdict *verdict;
    bonafide_envelope envelope;
    bonafide_text text;
    struct __res_state resolver;
    unsigned char address[16];
    char buffer[4096];
    size_t length, index;
    FILE *message;

    if (argc != 2 && argc != 5) {
        fprintf(stderr, "usage: %s MESSAGE [ADDRESS HELO MAIL_FROM]\n", argv[0]);
        return 2;
    }
    message = fopen(argv[1], "rb");
    if (message == NULL) {
        perror(argv[1]);
        return 2;
    }
    memset(&envelope, 0, sizeof envelope);
    if (argc == 5) {
        envelope.address = address;
        envelope.address_length = inet_pton(AF_INET, argv[2], address) == 1    ? 4
                                  : inet_pton(AF_INET6, argv[2], address) == 1 ? 16
                                                                               : 0;
        envelope.helo = argv[3];
        envelope.helo_length = strlen(argv[3]);
        envelope.mail_from = argv[4];
        envelope.mail_from_length = strlen(argv[4]);
    }

    must(bonafide_authenticator_new("mx.example.org", strlen("mx.example.org"), &authenticator),
         "authenticator");
    must(bonafide_session_new(authenticator, &envelope, (uint64_t)time(NULL), &session), "session");
    while ((length = fread(buffer, 1, sizeof buffer, message)) > 0)
        must(bonafide_session_write(session, buffer, length), "message");
    fclose(message);
    must(bonafide_session_end_header(session), "header"); /* for a message that has no body */

    open_resolver(&resolver);
    must(bonafide_session_lookups(session, &evaluation), "lookups");
    resolve(evaluation, &resolver);
    must(bonafide_session_finish(session, evaluation, &report), "finish");
    res_nclose(&resolver);

    if (bonafide_report_spf(report, &verdict) == BONAFIDE_OK)
        print("spf", verdict);
    for (index = 0; bonafide_report_dkim(report, index, &verdict) == BONAFIDE_OK; index++)
        print("dkim", verdict);
    if (bonafide_report_dmarc(report, &verdict) == BONAFIDE_OK)
        print("dmarc", verdict);
    must(bonafide_report_authentication_results(report, BONAFIDE_LINE_END_LF, &text), "field");
    printf("Authentication-Results:%s\n", text.data);
    if (bonafide_report_smtp_reply(report, &text) == BONAFIDE_OK)
        printf("%s\n", text.data);

    bonafide_report_free(report);
    bonafide_evaluation_free(evaluation);
    bonafide_session_free(session);
    bonafide_authenticator_free(authenticator);
    return 0;
}
