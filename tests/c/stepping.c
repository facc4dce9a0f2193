/* Stepping: questions, answers in any order and of any quality, the deadline. */
#include "check.h"

static const char ZONE[] =
    "example.com TXT \"v=spf1 a:one.example.com a:two.example.com -all\"\n"
    "mail.example.com TXT \"v=spf1 -all\"\n"
    "one.example.com A 192.0.2.77\n"
    "two.example.com A 192.0.2.1\n";

static bonafide_evaluation *start(bonafide_authenticator *by)
{
    bonafide_envelope from = envelope();
    bonafide_evaluation *made = NULL;

    CHECK(bonafide_spf_check(by, &from, NOW, &made) == BONAFIDE_OK);
    return must(made);
}

static bonafide_question next(bonafide_evaluation *evaluation)
{
    bonafide_question question = {0, BONAFIDE_QUESTION_DNS, 0, {"", 0}};

    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK);
    return question;
}

static void check_spf(bonafide_evaluation *evaluation, bonafide_result expected, const char *line)
{
    bonafide_report *report = NULL;
    const bonafide_verdict *verdict = NULL;
    bonafide_result result;
    bonafide_text text;

    CHECK(bonafide_evaluation_is_done(evaluation) == BONAFIDE_OK);
    CHECK(bonafide_spf_finish(evaluation, &report) == BONAFIDE_OK);
    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK && result == expected);
    CHECK(bonafide_verdict_line(verdict, &text) == BONAFIDE_OK && is(text, line));
    bonafide_report_free(report);
}

static void records(bonafide_authenticator *by)
{
    bonafide_evaluation *evaluation = start(by);
    bonafide_report *report = NULL;
    bonafide_session *session = NULL;
    bonafide_mta_sts *other = NULL;
    bonafide_question question;

    CHECK(bonafide_evaluation_is_done(evaluation) == BONAFIDE_WAITING);
    CHECK(bonafide_spf_finish(evaluation, &report) == BONAFIDE_WAITING && report == NULL);
    question = next(evaluation);
    CHECK(question.id != 0 && question.record_type == 16 && is(question.name, "mail.example.com"));
    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_ABSENT);
    CHECK(answer(evaluation, &question, ZONE) == BONAFIDE_OK);
    CHECK(answer_all(evaluation, ZONE) == 3);
    /* Only what it is for can finish it. */
    CHECK(bonafide_mta_sts_finish(evaluation, &other) == BONAFIDE_ORDER && other == NULL);
    CHECK(bonafide_session_new_dkim(by, NOW, &session) == BONAFIDE_OK);
    CHECK(bonafide_session_end_header(session) == BONAFIDE_OK);
    CHECK(bonafide_session_finish(session, evaluation, &report) == BONAFIDE_ORDER);
    check_spf(evaluation, BONAFIDE_RESULT_PASS,
              "pass: example.com (a:two.example.com in the record of example.com)");
    /* And only once. */
    CHECK(bonafide_spf_finish(evaluation, &report) == BONAFIDE_ORDER && report == NULL);
    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_ABSENT);
    CHECK(bonafide_evaluation_is_done(evaluation) == BONAFIDE_OK);
    CHECK(bonafide_evaluation_expire(evaluation) == BONAFIDE_OK);
    bonafide_session_free(session);
    bonafide_evaluation_free(evaluation);
}

/* Answers to what was never asked, twice, of the wrong kind, and no records at all. */
static void bad_answers(bonafide_authenticator *by)
{
    static const unsigned char junk[] = {5, 'a', 'b'};
    bonafide_evaluation *evaluation = start(by);
    bonafide_question question = next(evaluation);
    bonafide_record record;
    uint64_t id;

    for (id = question.id + 1; id < question.id + 3; id++) {
        CHECK(bonafide_evaluation_answer_nxdomain(evaluation, id, 0) == BONAFIDE_NOT_ASKED);
        CHECK(bonafide_evaluation_answer_failure(evaluation, id, 1) == BONAFIDE_NOT_ASKED);
        CHECK(bonafide_evaluation_answer_packet(evaluation, id, "", 0, 0) == BONAFIDE_NOT_ASKED);
        CHECK(bonafide_evaluation_answer_records(evaluation, id, NULL, 0, 0, 0) == BONAFIDE_NOT_ASKED);
        CHECK(bonafide_evaluation_answer_policy(evaluation, id, 200, NULL, 0, "", 0) == BONAFIDE_NOT_ASKED);
    }
    CHECK(bonafide_evaluation_answer_policy(evaluation, question.id, 200, NULL, 0, "", 0) == BONAFIDE_WRONG_KIND);
    CHECK(bonafide_evaluation_answer_failure(evaluation, question.id, 0) == BONAFIDE_INVALID);
    CHECK(bonafide_evaluation_answer_failure(evaluation, question.id, 99) == BONAFIDE_INVALID);
    record.data = junk;
    record.length = sizeof junk;
    CHECK(bonafide_evaluation_answer_records(evaluation, question.id, &record, 1, 0, 0) == BONAFIDE_INVALID);
    record.length = (size_t)-1;
    CHECK(bonafide_evaluation_answer_records(evaluation, question.id, &record, 1, 0, 0) == BONAFIDE_TOO_LARGE);
    CHECK(bonafide_evaluation_answer_records(evaluation, question.id, &record, (size_t)-1 / 2, 0, 0) == BONAFIDE_TOO_LARGE);
    CHECK(bonafide_evaluation_answer_records(evaluation, question.id, NULL, 1, 0, 0) == BONAFIDE_NULL);
    record.data = NULL;
    record.length = 1;
    CHECK(bonafide_evaluation_answer_records(evaluation, question.id, &record, 1, 0, 0) == BONAFIDE_NULL);
    CHECK(answer(evaluation, &question, ZONE) == BONAFIDE_OK);
    CHECK(answer(evaluation, &question, ZONE) == BONAFIDE_NOT_ASKED);
    question = next(evaluation);
    CHECK(bonafide_evaluation_answer_failure(evaluation, question.id, BONAFIDE_FAILURE_SERVFAIL) == BONAFIDE_OK);
    check_spf(evaluation, BONAFIDE_RESULT_TEMPERROR,
              "temperror: example.com (the lookup of example.com TXT failed: the DNS server failed to "
              "answer (SERVFAIL))");
    bonafide_evaluation_free(evaluation);
}

/* Packets: the one that fits, and every way not to. */
static void packets(bonafide_authenticator *by)
{
    bonafide_evaluation *evaluation = start(by);
    bonafide_question question = next(evaluation);
    bonafide_text query;
    char packet[512];
    size_t length;
    unsigned seed = 1;
    int round;

    CHECK(bonafide_evaluation_query(evaluation, question.id, 0x1234, &query) == BONAFIDE_OK);
    CHECK(query.length > 12 && query.data[0] == 0x12 && query.data[1] == 0x34);
    length = query.length;
    memcpy(packet, query.data, length);
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_FOREIGN);
    packet[2] = (char)(packet[2] | 0x80); /* a response */
    packet[1] = 0x35;
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_FOREIGN);
    packet[1] = 0x34;
    packet[13] ^= 1;
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_FOREIGN);
    packet[13] ^= 1;
    packet[2] = (char)(packet[2] | 2);
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_TRUNCATED);
    packet[2] = (char)(packet[2] & ~2);
    packet[7] = 9; /* more records than there are */
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_MALFORMED);
    packet[7] = 0;
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, (size_t)-1, 0) == BONAFIDE_TOO_LARGE);
    for (length = 0; length < 12; length++)
        CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 0) == BONAFIDE_FOREIGN);
    length = query.length;
    for (round = 0; round < 20000; round++) {
        char garbage[512];
        size_t at;

        memcpy(garbage, packet, length);
        for (at = 0; at < sizeof garbage; at++) {
            seed = seed * 1103515245u + 12345u;
            if (at >= length || (seed >> 16) % 40 == 0)
                garbage[at] = (char)(seed >> 24);
        }
        garbage[2] = (char)(garbage[2] | 2); /* truncated, so that none is taken */
        CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, garbage, (seed >> 8) % 512, 0) > 0);
    }
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 1) == BONAFIDE_OK);
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, length, 1) == BONAFIDE_NOT_ASKED);
    CHECK(bonafide_evaluation_query(evaluation, question.id, 1, &query) == BONAFIDE_NOT_ASKED);

    /* Without a query of ours the id is the caller's affair. */
    question = next(evaluation);
    memset(packet, 0, 12);
    packet[0] = 77;
    packet[2] = (char)0x81;
    packet[3] = (char)0x83; /* NXDOMAIN */
    packet[5] = 1;
    memcpy(packet + 12, "\7example\3com\0\0\20\0\1", 17);
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, packet, 29, 0) == BONAFIDE_OK);
    check_spf(evaluation, BONAFIDE_RESULT_NONE,
              "none: example.com (example.com has no SPF record: it does not exist)");
    bonafide_evaluation_free(evaluation);
}

static void deadline(bonafide_authenticator *by)
{
    bonafide_evaluation *evaluation = start(by);
    bonafide_question question = next(evaluation);

    CHECK(bonafide_evaluation_expire(evaluation) == BONAFIDE_OK);
    CHECK(bonafide_evaluation_answer_nxdomain(evaluation, question.id, 0) == BONAFIDE_NOT_ASKED);
    check_spf(evaluation, BONAFIDE_RESULT_TEMPERROR,
              "temperror: example.com (the lookup of example.com TXT failed: no answer came in time)");
    bonafide_evaluation_free(evaluation);

    /* One that nobody answers is freed like any other. */
    evaluation = start(by);
    next(evaluation);
    bonafide_evaluation_free(evaluation);
    bonafide_evaluation_free(NULL);
}

int main(void)
{
    bonafide_authenticator *by = authenticator();

    records(by);
    bad_answers(by);
    packets(by);
    deadline(by);
    bonafide_authenticator_free(by);
    return finish("stepping");
}
