/* MTA-STS: discovery in steps, what is kept, and what holds for a host. */
#include "check.h"

static const char ZONE[] = "_mta-sts.example.com TXT \"v=STSv1; id=1;\"\n";
static const char POLICY[] = "version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n";

typedef enum { TEN_FOUR, NOT_FOUND, HTML, NO_CERTIFICATE } fetch;

static bonafide_mta_sts *discover(const bonafide_mta_sts *kept, uint64_t now, int questions, fetch how)
{
    bonafide_evaluation *evaluation = NULL;
    bonafide_mta_sts *found = NULL;
    bonafide_question question;

    CHECK(bonafide_mta_sts_discover(TEXT("example.com"), kept, now, &evaluation) == BONAFIDE_OK);
    CHECK(bonafide_mta_sts_finish(evaluation, &found) == BONAFIDE_WAITING && found == NULL);
    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK);
    CHECK(is(question.name, "_mta-sts.example.com") && question.record_type == 16);
    CHECK(answer(evaluation, &question, ZONE) == BONAFIDE_OK);
    if (questions == 2) {
        bonafide_text query;

        CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK);
        CHECK(question.kind == BONAFIDE_QUESTION_POLICY && question.record_type == 0);
        CHECK(is(question.name, "https://mta-sts.example.com/.well-known/mta-sts.txt"));
        CHECK(bonafide_evaluation_answer_nxdomain(evaluation, question.id, 0) == BONAFIDE_WRONG_KIND);
        CHECK(bonafide_evaluation_answer_records(evaluation, question.id, NULL, 0, 0, 0) == BONAFIDE_WRONG_KIND);
        CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, "", 0, 0) == BONAFIDE_WRONG_KIND);
        CHECK(bonafide_evaluation_query(evaluation, question.id, 1, &query) == BONAFIDE_WRONG_KIND);
        if (how == NO_CERTIFICATE)
            CHECK(bonafide_evaluation_answer_failure(evaluation, question.id, BONAFIDE_FAILURE_CERTIFICATE) == BONAFIDE_OK);
        else if (how == NOT_FOUND)
            CHECK(bonafide_evaluation_answer_policy(evaluation, question.id, 404, NULL, 0, NULL, 0) == BONAFIDE_OK);
        else
            CHECK(bonafide_evaluation_answer_policy(evaluation, question.id, 200,
                      TEXT(how == HTML ? "text/html" : "Text/Plain; charset=utf-8"), TEXT(POLICY)) == BONAFIDE_OK);
    }
    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_ABSENT);
    CHECK(bonafide_mta_sts_finish(evaluation, &found) == BONAFIDE_OK);
    bonafide_evaluation_free(evaluation);
    return must(found);
}

static void expect(const bonafide_mta_sts *of, const char *mx, int tls, bonafide_action wanted, const char *report)
{
    bonafide_action action;
    bonafide_text failure;

    CHECK(bonafide_mta_sts_host(of, TEXT(mx), tls, &action, &failure) == BONAFIDE_OK);
    CHECK(action == wanted && is(failure, report));
}

int main(void)
{
    bonafide_mta_sts *first = discover(NULL, NOW, 2, TEN_FOUR), *second, *third;
    bonafide_evaluation *evaluation = NULL;
    bonafide_mode mode;
    bonafide_action action;
    bonafide_text id, policy, text;
    uint64_t fetched = 0;

    CHECK(bonafide_mta_sts_mode(first, &mode) == BONAFIDE_OK && mode == BONAFIDE_MODE_ENFORCE);
    CHECK(bonafide_mta_sts_cause(first, &text) == BONAFIDE_ABSENT);
    CHECK(bonafide_mta_sts_report(first, &text) == BONAFIDE_ABSENT);
    expect(first, "mx.example.com", BONAFIDE_TLS_UNTRIED, BONAFIDE_ACTION_DELIVER, "");
    expect(first, "mx.example.com.", BONAFIDE_TLS_AUTHENTICATED, BONAFIDE_ACTION_DELIVER, "");
    expect(first, "mx.example.com", BONAFIDE_TLS_CERTIFICATE_EXPIRED, BONAFIDE_ACTION_SKIP, "certificate-expired");
    expect(first, "mx.example.net", BONAFIDE_TLS_AUTHENTICATED, BONAFIDE_ACTION_SKIP, "validation-failure");
    CHECK(bonafide_mta_sts_host(first, TEXT("mx.example.com"), 4711, &action, &text) == BONAFIDE_INVALID);
    CHECK(bonafide_mta_sts_host(first, TEXT("not a host"), 0, &action, &text) == BONAFIDE_INVALID);
    CHECK(bonafide_mta_sts_host(first, "", 0, 0, &action, &text) == BONAFIDE_INVALID);

    /* What is kept holds without a fetch, here and out of a store. */
    second = discover(first, NOW + 60, 1, TEN_FOUR);
    CHECK(bonafide_mta_sts_mode(second, &mode) == BONAFIDE_OK && mode == BONAFIDE_MODE_ENFORCE);
    CHECK(bonafide_mta_sts_id(second, &id) == BONAFIDE_OK && is(id, "1"));
    CHECK(bonafide_mta_sts_policy(second, &policy) == BONAFIDE_OK && is(policy, POLICY));
    CHECK(bonafide_mta_sts_fetched(second, &fetched) == BONAFIDE_OK && fetched == NOW);
    CHECK(bonafide_mta_sts_restore(id.data, id.length, policy.data, policy.length, fetched, NOW + 60, &third) == BONAFIDE_OK);
    bonafide_mta_sts_free(first);
    bonafide_mta_sts_free(second);
    second = discover(third, NOW + 120, 1, TEN_FOUR);
    CHECK(bonafide_mta_sts_mode(second, &mode) == BONAFIDE_OK && mode == BONAFIDE_MODE_ENFORCE);
    bonafide_mta_sts_free(second);
    bonafide_mta_sts_free(third);
    third = NULL;
    CHECK(bonafide_mta_sts_restore("1;", 2, TEXT(POLICY), NOW, NOW, &third) == BONAFIDE_INVALID);
    CHECK(bonafide_mta_sts_restore("1", 1, TEXT("version: STSv2\n"), NOW, NOW, &third) == BONAFIDE_INVALID);

    /* Fetches that fail: no policy, and not tried again at once. */
    first = discover(NULL, NOW, 2, NOT_FOUND);
    CHECK(bonafide_mta_sts_mode(first, &mode) == BONAFIDE_OK && mode == BONAFIDE_MODE_NONE);
    CHECK(bonafide_mta_sts_cause(first, &text) == BONAFIDE_OK && is(text, "the status is 404, expected 200"));
    CHECK(bonafide_mta_sts_report(first, &text) == BONAFIDE_OK && is(text, "sts-policy-fetch-error"));
    CHECK(bonafide_mta_sts_id(first, &id) == BONAFIDE_ABSENT);
    CHECK(bonafide_mta_sts_policy(first, &policy) == BONAFIDE_ABSENT);
    CHECK(bonafide_mta_sts_fetched(first, &fetched) == BONAFIDE_ABSENT);
    expect(first, "mx.example.net", BONAFIDE_TLS_NOT_SUPPORTED, BONAFIDE_ACTION_DELIVER, "");
    second = discover(first, NOW + 60, 1, TEN_FOUR);
    bonafide_mta_sts_free(first);
    bonafide_mta_sts_free(second);
    first = discover(NULL, NOW, 2, HTML);
    CHECK(bonafide_mta_sts_cause(first, &text) == BONAFIDE_OK && is(text, "the media type is \"text/html\", expected text/plain"));
    bonafide_mta_sts_free(first);
    first = discover(NULL, NOW, 2, NO_CERTIFICATE);
    CHECK(bonafide_mta_sts_report(first, &text) == BONAFIDE_OK && is(text, "sts-webpki-invalid"));
    bonafide_mta_sts_free(first);

    CHECK(bonafide_mta_sts_discover(TEXT("not a domain"), NULL, NOW, &evaluation) == BONAFIDE_INVALID && evaluation == NULL);
    return finish("mta_sts");
}
