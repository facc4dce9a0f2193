/* A message from its first octet to its report: in one piece, octet by octet, and as a milter gets it. */
#include "check.h"

static const char MESSAGE[] = "From: Joe <joe@example.com>\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n";

static const char ZONE[] =
    "example.com TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";

static const char FORGED_ZONE[] =
    "example.com TXT \"v=spf1 -all\"\n"
    "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";

/* How a message is given to a session. */
typedef enum { WHOLE, OCTETS, FIELDS } manner;

static void feed(bonafide_session *session, const char *message, size_t length, manner how)
{
    const char *at = message, *end = message + length;

    CHECK(bonafide_session_header_complete(session) == BONAFIDE_WAITING);
    if (how == WHOLE)
        CHECK(bonafide_session_write(session, message, length) == BONAFIDE_OK);
    for (; how == OCTETS && at < end; at++)
        CHECK(bonafide_session_write(session, at, 1) == BONAFIDE_OK);
    while (how == FIELDS && strncmp(at, "\r\n", 2) != 0) {
        const char *colon = strchr(at, ':');
        char value[4096];
        size_t octets = 0;

        for (end = colon + 1; strncmp(end, "\r\n", 2) != 0 || end[2] == ' ' || end[2] == '\t'; end++)
            if (*end != '\r')
                value[octets++] = *end; /* folds with LF */
        CHECK(bonafide_session_field(session, at, (size_t)(colon - at), value, octets) == BONAFIDE_OK);
        at = end + 2;
    }
    if (how == FIELDS) {
        CHECK(bonafide_session_end_header(session) == BONAFIDE_OK);
        CHECK(bonafide_session_write(session, at + 2, length - (size_t)(at + 2 - message)) == BONAFIDE_OK);
    }
    CHECK(bonafide_session_header_complete(session) == BONAFIDE_OK);
    CHECK(bonafide_session_end_header(session) == BONAFIDE_OK);
    CHECK(bonafide_session_field(session, TEXT("Late"), TEXT(" x")) == BONAFIDE_ORDER);
}

static bonafide_report *end(bonafide_session *session, const char *zone)
{
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *report = NULL, *second = NULL;

    CHECK(bonafide_session_lookups(session, &evaluation) == BONAFIDE_OK);
    answer_all(evaluation, zone);
    CHECK(bonafide_session_finish(session, evaluation, &report) == BONAFIDE_OK);
    /* A session that is finished is only to be freed. */
    CHECK(bonafide_session_finish(session, evaluation, &second) == BONAFIDE_ORDER && second == NULL);
    CHECK(bonafide_session_write(session, "x", 1) == BONAFIDE_ORDER);
    CHECK(bonafide_session_field(session, TEXT("X"), TEXT("")) == BONAFIDE_ORDER);
    CHECK(bonafide_session_end_header(session) == BONAFIDE_ORDER);
    CHECK(bonafide_session_header_complete(session) == BONAFIDE_ORDER);
    bonafide_evaluation_free(evaluation);
    evaluation = NULL;
    CHECK(bonafide_session_lookups(session, &evaluation) == BONAFIDE_ORDER && evaluation == NULL);
    bonafide_session_free(session);
    return must(report);
}

static bonafide_report *authenticate(bonafide_authenticator *by, const char *zone, manner how)
{
    bonafide_envelope from = envelope();
    bonafide_session *session = NULL;

    CHECK(bonafide_session_new(by, &from, NOW, &session) == BONAFIDE_OK);
    feed(session, MESSAGE, sizeof MESSAGE - 1, how);
    return end(session, zone);
}

static void good(bonafide_authenticator *by, manner how)
{
    bonafide_report *report = authenticate(by, ZONE, how);
    const bonafide_verdict *verdict = NULL;
    bonafide_text text;
    bonafide_result result;
    uint64_t number = 77;
    int code = 77, defect;

    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK && result == BONAFIDE_RESULT_PASS);
    CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_DOMAIN, &text) == BONAFIDE_OK && is(text, "example.com"));
    CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_CAUSE, &text) == BONAFIDE_ABSENT);
    CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_LOOKUPS, &text) == BONAFIDE_ABSENT);
    CHECK(bonafide_verdict_text(verdict, 4711, &text) == BONAFIDE_INVALID);
    CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_LOOKUPS, &number) == BONAFIDE_OK && number == 0);
    CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_SMTP_CODE, &number) == BONAFIDE_ABSENT);
    CHECK(bonafide_verdict_number(verdict, -1, &number) == BONAFIDE_INVALID);
    CHECK(bonafide_report_spf_helo(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK && result == BONAFIDE_RESULT_NONE);
    CHECK(bonafide_report_dkim(report, 0, &verdict) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_dkim(report, (size_t)-1, &verdict) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_dmarc(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_line(verdict, &text) == BONAFIDE_OK);
    CHECK(is(text, "pass: from=example.com p=reject disposition=none"));
    CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_SPF_ALIGNED, &number) == BONAFIDE_OK && number == 1);
    CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_DISPOSITION, &text) == BONAFIDE_OK && is(text, "none"));

    CHECK(bonafide_report_smtp_code(report, &code) == BONAFIDE_ABSENT && code == 77);
    CHECK(bonafide_report_smtp_reply(report, &text) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_authentication_results(report, BONAFIDE_LINE_END_CRLF, &text) == BONAFIDE_OK);
    CHECK(is(text, " mx.example.org;\r\n\tspf=pass smtp.mailfrom=joe@example.com;\r\n\tdkim=none;\r\n"
                   "\tdmarc=pass header.from=example.com policy.dmarc=none"));
    CHECK(bonafide_report_authentication_results(report, BONAFIDE_LINE_END_LF, &text) == BONAFIDE_OK);
    CHECK(is(text, " mx.example.org;\n\tspf=pass smtp.mailfrom=joe@example.com;\n\tdkim=none;\n"
                   "\tdmarc=pass header.from=example.com policy.dmarc=none"));
    CHECK(bonafide_report_authentication_results(report, 2, &text) == BONAFIDE_INVALID);
    CHECK(bonafide_report_received_spf(report, BONAFIDE_LINE_END_LF, &text) == BONAFIDE_OK);
    CHECK(strncmp(text.data, " pass (mx.example.org: ", 23) == 0 && strchr(text.data, '\r') == NULL);
    for (defect = 1; defect <= 5; defect++)
        CHECK(bonafide_report_defect(report, defect, &number) == BONAFIDE_OK && number == 0);
    CHECK(bonafide_report_defect(report, 6, &number) == BONAFIDE_INVALID);
    bonafide_report_free(report);
}

static void forged(bonafide_authenticator *by)
{
    bonafide_report *report = authenticate(by, FORGED_ZONE, WHOLE);
    const bonafide_verdict *verdict = NULL;
    bonafide_text text;
    int code = 0;
    uint64_t number = 0;

    CHECK(bonafide_report_smtp_code(report, &code) == BONAFIDE_OK && code == 550);
    CHECK(bonafide_report_smtp_reply(report, &text) == BONAFIDE_OK);
    CHECK(is(text, "550 5.7.1 Message rejected per DMARC policy for example.com"));
    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_SMTP_CODE, &number) == BONAFIDE_OK && number == 550);
    CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_SMTP_ENHANCED, &text) == BONAFIDE_OK && is(text, "5.7.23"));
    bonafide_report_free(report);
}

/* The message of RFC 8463 with its two signatures, by everything and by DKIM alone. */
static void signatures(bonafide_authenticator *by, const char *folder, manner how, int is_alone)
{
    char path[512];
    size_t message_length, zone_length, index;
    char *message, *zone;
    bonafide_session *session = NULL;
    bonafide_report *report;
    const bonafide_verdict *verdict = NULL;
    bonafide_text text;
    uint64_t number = 0;

    sprintf(path, "%.400s/dkim/rfc8463.eml", folder);
    message = read_file(path, &message_length);
    sprintf(path, "%.400s/dkim/rfc8463.zone", folder);
    zone = read_file(path, &zone_length);
    if (is_alone)
        CHECK(bonafide_session_new_dkim(by, 1528637909, &session) == BONAFIDE_OK);
    else
        CHECK(bonafide_session_new(by, NULL, 1528637909, &session) == BONAFIDE_OK);
    feed(session, message, message_length, how);
    report = end(session, zone);
    for (index = 0; index < 2; index++) {
        bonafide_result result;

        CHECK(bonafide_report_dkim(report, index, &verdict) == BONAFIDE_OK);
        CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK && result == BONAFIDE_RESULT_PASS);
        CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_SELECTOR, &text) == BONAFIDE_OK);
        CHECK(is(text, index == 0 ? "brisbane" : "test"));
        CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_KEY_BITS, &number) == BONAFIDE_OK);
        CHECK(number == (index == 0 ? 256 : 1024));
    }
    CHECK(bonafide_report_dkim(report, 2, &verdict) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_received_spf(report, 0, &text) == BONAFIDE_ABSENT);
    CHECK(bonafide_report_dmarc(report, &verdict) == (is_alone ? BONAFIDE_ABSENT : BONAFIDE_OK));
    CHECK(bonafide_report_authentication_results(report, 0, &text) == (is_alone ? BONAFIDE_ABSENT : BONAFIDE_OK));
    CHECK(bonafide_report_defect(report, 1, &number) == (is_alone ? BONAFIDE_ABSENT : BONAFIDE_OK));
    bonafide_report_free(report);
    free(message);
    free(zone);
}

static void order(bonafide_authenticator *by)
{
    bonafide_session *one = NULL, *two = NULL;
    bonafide_evaluation *first = NULL, *second = NULL;
    bonafide_report *report = NULL;
    bonafide_envelope odd = envelope();

    odd.address_length = 5;
    CHECK(bonafide_session_new(by, &odd, NOW, &one) == BONAFIDE_INVALID && one == NULL);
    CHECK(bonafide_spf_check(by, &odd, NOW, &first) == BONAFIDE_INVALID);
    odd.address_length = 0;
    CHECK(bonafide_spf_check(by, &odd, NOW, &first) == BONAFIDE_INVALID && first == NULL);
    odd.helo = NULL;
    CHECK(bonafide_session_new(by, &odd, NOW, &one) == BONAFIDE_NULL && one == NULL);

    CHECK(bonafide_session_new(by, NULL, NOW, &one) == BONAFIDE_OK);
    CHECK(bonafide_session_new(by, NULL, NOW, &two) == BONAFIDE_OK);
    CHECK(bonafide_session_lookups(one, &first) == BONAFIDE_ORDER && first == NULL);
    CHECK(bonafide_session_write(one, NULL, 0) == BONAFIDE_OK);
    CHECK(bonafide_session_write(one, NULL, 1) == BONAFIDE_NULL);
    CHECK(bonafide_session_write(one, "x", (size_t)-1) == BONAFIDE_TOO_LARGE);
    CHECK(bonafide_session_field(one, "From", (size_t)-1, "", 0) == BONAFIDE_TOO_LARGE);
    CHECK(bonafide_session_write(one, TEXT(MESSAGE)) == BONAFIDE_OK);
    CHECK(bonafide_session_write(two, TEXT(MESSAGE)) == BONAFIDE_OK);
    CHECK(bonafide_session_lookups(one, &first) == BONAFIDE_OK);
    CHECK(bonafide_session_lookups(two, &second) == BONAFIDE_OK);
    CHECK(bonafide_session_finish(one, first, &report) == BONAFIDE_WAITING);
    answer_all(first, ZONE);
    answer_all(second, ZONE);
    /* The evaluation of another session is none, and both are as they were. */
    CHECK(bonafide_session_finish(one, second, &report) == BONAFIDE_ORDER && report == NULL);
    CHECK(bonafide_spf_finish(first, &report) == BONAFIDE_ORDER && report == NULL);
    CHECK(bonafide_session_finish(one, first, NULL) == BONAFIDE_NULL);
    CHECK(bonafide_session_finish(one, first, &report) == BONAFIDE_OK);
    bonafide_report_free(report);
    bonafide_session_free(one);
    bonafide_session_free(two);
    bonafide_evaluation_free(first);
    bonafide_evaluation_free(second);
}

/* A header over the limit ends, too, and passes nothing. */
static void options(bonafide_authenticator *by)
{
    bonafide_session *session = NULL;
    bonafide_report *report;
    bonafide_text text;

    CHECK(bonafide_authenticator_set(by, 4711, 0) == BONAFIDE_INVALID);
    CHECK(bonafide_authenticator_set(by, BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY, 2) == BONAFIDE_INVALID);
    CHECK(bonafide_authenticator_set(by, BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS, (uint64_t)-1) == BONAFIDE_INVALID);
    CHECK(bonafide_authenticator_set(by, BONAFIDE_OPTION_DKIM_HEADER_OCTETS, 16) == BONAFIDE_OK);
    CHECK(bonafide_session_new(by, NULL, NOW, &session) == BONAFIDE_OK);
    feed(session, MESSAGE, sizeof MESSAGE - 1, OCTETS);
    report = end(session, ZONE);
    CHECK(bonafide_report_smtp_reply(report, &text) == BONAFIDE_OK);
    CHECK(is(text, "550 5.7.1 Message rejected: From names no single author domain"));
    bonafide_report_free(report);
}

int main(int argc, char **argv)
{
    const char *vectors = argc > 1 ? argv[1] : "test-vectors";
    bonafide_authenticator *by = authenticator();
    int how;

    for (how = WHOLE; how <= FIELDS; how++) {
        good(by, (manner)how);
        signatures(by, vectors, (manner)how, 0);
        signatures(by, vectors, (manner)how, 1);
    }
    forged(by);
    order(by);
    options(by);
    bonafide_authenticator_free(by);
    return finish("session");
}
