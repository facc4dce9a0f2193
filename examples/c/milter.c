/*
 * A milter for Postfix and Sendmail: it removes Authentication-Results fields that claim to be ours, adds
 * our own, and with -r refuses what the author's domain asks to have refused.
 *
 *     cc milter.c -o milter $(pkg-config --cflags --libs bonafide milter) -lresolv -lpthread
 *     ./milter -p inet:8891@127.0.0.1 -i mx.example.org [-r] [-n ADDRESS:PORT]
 *
 * -n asks that nameserver (IPv4) instead of the system's. In main.cf of Postfix:
 *
 *     smtpd_milters = inet:127.0.0.1:8891
 *     milter_default_action = tempfail
 */
#define _DEFAULT_SOURCE

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bonafide.h>

/* All questions of one message are answered within that time. */
#define DEADLINE_SECONDS 20

static bonafide_authenticator *authenticator;
static const char *authserv_id;
static const char *nameserver;
static int refuses;

/* One connection, and the message that is on its way. libmilter uses it in one thread at a time. */
struct connection {
    unsigned char address[16];
    size_t address_length;
    char *helo;
    /* Whether values come, and go, with the space behind the colon. */
    int has_space;
    bonafide_session *session;
    bonafide_strip *strip;
};

static void end_message(struct connection *connection)
{
    bonafide_session_free(connection->session);
    bonafide_strip_free(connection->strip);
    connection->session = NULL;
    connection->strip = NULL;
}

/* Whatever goes wrong here, the message is not lost: its sender tries again. */
static sfsistat defer(const char *what)
{
    fprintf(stderr, "milter: %s: %s\n", what, bonafide_last_error());
    return SMFIS_TEMPFAIL;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps,
                             unsigned long reserved2, unsigned long reserved3,
                             unsigned long *wanted_actions, unsigned long *wanted_steps,
                             unsigned long *wanted2, unsigned long *wanted3)
{
    struct connection *connection = calloc(1, sizeof *connection);

    (void)reserved2;
    (void)reserved3;
    if (connection == NULL || (actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS)) != (SMFIF_ADDHDRS | SMFIF_CHGHDRS)) {
        free(connection);
        return SMFIS_REJECT;
    }
    connection->has_space = (steps & SMFIP_HDR_LEADSPC) != 0;
    smfi_setpriv(context, connection);
    *wanted_actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    *wanted_steps = steps & (SMFIP_HDR_LEADSPC | SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOUNKNOWN);
    *wanted2 = 0;
    *wanted3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
    struct connection *connection = smfi_getpriv(context);

    (void)host;
    if (connection == NULL)
        return SMFIS_TEMPFAIL;
    connection->address_length = 0; /* of a local client, say */
    if (address != NULL && address->sa_family == AF_INET) {
        connection->address_length = 4;
        memcpy(connection->address, &((struct sockaddr_in *)address)->sin_addr, 4);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        connection->address_length = 16;
        memcpy(connection->address, &((struct sockaddr_in6 *)address)->sin6_addr, 16);
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *context, char *helo)
{
    struct connection *connection = smfi_getpriv(context);

    free(connection->helo);
    connection->helo = strdup(helo == NULL ? "" : helo);
    return connection->helo == NULL ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat on_mail_from(SMFICTX *context, char **arguments)
{
    struct connection *connection = smfi_getpriv(context);
    const char *mail_from = arguments[0];
    bonafide_envelope envelope;

    end_message(connection);
    memset(&envelope, 0, sizeof envelope);
    envelope.address = connection->address;
    envelope.address_length = connection->address_length;
    envelope.helo = connection->helo;
    envelope.helo_length = connection->helo == NULL ? 0 : strlen(connection->helo);
    envelope.mail_from_length = strlen(mail_from);
    envelope.mail_from = mail_from;
    if (mail_from[0] == '<' && mail_from[envelope.mail_from_length - 1] == '>') {
        envelope.mail_from++;
        envelope.mail_from_length -= 2;
    }
    if (bonafide_session_new(authenticator, &envelope, (uint64_t)time(NULL), &connection->session) != BONAFIDE_OK ||
        bonafide_strip_new(authserv_id, strlen(authserv_id), &connection->strip) != BONAFIDE_OK)
        return defer("message");
    return SMFIS_CONTINUE;
}

static sfsistat on_field(SMFICTX *context, char *name, char *value)
{
    struct connection *connection = smfi_getpriv(context);
    size_t name_length = strlen(name), length = strlen(value);
    char *spaced = NULL;
    bonafide_status status;

    if (!connection->has_space) {
        /* The server took one space away, which most fields have. */
        spaced = malloc(length + 2);
        if (spaced == NULL)
            return SMFIS_TEMPFAIL;
        spaced[0] = ' ';
        memcpy(spaced + 1, value, ++length);
        value = spaced;
    }
    status = bonafide_session_field(connection->session, name, name_length, value, length);
    if (status == BONAFIDE_OK)
        status = bonafide_strip_field(connection->strip, name, name_length, value, length);
    free(spaced);
    return status == BONAFIDE_OK ? SMFIS_CONTINUE : defer("field");
}

static sfsistat on_header_end(SMFICTX *context)
{
    struct connection *connection = smfi_getpriv(context);

    if (bonafide_session_end_header(connection->session) != BONAFIDE_OK)
        return defer("header");
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *context, unsigned char *data, size_t length)
{
    struct connection *connection = smfi_getpriv(context);

    if (bonafide_session_write(connection->session, data, length) != BONAFIDE_OK)
        return defer("body");
    return SMFIS_CONTINUE;
}

static int open_resolver(struct __res_state *resolver)
{
    char address[64];
    int port;

    memset(resolver, 0, sizeof *resolver);
    if (res_ninit(resolver) != 0)
        return -1;
    resolver->retrans = 2;
    resolver->retry = 2;
    if (nameserver != NULL && sscanf(nameserver, "%63[0-9.]:%d", address, &port) == 2) {
        resolver->nscount = 1;
        resolver->nsaddr_list[0].sin_family = AF_INET;
        resolver->nsaddr_list[0].sin_port = htons((unsigned short)port);
        inet_pton(AF_INET, address, &resolver->nsaddr_list[0].sin_addr);
    }
    return 0;
}

/* Answers all questions, one after the other, up to the deadline. */
static void resolve(bonafide_evaluation *evaluation, struct __res_state *resolver)
{
    unsigned char reply[8192];
    bonafide_question question;
    bonafide_text query;
    time_t end = time(NULL) + DEADLINE_SECONDS;

    while (bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK) {
        uint16_t id; /* which nobody can guess */
        int length = -1;

        if (time(NULL) >= end) {
            bonafide_evaluation_expire(evaluation);
            return;
        }
        if (getentropy(&id, sizeof id) == 0 &&
            bonafide_evaluation_query(evaluation, question.id, id, &query) == BONAFIDE_OK)
            length = res_nsend(resolver, (const unsigned char *)query.data, (int)query.length, reply,
                               sizeof reply);
        if (length < 0 || length > (int)sizeof reply ||
            bonafide_evaluation_answer_packet(evaluation, question.id, reply, (size_t)length, 0) != BONAFIDE_OK)
            bonafide_evaluation_answer_failure(evaluation, question.id, BONAFIDE_FAILURE_TIMEOUT);
    }
}

/* The fields of the message, and the reply to it. */
static sfsistat conclude(SMFICTX *context, struct connection *connection, const bonafide_report *report)
{
    bonafide_claim claim;
    bonafide_text text;
    char code[4], enhanced[16];
    size_t index;
    int offset = 0;

    if (refuses && bonafide_report_smtp_reply(report, &text) == BONAFIDE_OK &&
        sscanf(text.data, "%3s %15s %n", code, enhanced, &offset) == 2 && offset > 0) {
        smfi_setreply(context, code, enhanced, (char *)text.data + offset);
        return code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
    }
    for (index = 0; bonafide_strip_claim(connection->strip, index, &claim) == BONAFIDE_OK; index++)
        if (smfi_chgheader(context, (char *)claim.name.data, (int)claim.occurrence, NULL) != MI_SUCCESS)
            return defer("remove a field");
    if (bonafide_report_authentication_results(report, BONAFIDE_LINE_END_LF, &text) != BONAFIDE_OK)
        return defer("results");
    if (smfi_insheader(context, 0, "Authentication-Results",
                       (char *)text.data + (connection->has_space ? 0 : 1)) != MI_SUCCESS)
        return defer("add a field");
    return SMFIS_CONTINUE;
}

static sfsistat on_message_end(SMFICTX *context)
{
    struct connection *connection = smfi_getpriv(context);
    struct __res_state resolver;
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *report = NULL;
    sfsistat verdict;

    if (bonafide_session_lookups(connection->session, &evaluation) != BONAFIDE_OK)
        return defer("lookups");
    if (open_resolver(&resolver) == 0) {
        resolve(evaluation, &resolver);
        res_nclose(&resolver);
    } else {
        bonafide_evaluation_expire(evaluation);
    }
    if (bonafide_session_finish(connection->session, evaluation, &report) == BONAFIDE_OK)
        verdict = conclude(context, connection, report);
    else
        verdict = defer("report");
    bonafide_report_free(report);
    bonafide_evaluation_free(evaluation);
    end_message(connection);
    return verdict;
}

static sfsistat on_abort(SMFICTX *context)
{
    struct connection *connection = smfi_getpriv(context);

    if (connection != NULL)
        end_message(connection);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    struct connection *connection = smfi_getpriv(context);

    if (connection != NULL) {
        end_message(connection);
        free(connection->helo);
        free(connection);
        smfi_setpriv(context, NULL);
    }
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc filter;
    const char *listen_on = NULL;
    int option;

    while ((option = getopt(argc, argv, "p:i:n:r")) != -1) {
        switch (option) {
        case 'p': listen_on = optarg; break;
        case 'i': authserv_id = optarg; break;
        case 'n': nameserver = optarg; break;
        case 'r': refuses = 1; break;
        default: listen_on = NULL; authserv_id = NULL; optind = argc + 1;
        }
    }
    if (listen_on == NULL || authserv_id == NULL || optind != argc) {
        fprintf(stderr, "usage: %s -p SOCKET -i AUTHSERV_ID [-r] [-n ADDRESS:PORT]\n", argv[0]);
        return 2;
    }
    if (bonafide_authenticator_new(authserv_id, strlen(authserv_id), &authenticator) != BONAFIDE_OK) {
        fprintf(stderr, "%s: %s\n", authserv_id, bonafide_last_error());
        return 2;
    }

    memset(&filter, 0, sizeof filter);
    filter.xxfi_name = "bonafide";
    filter.xxfi_version = SMFI_VERSION;
    filter.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    filter.xxfi_negotiate = on_negotiate;
    filter.xxfi_connect = on_connect;
    filter.xxfi_helo = on_helo;
    filter.xxfi_envfrom = on_mail_from;
    filter.xxfi_header = on_field;
    filter.xxfi_eoh = on_header_end;
    filter.xxfi_body = on_body;
    filter.xxfi_eom = on_message_end;
    filter.xxfi_abort = on_abort;
    filter.xxfi_close = on_close;
    if (smfi_register(filter) != MI_SUCCESS || smfi_setconn((char *)listen_on) != MI_SUCCESS) {
        fprintf(stderr, "%s: not a socket\n", listen_on);
        return 2;
    }
    option = smfi_main() == MI_SUCCESS ? 0 : 1;
    bonafide_authenticator_free(authenticator);
    return option;
}
