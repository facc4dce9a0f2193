/* Fields that claim to be ours, as a milter removes them. */
#include "check.h"

static const char HEADER[] =
    "Authentication-Results: mx.example.org; dmarc=pass\r\n"
    "Received: by nobody\r\n"
    "Authentication-Results: mx.other.example; none\r\n"
    "authentication-results: (c) \"MX.example.org\" 1;\r\n spf=pass\r\n"
    "Authentication-Results : mx.example.org; none\r\n"
    "From: joe@example.com\r\n";

static void expect(bonafide_strip *strip)
{
    static const size_t occurrences[] = {4, 3, 1}, positions[] = {4, 3, 0};
    bonafide_claim claim;
    size_t index;

    for (index = 0; index < 3; index++) {
        CHECK(bonafide_strip_claim(strip, index, &claim) == BONAFIDE_OK);
        CHECK(claim.occurrence == occurrences[index] && claim.position == positions[index]);
        CHECK(is(claim.name, index == 1 ? "authentication-results" : "Authentication-Results"));
    }
    CHECK(bonafide_strip_claim(strip, 3, &claim) == BONAFIDE_ABSENT);
    bonafide_strip_free(strip);
}

int main(void)
{
    bonafide_strip *strip = NULL;
    bonafide_claim claim;

    CHECK(bonafide_strip_new("", 0, &strip) == BONAFIDE_INVALID && strip == NULL);
    CHECK(bonafide_strip_new("\377", 1, &strip) == BONAFIDE_INVALID && strip == NULL);
    CHECK(bonafide_strip_new(TEXT("mx.example.org"), &strip) == BONAFIDE_OK);
    CHECK(bonafide_strip_claim(strip, 0, &claim) == BONAFIDE_ABSENT);
    CHECK(bonafide_strip_header(strip, TEXT(HEADER)) == BONAFIDE_OK);
    expect(strip);

    CHECK(bonafide_strip_new(TEXT("mx.example.org"), &strip) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("Authentication-Results"), TEXT(" mx.example.org; dmarc=pass")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("Received"), TEXT(" by nobody")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("Authentication-Results"), TEXT(" mx.other.example; none")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("authentication-results"), TEXT(" (c) \"MX.example.org\" 1;\n spf=pass")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("Authentication-Results"), TEXT("mx.example.org; none")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, TEXT("From"), TEXT(" joe@example.com")) == BONAFIDE_OK);
    CHECK(bonafide_strip_field(strip, "X", (size_t)-1, "", 0) == BONAFIDE_TOO_LARGE);
    expect(strip);
    return finish("strip");
}
