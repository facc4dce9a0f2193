/* Sets of our own: what is sealed validates, trusted sealers are heard, and broken chains stay broken. */
#include "check.h"

static const char MESSAGE[] = "From: joe@example.com\r\nSubject: a\r\n\r\nIs dinner ready?\r\n";
static const char CHANGED[] = "From: joe@example.com\r\nSubject: [l] a\r\n\r\nIs dinner ready?\r\n";
static const char *keys; /* lines of a zone */

static bonafide_sealer *sealer(const char *vectors)
{
    bonafide_sealer *made = NULL;
    char path[512];
    size_t length;
    char *key;

    sprintf(path, "%.400s/keys/rsa2048.pem", vectors);
    key = read_file(path, &length);
    CHECK(bonafide_sealer_new(TEXT("example.com"), TEXT("r"), key, length, &made) == BONAFIDE_OK);
    CHECK(bonafide_sealer_new(TEXT("-"), TEXT("r"), key, length, &made) == BONAFIDE_INVALID);
    CHECK(bonafide_sealer_new(TEXT("example.com"), TEXT(" "), key, length, &made) == BONAFIDE_INVALID);
    CHECK(bonafide_sealer_new(TEXT("example.com"), TEXT("r"), key, 9, &made) == BONAFIDE_INVALID);
    free(key);
    return must(made);
}

/* The report about a message from 192.0.2.1, with example.com as a trusted sealer or without. */
static bonafide_report *report(const char *message, int is_trusting, const char *policy)
{
    bonafide_authenticator *by = authenticator();
    bonafide_envelope from = envelope();
    bonafide_session *session = NULL;
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *made = NULL;
    char zone[8192];

    sprintf(zone, "%.4000s%.1000s", keys, policy);
    if (is_trusting)
        CHECK(bonafide_authenticator_trust_sealer(by, TEXT("example.com")) == BONAFIDE_OK);
    CHECK(bonafide_authenticator_trust_sealer(by, TEXT("not a domain")) == BONAFIDE_INVALID);
    CHECK(bonafide_session_new(by, &from, NOW, &session) == BONAFIDE_OK);
    CHECK(bonafide_session_write(session, message, strlen(message)) == BONAFIDE_OK);
    CHECK(bonafide_session_lookups(session, &evaluation) == BONAFIDE_OK);
    answer_all(evaluation, zone);
    CHECK(bonafide_session_finish(session, evaluation, &made) == BONAFIDE_OK);
    bonafide_evaluation_free(evaluation);
    bonafide_session_free(session);
    bonafide_authenticator_free(by);
    return must(made);
}

static bonafide_result arc(const bonafide_report *about, uint64_t instances)
{
    const bonafide_verdict *verdict = NULL;
    bonafide_result result = BONAFIDE_RESULT_NEUTRAL;
    bonafide_text text;
    uint64_t found = 99;

    CHECK(bonafide_report_arc(about, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK);
    CHECK(bonafide_verdict_number(verdict, BONAFIDE_PROPERTY_INSTANCES, &found) == BONAFIDE_OK);
    CHECK(found == instances);
    if (instances > 0) {
        CHECK(bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_SEALERS, &text) == BONAFIDE_OK);
        CHECK(strncmp(text.data, "example.com", 11) == 0);
    }
    return result;
}

/* The message with a set in front of it, or with nothing if it is refused. */
static bonafide_status seal(const bonafide_sealer *by, const bonafide_report *about, const char *message,
                            char *sealed)
{
    static const char *const expected[] = {"ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"};
    bonafide_signing *signing = NULL;
    bonafide_text name, value;
    bonafide_status status;
    size_t index;

    sealed[0] = '\0';
    CHECK(bonafide_sealer_start(by, about, NOW, &signing) == BONAFIDE_OK);
    status = bonafide_signing_write(signing, message, strlen(message));
    if (status == BONAFIDE_OK) {
        CHECK(bonafide_signing_finish(signing) == BONAFIDE_OK);
        for (index = 0; bonafide_signing_result(signing, index, BONAFIDE_LINE_END_CRLF, &name, &value) == BONAFIDE_OK; index++) {
            CHECK(index < 3 && is(name, expected[index]));
            sprintf(sealed + strlen(sealed), "%s:%s\r\n", name.data, value.data);
        }
        CHECK(index == 3);
        strcat(sealed, message);
    }
    bonafide_signing_free(signing);
    return status;
}

/* NULL for each pointer is a status, and nothing is made. */
static void nothing_is_null(const bonafide_sealer *by)
{
    bonafide_report *about = report(MESSAGE, 0, "");
    bonafide_authenticator *other = authenticator();
    bonafide_sealer *sealer_out = NULL;
    bonafide_signing *signing_out = NULL;
    const bonafide_verdict *verdict = NULL;
    bonafide_text text;

#define NO(call) CHECK((call) == BONAFIDE_NULL)
    NO(bonafide_sealer_new(NULL, 1, "r", 1, "k", 1, &sealer_out));
    NO(bonafide_sealer_new("a", 1, NULL, 1, "k", 1, &sealer_out));
    NO(bonafide_sealer_new("a", 1, "r", 1, NULL, 1, &sealer_out));
    NO(bonafide_sealer_new("a", 1, "r", 1, "k", 1, NULL));
    NO(bonafide_sealer_start(NULL, about, NOW, &signing_out));
    NO(bonafide_sealer_start(by, NULL, NOW, &signing_out));
    NO(bonafide_sealer_start(by, about, NOW, NULL));
    NO(bonafide_authenticator_trust_sealer(NULL, "a", 1));
    NO(bonafide_authenticator_trust_sealer(other, NULL, 1));
    NO(bonafide_report_arc(NULL, &verdict));
    NO(bonafide_report_arc(about, NULL));
    NO(bonafide_report_policy_override(NULL, &text));
    NO(bonafide_report_policy_override(about, NULL));
    CHECK(sealer_out == NULL && signing_out == NULL && verdict == NULL);
    bonafide_authenticator_free(other);
    bonafide_report_free(about);
}

int main(int argc, char **argv)
{
    static const char POLICY[] = "example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
                                 "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";
    static const char OTHER_HOST[] = "example.com TXT \"v=spf1 -all\"\n"
                                     "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";
    bonafide_sealer *by = sealer(argc > 1 ? argv[1] : "test-vectors");
    bonafide_report *received, *forwarded;
    static char once[16384], twice[16384], broken[16384];
    bonafide_text comment;
    size_t length;
    int code = 0;
    char *place;

    keys = read_file(argc > 2 ? argv[2] : "tests/c/keys.zone", &length);

    /* It came with a pass and leaves changed; where it arrives, the forwarder's host is not the author's. */
    received = report(MESSAGE, 0, POLICY);
    CHECK(arc(received, 0) == BONAFIDE_RESULT_NONE);
    CHECK(seal(by, received, CHANGED, once) == BONAFIDE_OK);
    bonafide_report_free(received);
    CHECK(strstr(once, "dmarc=pass") != NULL && strstr(once, "cv=none") != NULL);
    forwarded = report(once, 0, OTHER_HOST);
    CHECK(arc(forwarded, 1) == BONAFIDE_RESULT_PASS);
    CHECK(bonafide_report_policy_override(forwarded, &comment) == BONAFIDE_ABSENT);
    CHECK(seal(by, forwarded, once, twice) == BONAFIDE_OK);
    bonafide_report_free(forwarded);
    forwarded = report(once, 1, OTHER_HOST);
    CHECK(bonafide_report_policy_override(forwarded, &comment) == BONAFIDE_OK);
    CHECK(is(comment, "arc=pass as[1].d=example.com as[1].s=r"));
    CHECK(bonafide_report_smtp_code(forwarded, &code) == BONAFIDE_OK && code == 550);

    /* The report is about the chain that it was made of, and no other. */
    CHECK(seal(by, forwarded, MESSAGE, broken) == BONAFIDE_REFUSED);
    CHECK(seal(by, forwarded, twice, broken) == BONAFIDE_REFUSED);
    bonafide_report_free(forwarded);

    /* A second hop; then somebody changes the body: sealed once more, to say so, and never again. */
    forwarded = report(twice, 0, OTHER_HOST);
    CHECK(arc(forwarded, 2) == BONAFIDE_RESULT_PASS);
    bonafide_report_free(forwarded);
    place = strstr(twice, "dinner");
    memcpy(must(place), "supper", 6);
    forwarded = report(twice, 0, OTHER_HOST);
    CHECK(arc(forwarded, 2) == BONAFIDE_RESULT_FAIL);
    CHECK(seal(by, forwarded, twice, broken) == BONAFIDE_OK && strstr(broken, "cv=fail") != NULL);
    bonafide_report_free(forwarded);
    forwarded = report(broken, 0, OTHER_HOST);
    CHECK(arc(forwarded, 3) == BONAFIDE_RESULT_FAIL);
    CHECK(seal(by, forwarded, broken, once) == BONAFIDE_REFUSED);
    CHECK(strstr(bonafide_last_error(), "cv=fail") != NULL);
    bonafide_report_free(forwarded);

    nothing_is_null(by);
    bonafide_sealer_free(by);
    bonafide_sealer_free(NULL);
    return finish("seal");
}
