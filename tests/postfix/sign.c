/* Signs the message on standard input for a domain: sign DOMAIN SELECTOR KEY < MESSAGE > SIGNED */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bonafide.h>

static void must(bonafide_status status)
{
    if (status != BONAFIDE_OK) {
        fprintf(stderr, "sign: %s\n", bonafide_last_error());
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static char key[65536], message[1 << 20];
    bonafide_signer *signer;
    bonafide_signing *signing;
    bonafide_text name, value;
    size_t key_length, length;
    FILE *file = argc == 4 ? fopen(argv[3], "rb") : NULL;

    if (file == NULL)
        return 2;
    key_length = fread(key, 1, sizeof key, file);
    fclose(file);
    length = fread(message, 1, sizeof message, stdin);
    must(bonafide_signer_new(argv[1], strlen(argv[1]), &signer));
    must(bonafide_signer_add_key(signer, argv[2], strlen(argv[2]), key, key_length));
    must(bonafide_signing_new(signer, (uint64_t)time(NULL), &signing));
    must(bonafide_signing_write(signing, message, length));
    must(bonafide_signing_finish(signing));
    must(bonafide_signing_result(signing, 0, BONAFIDE_LINE_END_CRLF, &name, &value));
    printf("%s:%s\r\n", name.data, value.data);
    fwrite(message, 1, length, stdout);
    bonafide_signing_free(signing);
    bonafide_signer_free(signer);
    return 0;
}
