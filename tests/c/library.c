/* The library itself: versions, statuses, the last error of each thread. */
#include <pthread.h>

#include "check.h"

static void *other_thread(void *argument)
{
    (void)argument;
    CHECK(strcmp(bonafide_last_error(), "") == 0);
    CHECK(bonafide_session_end_header(NULL) == BONAFIDE_NULL);
    CHECK(strcmp(bonafide_last_error(), "session is NULL") == 0);
    return NULL;
}

int main(void)
{
    static const int statuses[] = {
        BONAFIDE_OK, BONAFIDE_ABSENT, BONAFIDE_WAITING, BONAFIDE_FOREIGN, BONAFIDE_TRUNCATED,
        BONAFIDE_MALFORMED, BONAFIDE_REFUSED, BONAFIDE_NULL, BONAFIDE_INVALID, BONAFIDE_ORDER,
        BONAFIDE_NOT_ASKED, BONAFIDE_WRONG_KIND, BONAFIDE_TOO_LARGE, BONAFIDE_PANIC,
    };
    static const int results[] = {
        BONAFIDE_RESULT_NONE, BONAFIDE_RESULT_PASS, BONAFIDE_RESULT_FAIL,
        BONAFIDE_RESULT_SOFTFAIL, BONAFIDE_RESULT_NEUTRAL, BONAFIDE_RESULT_POLICY,
        BONAFIDE_RESULT_TEMPERROR, BONAFIDE_RESULT_PERMERROR,
    };
    bonafide_authenticator *made = NULL;
    char version[32];
    size_t at, other;
    pthread_t thread;

    /* The header and the library are of one version. */
    CHECK(strcmp(bonafide_version(), BONAFIDE_VERSION) == 0);
    sprintf(version, "%d.%d.%d", BONAFIDE_VERSION_MAJOR, BONAFIDE_VERSION_MINOR,
            BONAFIDE_VERSION_PATCH);
    CHECK(strcmp(version, BONAFIDE_VERSION) == 0);
    CHECK(bonafide_abi_version() == BONAFIDE_ABI_VERSION);

    /* Numbers that never change. */
    CHECK(BONAFIDE_OK == 0 && BONAFIDE_ABSENT == 1 && BONAFIDE_WAITING == 2);
    CHECK(BONAFIDE_FOREIGN == 3 && BONAFIDE_TRUNCATED == 4 && BONAFIDE_MALFORMED == 5);
    CHECK(BONAFIDE_REFUSED == 6 && BONAFIDE_NULL == -1 && BONAFIDE_INVALID == -2);
    CHECK(BONAFIDE_ORDER == -3 && BONAFIDE_NOT_ASKED == -4 && BONAFIDE_WRONG_KIND == -5);
    CHECK(BONAFIDE_TOO_LARGE == -6 && BONAFIDE_PANIC == -7);
    CHECK(BONAFIDE_RESULT_NONE == 0 && BONAFIDE_RESULT_PASS == 1 && BONAFIDE_RESULT_FAIL == 2);
    CHECK(BONAFIDE_PROPERTY_CAUSE == 1 && BONAFIDE_PROPERTY_RECORD == 14);
    CHECK(BONAFIDE_PROPERTY_AUTHENTIC == 100 && BONAFIDE_PROPERTY_DKIM_ALIGNED == 112);
    CHECK(sizeof(bonafide_status) == sizeof(int) && sizeof(bonafide_result) == sizeof(int));

    /* Structures, as the library writes them on this kind of machine. */
    CHECK(sizeof(bonafide_text) == 2 * sizeof(void *));
    CHECK(sizeof(bonafide_record) == 2 * sizeof(void *));
    CHECK(sizeof(bonafide_envelope) == 6 * sizeof(void *));
    CHECK(offsetof(bonafide_question, kind) == 8 && offsetof(bonafide_question, name) == 16);

    /* Each status and each result has words of its own. */
    for (at = 0; at < sizeof statuses / sizeof *statuses; at++)
        for (other = 0; other < at; other++)
            CHECK(strcmp(bonafide_status_text(statuses[at]), bonafide_status_text(statuses[other])));
    for (at = 0; at < sizeof results / sizeof *results; at++)
        for (other = 0; other < at; other++)
            CHECK(strcmp(bonafide_result_text(results[at]), bonafide_result_text(results[other])));
    CHECK(strcmp(bonafide_status_text(4711), "no status of this version") == 0);
    CHECK(strcmp(bonafide_result_text(-4711), "unknown") == 0);

    /* The error of a thread is its own, and says what is wrong. */
    CHECK(strcmp(bonafide_last_error(), "") == 0);
    CHECK(bonafide_authenticator_new(TEXT("mx\nexample"), &made) == BONAFIDE_INVALID);
    CHECK(strcmp(bonafide_last_error(), "found '\\n' at offset 2, which the field cannot carry") == 0);
    CHECK(made == NULL);
    if (pthread_create(&thread, NULL, other_thread, NULL) == 0)
        pthread_join(thread, NULL);
    CHECK(strstr(bonafide_last_error(), "offset 2") != NULL);
    return finish("library");
}
