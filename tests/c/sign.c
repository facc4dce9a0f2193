/* Signatures of our own: what is signed verifies, and what must not be signed is not. */
#include "check.h"

static const char HEADER[] = "From: joe@example.com\r\nTo: sue@example.net\r\nSubject: a\r\n  fold\r\n";
static const char BODY[] = "Is dinner ready?\r\n";

static const char REVOKED[] =
    "e._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=\"\n";

static bonafide_signer *signer(const char *keys, const char *first, const char *second)
{
    bonafide_signer *made = NULL;
    const char *names[2];
    char path[512];
    size_t index, length;

    names[0] = first;
    names[1] = second;
    CHECK(bonafide_signer_new(TEXT("example.com"), &made) == BONAFIDE_OK);
    for (index = 0; index < 2 && names[index] != NULL; index++) {
        char *key;

        sprintf(path, "%.400s/keys/%.60s.pem", keys, names[index]);
        key = read_file(path, &length);
        CHECK(bonafide_signer_add_key(made, index == 0 ? "r" : "e", 1, key, length) == BONAFIDE_OK);
        /* A selector has one key. */
        CHECK(bonafide_signer_add_key(made, index == 0 ? "r" : "e", 1, key, length) == BONAFIDE_INVALID);
        free(key);
    }
    return must(made);
}

/* Signs with CRLF in chunks, or field by field with LF as in a milter; the fields must be the same. */
static void sign(bonafide_signer *by, int is_milter, char *fields, size_t expected)
{
    bonafide_signing *signing = NULL;
    bonafide_text name, value;
    size_t index;

    CHECK(bonafide_signing_new(by, NOW, &signing) == BONAFIDE_OK);
    CHECK(bonafide_signing_finish(signing) == BONAFIDE_ORDER);
    if (is_milter) {
        CHECK(bonafide_signing_field(signing, TEXT("From"), TEXT(" joe@example.com")) == BONAFIDE_OK);
        CHECK(bonafide_signing_field(signing, TEXT("To"), TEXT(" sue@example.net")) == BONAFIDE_OK);
        CHECK(bonafide_signing_field(signing, TEXT("Subject"), TEXT(" a\n  fold")) == BONAFIDE_OK);
        CHECK(bonafide_signing_end_header(signing) == BONAFIDE_OK);
        CHECK(bonafide_signing_end_header(signing) == BONAFIDE_OK);
        CHECK(bonafide_signing_field(signing, TEXT("Late"), TEXT("")) == BONAFIDE_ORDER);
        CHECK(bonafide_signing_write(signing, TEXT(BODY)) == BONAFIDE_OK);
    } else {
        char message[512];
        size_t at;

        sprintf(message, "%s\r\n%s", HEADER, BODY);
        for (at = 0; message[at] != '\0'; at++)
            CHECK(bonafide_signing_write(signing, message + at, 1) == BONAFIDE_OK);
    }
    CHECK(bonafide_signing_result(signing, 0, 0, &name, &value) == BONAFIDE_ABSENT);
    CHECK(bonafide_signing_finish(signing) == BONAFIDE_OK);
    CHECK(bonafide_signing_finish(signing) == BONAFIDE_ORDER);
    CHECK(bonafide_signing_write(signing, "x", 1) == BONAFIDE_ORDER);
    CHECK(bonafide_signing_field(signing, TEXT("X"), TEXT("")) == BONAFIDE_ORDER);
    CHECK(bonafide_signing_end_header(signing) == BONAFIDE_ORDER);
    fields[0] = '\0';
    for (index = 0; bonafide_signing_result(signing, index, BONAFIDE_LINE_END_LF, &name, &value) == BONAFIDE_OK; index++) {
        CHECK(is(name, "DKIM-Signature") && value.data[0] == ' ' && strchr(value.data, '\r') == NULL);
        CHECK(bonafide_signing_result(signing, index, BONAFIDE_LINE_END_CRLF, &name, &value) == BONAFIDE_OK);
        sprintf(fields + strlen(fields), "%s:%s\r\n", name.data, value.data);
    }
    CHECK(index == expected);
    CHECK(bonafide_signing_result(signing, 0, 7, &name, &value) == BONAFIDE_INVALID);
    bonafide_signing_free(signing);
}

/* The results of the signatures of a message: "p" for a pass, "-" for anything else. */
static void verify(const char *fields, const char *body, const char *zone, char *results)
{
    bonafide_authenticator *by = authenticator();
    bonafide_session *session = NULL;
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *report = NULL;
    const bonafide_verdict *verdict;
    bonafide_result result;
    size_t index;

    CHECK(bonafide_session_new_dkim(by, NOW, &session) == BONAFIDE_OK);
    bonafide_authenticator_free(by); /* which the session does not need any more */
    CHECK(bonafide_session_write(session, fields, strlen(fields)) == BONAFIDE_OK);
    CHECK(bonafide_session_write(session, HEADER, sizeof HEADER - 1) == BONAFIDE_OK);
    CHECK(bonafide_session_write(session, "\r\n", 2) == BONAFIDE_OK);
    CHECK(bonafide_session_write(session, body, strlen(body)) == BONAFIDE_OK);
    CHECK(bonafide_session_lookups(session, &evaluation) == BONAFIDE_OK);
    answer_all(evaluation, zone);
    CHECK(bonafide_session_finish(session, evaluation, &report) == BONAFIDE_OK);
    for (index = 0; bonafide_report_dkim(report, index, &verdict) == BONAFIDE_OK; index++) {
        CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK);
        results[index] = result == BONAFIDE_RESULT_PASS ? 'p' : '-';
    }
    results[index] = '\0';
    bonafide_report_free(report);
    bonafide_evaluation_free(evaluation);
    bonafide_session_free(session);
}

static void refusals(bonafide_signer *by)
{
    static const char *const unfit[] = {
        "Subject: no author\r\n\r\n", "From: a@example.com\r\nFrom: b@example.com\r\n\r\n",
        "From: a@example.com\r\nX: bare\nlf\r\n\r\n",
    };
    bonafide_signing *signing = NULL;
    bonafide_signer *other = NULL;
    size_t index;

    for (index = 0; index < sizeof unfit / sizeof *unfit; index++) {
        CHECK(bonafide_signing_new(by, NOW, &signing) == BONAFIDE_OK);
        CHECK(bonafide_signing_write(signing, TEXT(unfit[index])) == BONAFIDE_REFUSED);
        CHECK(bonafide_signing_write(signing, "x", 1) == BONAFIDE_ORDER);
        CHECK(bonafide_signing_finish(signing) == BONAFIDE_ORDER);
        bonafide_signing_free(signing);
    }
    CHECK(bonafide_signing_new(by, NOW, &signing) == BONAFIDE_OK);
    CHECK(bonafide_signing_write(signing, TEXT("From: a@example.com\r\n\r\nbare\nlf\r\n")) == BONAFIDE_OK);
    CHECK(bonafide_signing_finish(signing) == BONAFIDE_REFUSED);
    CHECK(strstr(bonafide_last_error(), "LF without CR") != NULL);
    bonafide_signing_free(signing);

    CHECK(bonafide_signer_new(TEXT("not a domain"), &other) == BONAFIDE_INVALID && other == NULL);
    CHECK(bonafide_signer_new(TEXT("example.com"), &other) == BONAFIDE_OK);
    CHECK(bonafide_signing_new(other, NOW, &signing) == BONAFIDE_ORDER);
    CHECK(bonafide_signer_add_key(other, TEXT("s"), TEXT("no key")) == BONAFIDE_INVALID);
    CHECK(bonafide_signer_add_key(other, TEXT("s s"), TEXT("no key")) == BONAFIDE_INVALID);
    CHECK(bonafide_signer_add_key(other, TEXT("s"), "0", (size_t)-1) == BONAFIDE_TOO_LARGE);
    CHECK(bonafide_signer_set(other, 4711, 0) == BONAFIDE_INVALID);
    CHECK(bonafide_signer_set(other, BONAFIDE_SIGNING_EIGHT_BIT, 2) == BONAFIDE_INVALID);
    CHECK(bonafide_signer_set_fields(by, TEXT("Subject")) == BONAFIDE_INVALID);
    bonafide_signer_free(other);
}

int main(int argc, char **argv)
{
    const char *vectors = argc > 1 ? argv[1] : "test-vectors";
    bonafide_signer *by = signer(vectors, "rsa2048", "ed25519");
    char first[4096], second[4096], zone[4096], results[8];
    char *key;
    size_t length;

    sign(by, 0, first, 2);
    sign(by, 1, second, 2);
    CHECK(strcmp(first, second) == 0);
    key = read_file(argc > 2 ? argv[2] : "tests/c/keys.zone", &length);
    sprintf(zone, "%.4000s", key);
    free(key);
    verify(first, BODY, zone, results);
    CHECK(strcmp(results, "pp") == 0);
    verify(first, "Is dinner over?\r\n", zone, results);
    CHECK(strcmp(results, "--") == 0);
    verify(first, BODY, REVOKED, results);
    CHECK(strcmp(results, "--") == 0);

    /* Options and lists of fields hold from then on. */
    CHECK(bonafide_signer_set(by, BONAFIDE_SIGNING_RELAXED_BODY, 0) == BONAFIDE_OK);
    CHECK(bonafide_signer_set(by, BONAFIDE_SIGNING_RELAXED_HEADER, 0) == BONAFIDE_OK);
    CHECK(bonafide_signer_set(by, BONAFIDE_SIGNING_LIFETIME, 3600) == BONAFIDE_OK);
    CHECK(bonafide_signer_set_fields(by, TEXT("From:Subject:Subject")) == BONAFIDE_OK);
    sign(by, 0, first, 2);
    CHECK(strstr(first, "c=simple/simple;") != NULL && strstr(first, "h=From:Subject:Subject;") != NULL);
    CHECK(strstr(first, "x=1795482000;") != NULL);
    verify(first, BODY, zone, results);
    CHECK(strcmp(results, "pp") == 0);
    refusals(by);
    bonafide_signer_free(by);
    return finish("sign");
}
