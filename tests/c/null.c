/* NULL for every pointer of every function: a status, and nothing has changed. */
#include "check.h"

/* Each call has one pointer that is NULL; those behind a length of 0 may be. */
#define NO(call) CHECK((call) == BONAFIDE_NULL)

int main(void)
{
    bonafide_authenticator *by = authenticator(), *authenticator_out = NULL;
    bonafide_envelope from = envelope(), odd;
    bonafide_session *session = NULL, *session_out = NULL;
    bonafide_evaluation *evaluation = NULL, *evaluation_out = NULL;
    bonafide_report *report = NULL;
    bonafide_strip *strip = NULL, *strip_out = NULL;
    bonafide_signer *signer = NULL, *signer_out = NULL;
    bonafide_signing *signing_out = NULL;
    bonafide_mta_sts *mta_sts = NULL;
    const bonafide_verdict *verdict = NULL;
    bonafide_question question;
    bonafide_record record = {NULL, 1};
    bonafide_claim claim;
    bonafide_result result;
    bonafide_mode mode;
    bonafide_action action;
    bonafide_text text;
    uint64_t number;
    int code;

    NO(bonafide_authenticator_new(NULL, 1, &authenticator_out));
    NO(bonafide_authenticator_new("a", 1, NULL));
    CHECK(bonafide_authenticator_new(NULL, 0, &authenticator_out) == BONAFIDE_INVALID);
    NO(bonafide_authenticator_set(NULL, 1, 1));

    CHECK(bonafide_spf_check(by, &from, NOW, &evaluation) == BONAFIDE_OK);
    NO(bonafide_spf_check(NULL, &from, NOW, &evaluation_out));
    NO(bonafide_spf_check(by, NULL, NOW, &evaluation_out));
    NO(bonafide_spf_check(by, &from, NOW, NULL));
    odd = from, odd.address = NULL;
    NO(bonafide_spf_check(by, &odd, NOW, &evaluation_out));
    odd = from, odd.helo = NULL;
    NO(bonafide_spf_check(by, &odd, NOW, &evaluation_out));
    odd = from, odd.mail_from = NULL;
    NO(bonafide_spf_check(by, &odd, NOW, &evaluation_out));
    NO(bonafide_spf_finish(NULL, &report));
    NO(bonafide_spf_finish(evaluation, NULL));

    NO(bonafide_evaluation_next(NULL, &question));
    NO(bonafide_evaluation_next(evaluation, NULL));
    CHECK(bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK);
    NO(bonafide_evaluation_is_done(NULL));
    NO(bonafide_evaluation_query(NULL, question.id, 1, &text));
    NO(bonafide_evaluation_query(evaluation, question.id, 1, NULL));
    NO(bonafide_evaluation_answer_packet(NULL, question.id, "", 0, 0));
    NO(bonafide_evaluation_answer_packet(evaluation, question.id, NULL, 1, 0));
    CHECK(bonafide_evaluation_answer_packet(evaluation, question.id, NULL, 0, 0) == BONAFIDE_FOREIGN);
    NO(bonafide_evaluation_answer_records(NULL, question.id, &record, 1, 0, 0));
    NO(bonafide_evaluation_answer_records(evaluation, question.id, NULL, 1, 0, 0));
    NO(bonafide_evaluation_answer_records(evaluation, question.id, &record, 1, 0, 0));
    NO(bonafide_evaluation_answer_nxdomain(NULL, question.id, 0));
    NO(bonafide_evaluation_answer_policy(NULL, question.id, 200, "a", 1, "b", 1));
    NO(bonafide_evaluation_answer_policy(evaluation, question.id, 200, NULL, 1, NULL, 1));
    NO(bonafide_evaluation_answer_failure(NULL, question.id, 1));
    NO(bonafide_evaluation_expire(NULL));
    /* It is as it was. */
    CHECK(bonafide_evaluation_is_done(evaluation) == BONAFIDE_WAITING);
    CHECK(bonafide_evaluation_answer_nxdomain(evaluation, question.id, 0) == BONAFIDE_OK);
    CHECK(bonafide_evaluation_expire(evaluation) == BONAFIDE_OK);
    CHECK(bonafide_spf_finish(evaluation, &report) == BONAFIDE_OK);
    bonafide_evaluation_free(evaluation);

    NO(bonafide_report_spf(NULL, &verdict));
    NO(bonafide_report_spf(report, NULL));
    NO(bonafide_report_spf_helo(NULL, &verdict));
    NO(bonafide_report_spf_helo(report, NULL));
    NO(bonafide_report_dkim(NULL, 0, &verdict));
    NO(bonafide_report_dkim(report, 0, NULL));
    NO(bonafide_report_dmarc(NULL, &verdict));
    NO(bonafide_report_dmarc(report, NULL));
    NO(bonafide_report_smtp_code(NULL, &code));
    NO(bonafide_report_smtp_code(report, NULL));
    NO(bonafide_report_smtp_reply(NULL, &text));
    NO(bonafide_report_smtp_reply(report, NULL));
    NO(bonafide_report_authentication_results(NULL, 0, &text));
    NO(bonafide_report_authentication_results(report, 0, NULL));
    NO(bonafide_report_received_spf(NULL, 0, &text));
    NO(bonafide_report_received_spf(report, 0, NULL));
    NO(bonafide_report_defect(NULL, 1, &number));
    NO(bonafide_report_defect(report, 1, NULL));
    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_OK);
    NO(bonafide_verdict_result(NULL, &result));
    NO(bonafide_verdict_result(verdict, NULL));
    NO(bonafide_verdict_line(NULL, &text));
    NO(bonafide_verdict_line(verdict, NULL));
    NO(bonafide_verdict_text(NULL, 1, &text));
    NO(bonafide_verdict_text(verdict, 1, NULL));
    NO(bonafide_verdict_number(NULL, 100, &number));
    NO(bonafide_verdict_number(verdict, 100, NULL));
    bonafide_report_free(report);
    report = NULL;

    NO(bonafide_session_new(NULL, &from, NOW, &session_out));
    NO(bonafide_session_new(by, &from, NOW, NULL));
    NO(bonafide_session_new_dkim(NULL, NOW, &session_out));
    NO(bonafide_session_new_dkim(by, NOW, NULL));
    CHECK(bonafide_session_new(by, &from, NOW, &session) == BONAFIDE_OK);
    NO(bonafide_session_write(NULL, "a", 1));
    NO(bonafide_session_write(session, NULL, 1));
    NO(bonafide_session_field(NULL, "A", 1, "b", 1));
    NO(bonafide_session_field(session, NULL, 1, "b", 1));
    NO(bonafide_session_field(session, "A", 1, NULL, 1));
    NO(bonafide_session_end_header(NULL));
    NO(bonafide_session_header_complete(NULL));
    CHECK(bonafide_session_end_header(session) == BONAFIDE_OK);
    NO(bonafide_session_lookups(NULL, &evaluation_out));
    NO(bonafide_session_lookups(session, NULL));
    CHECK(bonafide_session_lookups(session, &evaluation) == BONAFIDE_OK);
    NO(bonafide_session_finish(NULL, evaluation, &report));
    NO(bonafide_session_finish(session, NULL, &report));
    NO(bonafide_session_finish(session, evaluation, NULL));
    bonafide_evaluation_free(evaluation);
    bonafide_session_free(session);

    NO(bonafide_strip_new(NULL, 1, &strip_out));
    NO(bonafide_strip_new("a", 1, NULL));
    CHECK(bonafide_strip_new("a", 1, &strip) == BONAFIDE_OK);
    NO(bonafide_strip_field(NULL, "A", 1, "b", 1));
    NO(bonafide_strip_field(strip, NULL, 1, "b", 1));
    NO(bonafide_strip_field(strip, "A", 1, NULL, 1));
    NO(bonafide_strip_header(NULL, "a", 1));
    NO(bonafide_strip_header(strip, NULL, 1));
    NO(bonafide_strip_claim(NULL, 0, &claim));
    NO(bonafide_strip_claim(strip, 0, NULL));
    bonafide_strip_free(strip);

    NO(bonafide_signer_new(NULL, 1, &signer_out));
    NO(bonafide_signer_new("a", 1, NULL));
    CHECK(bonafide_signer_new(TEXT("example.com"), &signer) == BONAFIDE_OK);
    NO(bonafide_signer_add_key(NULL, "a", 1, "b", 1));
    NO(bonafide_signer_add_key(signer, NULL, 1, "b", 1));
    NO(bonafide_signer_add_key(signer, "a", 1, NULL, 1));
    NO(bonafide_signer_set(NULL, 1, 1));
    NO(bonafide_signer_set_fields(NULL, "From", 4));
    NO(bonafide_signer_set_fields(signer, NULL, 4));
    NO(bonafide_signing_new(NULL, NOW, &signing_out));
    NO(bonafide_signing_new(signer, NOW, NULL));
    NO(bonafide_signing_write(NULL, "a", 1));
    NO(bonafide_signing_field(NULL, "A", 1, "b", 1));
    NO(bonafide_signing_end_header(NULL));
    NO(bonafide_signing_finish(NULL));
    NO(bonafide_signing_result(NULL, 0, 0, &text, &text));
    bonafide_signer_free(signer);

    NO(bonafide_mta_sts_discover(NULL, 1, NULL, NOW, &evaluation_out));
    NO(bonafide_mta_sts_discover(TEXT("example.com"), NULL, NOW, NULL));
    CHECK(bonafide_mta_sts_discover(TEXT("example.com"), NULL, NOW, &evaluation) == BONAFIDE_OK);
    CHECK(bonafide_evaluation_expire(evaluation) == BONAFIDE_OK);
    NO(bonafide_mta_sts_finish(NULL, &mta_sts));
    NO(bonafide_mta_sts_finish(evaluation, NULL));
    CHECK(bonafide_mta_sts_finish(evaluation, &mta_sts) == BONAFIDE_OK);
    bonafide_evaluation_free(evaluation);
    NO(bonafide_mta_sts_restore(NULL, 1, "a", 1, NOW, NOW, &mta_sts));
    NO(bonafide_mta_sts_restore("a", 1, NULL, 1, NOW, NOW, &mta_sts));
    NO(bonafide_mta_sts_restore("a", 1, "a", 1, NOW, NOW, NULL));
    NO(bonafide_mta_sts_mode(NULL, &mode));
    NO(bonafide_mta_sts_mode(mta_sts, NULL));
    NO(bonafide_mta_sts_host(NULL, "a", 1, 0, &action, &text));
    NO(bonafide_mta_sts_host(mta_sts, NULL, 1, 0, &action, &text));
    NO(bonafide_mta_sts_host(mta_sts, "a", 1, 0, NULL, &text));
    NO(bonafide_mta_sts_host(mta_sts, "a", 1, 0, &action, NULL));
    NO(bonafide_mta_sts_report(NULL, &text));
    NO(bonafide_mta_sts_report(mta_sts, NULL));
    NO(bonafide_mta_sts_cause(NULL, &text));
    NO(bonafide_mta_sts_cause(mta_sts, NULL));
    NO(bonafide_mta_sts_id(NULL, &text));
    NO(bonafide_mta_sts_id(mta_sts, NULL));
    NO(bonafide_mta_sts_policy(NULL, &text));
    NO(bonafide_mta_sts_policy(mta_sts, NULL));
    NO(bonafide_mta_sts_fetched(NULL, &number));
    NO(bonafide_mta_sts_fetched(mta_sts, NULL));
    bonafide_mta_sts_free(mta_sts);
    bonafide_authenticator_free(by);

    /* Nothing was made on the way, and NULL is freed like anything else. */
    CHECK(authenticator_out == NULL && session_out == NULL && evaluation_out == NULL && report == NULL);
    CHECK(strip_out == NULL && signer_out == NULL && signing_out == NULL);
    bonafide_authenticator_free(NULL);
    bonafide_evaluation_free(NULL);
    bonafide_session_free(NULL);
    bonafide_report_free(NULL);
    bonafide_strip_free(NULL);
    bonafide_signer_free(NULL);
    bonafide_signing_free(NULL);
    bonafide_mta_sts_free(NULL);
    return finish("null");
}
