/* The public SPF suite, of which suite.py made the lines on standard input, in steps. */
#include <ctype.h>

#include "check.h"

typedef struct {
    unsigned char data[4096];
    size_t length;
} octets;

typedef struct {
    octets name, data;
    unsigned type;
    int is_timeout;
} row;

static row rows[256];
static size_t row_count;

static octets unhex(const char *text)
{
    octets made = {{0}, 0};
    unsigned octet;

    for (; text[0] != '-' && sscanf(text, "%2x", &octet) == 1; text += 2)
        made.data[made.length++] = (unsigned char)octet;
    return made;
}

static int same(const unsigned char *left, const unsigned char *right, size_t length)
{
    size_t at;

    for (at = 0; at < length; at++)
        if (tolower(left[at]) != tolower(right[at]))
            return 0;
    return 1;
}

static int is_name(const octets *name, const row *of)
{
    return name->length == of->name.length && same(name->data, of->name.data, name->length);
}

/* Whether a name is that of a row, or above it. */
static int is_above(const octets *name, const row *of)
{
    return name->length <= of->name.length &&
           same(name->data, of->name.data + of->name.length - name->length, name->length);
}

static size_t put16(unsigned char *packet, size_t at, size_t value)
{
    packet[at] = (unsigned char)(value >> 8);
    packet[at + 1] = (unsigned char)value;
    return at + 2;
}

static size_t put(unsigned char *packet, size_t at, const row *record)
{
    memcpy(packet + at, record->name.data, record->name.length);
    at = put16(packet, at + record->name.length, record->type);
    at = put16(packet, put16(packet, put16(packet, at, 1), 0), 300);
    at = put16(packet, at, record->data.length);
    memcpy(packet + at, record->data.data, record->data.length);
    packet[7]++;
    return at + record->data.length;
}

/* Answers with a packet or with records. */
static void reply(bonafide_evaluation *evaluation, const bonafide_question *question, int by_packet)
{
    static unsigned char packet[65536];
    bonafide_record records[64];
    bonafide_text query;
    octets name;
    const row *at, *end = rows + row_count;
    size_t length, count = 0;
    int is_known = 0, links = 0;

    CHECK(bonafide_evaluation_query(evaluation, question->id, 4711, &query) == BONAFIDE_OK);
    for (length = 12; query.data[length] != 0; length += (unsigned char)query.data[length] + 1u)
        ;
    name.length = length + 1 - 12;
    memcpy(name.data, query.data + 12, name.length);
    length += 1 + 4;
    memcpy(packet, query.data, length);
    packet[2] |= 0x80;
    packet[11] = 0; /* no OPT record */
    do {
        const row *link = NULL;

        for (at = rows; at < end; at++) {
            is_known |= is_above(&name, at);
            if (!is_name(&name, at))
                continue;
            if (at->is_timeout && at->type == question->record_type) {
                CHECK(bonafide_evaluation_answer_failure(evaluation, question->id, BONAFIDE_FAILURE_TIMEOUT) == BONAFIDE_OK);
                return;
            }
            if (!at->is_timeout && at->type == 5)
                link = at;
            if (!at->is_timeout && at->type == question->record_type) {
                records[count].data = at->data.data;
                records[count++].length = at->data.length;
                by_packet &= at->data.length > 0; /* which no packet holds */
                length = put(packet, length, at);
            }
        }
        if (link == NULL)
            break;
        length = put(packet, length, link);
        name = link->data;
        is_known = 0;
        by_packet = 1;
    } while (++links < 4);
    packet[3] = is_known ? 0 : 3;
    if (by_packet)
        CHECK(bonafide_evaluation_answer_packet(evaluation, question->id, packet, length, 0) == BONAFIDE_OK);
    else if (is_known)
        CHECK(bonafide_evaluation_answer_records(evaluation, question->id, records, count, 300, 0) == BONAFIDE_OK);
    else
        CHECK(bonafide_evaluation_answer_nxdomain(evaluation, question->id, 0) == BONAFIDE_OK);
}

/* Gives whether the result is one of those, and what the domain says about a fail. */
static int check(bonafide_authenticator *by, octets *fields, const char *results, int by_packet,
                 char *explanation)
{
    bonafide_envelope from = {fields[0].data, fields[0].length, (char *)fields[1].data,
                              fields[1].length, (char *)fields[2].data, fields[2].length};
    bonafide_evaluation *evaluation = NULL;
    bonafide_report *report = NULL;
    const bonafide_verdict *verdict = NULL;
    bonafide_question question;
    bonafide_result result = BONAFIDE_RESULT_NONE;
    bonafide_text text = {"", 0};
    char word[16], all[128];

    CHECK(bonafide_spf_check(by, &from, NOW, &evaluation) == BONAFIDE_OK);
    while (bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK)
        reply(evaluation, &question, by_packet);
    CHECK(bonafide_spf_finish(evaluation, &report) == BONAFIDE_OK);
    CHECK(bonafide_report_spf(report, &verdict) == BONAFIDE_OK);
    CHECK(bonafide_verdict_result(verdict, &result) == BONAFIDE_OK);
    if (bonafide_verdict_text(verdict, BONAFIDE_PROPERTY_EXPLANATION, &text) != BONAFIDE_OK)
        text.data = "";
    strcpy(explanation, text.data);
    sprintf(word, "|%s|", bonafide_result_text((int)result));
    sprintf(all, "|%s|", results);
    bonafide_report_free(report);
    bonafide_evaluation_free(evaluation);
    return strstr(all, word) != NULL;
}

int main(int argc, char **argv)
{
    static char line[16384], name[64], helo[8192], mail_from[8192], results[64];
    static char found[2][2048], first[8192], second[8192];
    char address[64];
    bonafide_authenticator *by = authenticator();
    int passed = 0, cases = 0, expected = argc > 1 ? atoi(argv[1]) : 203, is_right = 0;
    unsigned type;

    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "zone\n") == 0) {
            row_count = 0;
        } else if (sscanf(line, "record %8191s %u %8191s", first, &type, second) == 3 ||
                   sscanf(line, "timeout %8191s %u", first, &type) == 2) {
            row *made = &rows[row_count++];

            made->name = unhex(first);
            made->type = type;
            made->is_timeout = line[0] == 't';
            made->data = unhex(made->is_timeout ? "-" : second);
        } else if (sscanf(line, "case %63s %63s %8191s %8191s %63s", name, address, helo, mail_from,
                          results) == 5) {
            octets fields[3];

            fields[0] = unhex(address);
            fields[1] = unhex(helo);
            fields[2] = unhex(mail_from);
            is_right = check(by, fields, results, 0, found[0]);
            is_right &= check(by, fields, results, 1, found[1]);
            cases++;
            passed += is_right;
            if (!is_right)
                fprintf(stderr, "%s: expected %s\n", name, results);
        } else if (sscanf(line, "explanation %8191s", first) == 1) {
            octets text = unhex(first);
            /* DEFAULT is the receiver's own text, of which there is none. */
            const char *wanted = strcmp((char *)text.data, "DEFAULT") == 0 ? "" : (char *)text.data;
            size_t length = strlen(wanted);
            /* The suite prints nibbles in upper case, the RFC in lower case. */
            int is_same = strlen(found[0]) == length && strcmp(found[0], found[1]) == 0 &&
                          same((unsigned char *)found[0], (const unsigned char *)wanted, length);

            if (is_right && !is_same) {
                passed--;
                fprintf(stderr, "%s: expected %s, found %s\n", name, wanted, found[0]);
            }
        }
    }
    printf("spf suite in C: %d/%d\n", passed, cases);
    CHECK(passed == cases && cases >= expected);
    bonafide_authenticator_free(by);
    return finish("spf_suite");
}
