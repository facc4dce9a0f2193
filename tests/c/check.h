/* What the C tests share: checks that count, texts, and a resolver that answers from a few lines. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bonafide.h>

#define NOW 1795478400u

static int failures;

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            failures++;                                                                     \
            fprintf(stderr, "%s:%d: %s [%s]\n", __FILE__, __LINE__, #condition,             \
                    bonafide_last_error());                                                 \
        }                                                                                   \
    } while (0)

/* A pointer and a length of a literal or of a text with a NUL. */
#define TEXT(text) (text), strlen(text)

static inline int finish(const char *name)
{
    printf("%s: %s\n", name, failures == 0 ? "ok" : "FAILED");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int is(bonafide_text found, const char *expected)
{
    int same = found.length == strlen(expected) && memcmp(found.data, expected, found.length) == 0;

    if (!same)
        fprintf(stderr, "found    %s\nexpected %s\n", found.data, expected);
    return same && found.data[found.length] == '\0';
}

static inline void *must(void *pointer)
{
    if (pointer == NULL)
        abort();
    return pointer;
}

/* A whole file with a NUL behind it. */
static inline char *read_file(const char *path, size_t *length)
{
    FILE *file = must(fopen(path, "rb"));
    char *data = must(malloc(1 << 20));

    *length = fread(data, 1, (1 << 20) - 1, file);
    data[*length] = '\0';
    fclose(file);
    return data;
}

/* RDATA of TXT out of quoted pieces, of A out of dotted decimals. */
static inline size_t rdata(const char *text, unsigned char *data)
{
    size_t length = 0;
    unsigned a, b, c, d;

    if (sscanf(text, "A %u.%u.%u.%u", &a, &b, &c, &d) == 4) {
        data[0] = (unsigned char)a;
        data[1] = (unsigned char)b;
        data[2] = (unsigned char)c;
        data[3] = (unsigned char)d;
        return 4;
    }
    while ((text = strchr(text, '"')) != NULL) {
        const char *end = strchr(++text, '"');

        data[length++] = (unsigned char)(end - text);
        memcpy(data + length, text, (size_t)(end - text));
        length += (size_t)(end - text);
        text = end + 1;
    }
    return length;
}

/* Answers a question from lines such as  example.com TXT "v=spf1 -all"  with records. */
static inline bonafide_status answer(bonafide_evaluation *evaluation,
                                     const bonafide_question *question, const char *zone)
{
    const char *type = question->record_type == 16 ? "TXT" : "A";
    unsigned char data[8][1024];
    bonafide_record records[8];
    size_t count = 0;
    int is_known = 0;
    const char *line, *next;

    for (line = zone; line != NULL && *line != '\0'; line = next) {
        char name[256], kind[8], rest[1024];

        next = strchr(line, '\n');
        next = next == NULL ? NULL : next + 1;
        if (sscanf(line, "%255s %7s %1023[^\n]", name, kind, rest) != 3 || name[0] == '#')
            continue;
        if (name[strlen(name) - 1] == '.')
            name[strlen(name) - 1] = '\0';
        if (strcmp(name, question->name.data) != 0)
            continue;
        is_known = 1;
        if (strcmp(kind, type) == 0 && count < 8) {
            char both[1040];

            sprintf(both, "%s %s", kind, rest);
            records[count].data = data[count];
            records[count].length = rdata(both, data[count]);
            count++;
        }
    }
    if (!is_known)
        return bonafide_evaluation_answer_nxdomain(evaluation, question->id, 0);
    return bonafide_evaluation_answer_records(evaluation, question->id, records, count, 300, 0);
}

/* Answers all that is asked; gives how much that was. */
static inline int answer_all(bonafide_evaluation *evaluation, const char *zone)
{
    bonafide_question question;
    int count = 0;

    while (bonafide_evaluation_next(evaluation, &question) == BONAFIDE_OK) {
        CHECK(question.kind == BONAFIDE_QUESTION_DNS);
        CHECK(answer(evaluation, &question, zone) == BONAFIDE_OK);
        count++;
    }
    return count;
}

static inline bonafide_authenticator *authenticator(void)
{
    bonafide_authenticator *made = NULL;

    CHECK(bonafide_authenticator_new(TEXT("mx.example.org"), &made) == BONAFIDE_OK);
    return must(made);
}

/* 192.0.2.1 says HELO mail.example.com and MAIL FROM:<joe@example.com>. */
static inline bonafide_envelope envelope(void)
{
    bonafide_envelope made = {"\300\0\2\1", 4, TEXT("mail.example.com"), TEXT("joe@example.com")};

    return made;
}

#endif
