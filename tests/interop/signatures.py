#!/usr/bin/env python3
"""DKIM between this library and others, both ways.

For each of 4 canonicalization pairs, 2 algorithms and 50 random messages: what `bonafide sign` signs,
dkimpy and opendkim verify; what dkimpy signs, `bonafide verify` verifies; and a message with a changed
octet passes nowhere. Everybody must agree on every message, but for the disagreements that `settled`
settles by the text of the RFCs.

usage: signatures.py BONAFIDE        the path of the command; needs dkimpy, PyNaCl and opendkim
"""

import base64
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import dkim

MESSAGES = 50
NOW = 1795478400
DOMAIN = b"example.com"
KINDS = {"rsa": "rsa-sha256", "ed25519": "ed25519-sha256"}


def settled(canonicalization, message, peer):
    """Why a peer may see a message otherwise; None where it must agree."""
    header, body = canonicalization.split("/")
    block, text = message.split(b"\r\n\r\n", 1)
    if body == "relaxed" and text[-1:] in (b" ", b"\t"):
        # RFC 6376 section 3.4.4 ignores white space "at the end of lines" and then adds a CRLF to a
        # body without one. The others strip white space only where a CRLF stands already, so that
        # their hash is no longer that of the message once SMTP has delivered it with its final CRLF
        # (RFC 5321 section 4.1.1.4); ours is, and that they verify it then is checked below.
        return "white space at the end of a body without final CRLF"
    if peer == "opendkim" and header == "simple" and re.search(rb"^[!-9;-~]+:(?! [!-~])", block, re.M):
        # RFC 6376 section 3.4.1 changes nothing. opendkim is given fields by a milter's callbacks,
        # which carry a value without the blanks in front of it.
        return "blanks behind a colon that milters do not see"
    return None


def random_message(rng, number):
    """A message in CRLF whose traits depend on its number, so that each occurs in every combination."""
    fields = [
        b"From: Joe <joe@example.com>",
        b"To: a@example.net,\r\n\tb@example.net",
        b"Subject: doubled  blanks \t and a tab ",
        b"Date: Tue, 24 Nov 2026 00:00:00 +0000",
        b"Message-ID: <%d.%d@example.com>" % (number, rng.randrange(1 << 30)),
        b"X-Folded: a\r\n b\r\n\t c",
    ]
    if number % 3 == 0:
        fields.append(b"Reply-To: \t  joe@example.com")
    if number % 7 == 1:
        fields.append("Subject: caf\u00e9".encode())
    if number % 5 == 2:
        fields.append(b"To: again@example.net")
    if number % 11 == 3:
        fields.append(b"Cc:")
    rng.shuffle(fields)
    lines = []
    for _ in range(rng.randrange(30)):
        words = [bytes(rng.choices(b"abcdefghij.=-<>", k=rng.randrange(1, 12))) for _ in range(rng.randrange(12))]
        lines.append(b"".join(word + rng.choice([b" ", b"  ", b"\t", b" \t "]) for word in words).rstrip(b"" if number % 2 else b" \t"))
    if number % 6 == 1:
        lines.append(b"x" * rng.randrange(900, 999))
    if number % 4 == 1:
        lines.append(bytes(rng.choices(range(0x80, 0x100), k=60)))
    if number % 3 == 1:
        lines += [b""] * rng.randrange(1, 5)
    if number % 9 == 4:
        lines.append(b" \t ")
    body = b"\r\n".join(lines)
    if number % 10 == 0:
        body = b""
    elif number % 10 == 5:
        body = b"\r\n" * rng.randrange(1, 4)
    elif number % 8 != 3:
        body += b"\r\n"
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def changed(rng, message):
    """A message with one letter of its From field or of its body changed."""
    body = message.index(b"\r\n\r\n")
    letters = [at for at in range(body, len(message)) if message[at:at + 1].isalpha()]
    # Behind the header there may be no letter.
    at = rng.choice(letters) if letters and rng.randrange(2) else message.index(b"joe@example.com")
    return message[:at] + (b"z" if message[at:at + 1] != b"z" else b"y") + message[at + 1:]


class Bonafide:
    def __init__(self, command, folder):
        self.command, self.folder, self.records = command, folder, {}
        for kind in KINDS:
            key = os.path.join(folder, kind)
            line = self.run("keygen", "--type", kind, "--domain", DOMAIN.decode(), "--selector", kind, "--key", key)
            name = line.split(b" ", 1)[0].rstrip(b".").decode()
            self.records[name] = b"".join(re.findall(rb'"([^"]*)"', line))
        with open(os.path.join(folder, "zone"), "w") as zone:
            for name, text in self.records.items():
                zone.write(f'{name} TXT "{text.decode()}"\n')

    def run(self, *arguments, data=b""):
        return subprocess.run([self.command, *arguments], input=data, capture_output=True, check=True).stdout

    def sign(self, message, kind, canonicalization):
        key = os.path.join(self.folder, kind)
        return self.run("sign", "--domain", DOMAIN.decode(), "--selector", kind, "--key", key,
                        "--canonicalization", canonicalization, "--now", str(NOW), data=message)

    def verify(self, message):
        report = self.run("verify", "--zone", os.path.join(self.folder, "zone"), "--format", "json", data=message)
        return [signature["result"] for signature in json.loads(report)["dkim"]] == ["pass"]


class Dkimpy:
    def __init__(self, bonafide):
        self.records = bonafide.records
        with open(os.path.join(bonafide.folder, "rsa"), "rb") as key:
            pem = subprocess.run(["openssl", "rsa", "-traditional"], input=key.read(), capture_output=True, check=True)
        with open(os.path.join(bonafide.folder, "ed25519")) as key:
            der = base64.b64decode("".join(key.read().splitlines()[1:-1]))
        self.keys = {"rsa": pem.stdout, "ed25519": base64.b64encode(der[-32:])}

    def lookup(self, name, timeout=5):
        return self.records.get(name.decode().rstrip("."))

    def sign(self, message, kind, canonicalization):
        header, body = canonicalization.encode().split(b"/")
        field = dkim.sign(message, kind.encode(), DOMAIN, self.keys[kind], canonicalize=(header, body),
                          signature_algorithm=KINDS[kind].encode())
        return field + message

    def verify(self, message):
        try:
            return dkim.verify(message, dnsfunc=self.lookup)
        except dkim.DKIMException:
            return False


def opendkim(folder, records, messages):
    """Whether each message verifies, by one process for all."""
    with open(os.path.join(folder, "keys"), "w") as keys:
        for name, text in records.items():
            keys.write(f"{name} {text.decode()}\n")
    with open(os.path.join(folder, "opendkim.conf"), "w") as configuration:
        configuration.write("Mode v\nSyslog no\nTestPublicKeys keys\n")
    names = []
    for number, message in enumerate(messages):
        names.append(f"m{number}")
        with open(os.path.join(folder, names[-1]), "wb") as file:
            file.write(message)
    done = subprocess.run(["opendkim", "-x", "opendkim.conf", "-v", "-t", ",".join(names)],
                          cwd=folder, capture_output=True)
    text = (done.stdout + done.stderr).decode(errors="replace")
    passed = set(re.findall(r"^opendkim: (m\d+): verification \(.*\) succeeded$", text, re.M))
    failed = set(re.findall(r"^opendkim: (m\d+): verification \(.*\) failed", text, re.M))
    missing = set(names) - passed - failed
    if missing:
        sys.exit(f"opendkim said nothing of {sorted(missing)}:\n{text[-2000:]}")
    return [name in passed for name in names]


def main():
    rng = random.Random(6376)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        bonafide = Bonafide(os.path.abspath(sys.argv[1]), folder)
        dkimpy = Dkimpy(bonafide)
        for kind in KINDS:
            for canonicalization in ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]:
                ours = []

                def expect(signer, verifier, number, message, found, expected):
                    peer = verifier if signer == "bonafide" else signer
                    if found != expected and peer != "bonafide" and settled(canonicalization, message, peer):
                        counts["settled"] += 1
                    elif found == expected:
                        counts["agreed"] += 1
                    else:
                        counts["disagreed"] += 1
                        print(f"{kind} {canonicalization} message {number}: signed by {signer}, "
                              f"{verifier} says {found}, expected {expected}")

                for number in range(MESSAGES):
                    message = random_message(rng, number)
                    signed = bonafide.sign(message, kind, canonicalization)
                    pairs = [(signed, True), (changed(rng, signed), False)]
                    if not message.endswith(b"\r\n"):
                        # As SMTP delivers it.
                        pairs.append((signed + b"\r\n", True))
                    for text, expected in pairs:
                        expect("bonafide", "dkimpy", number, text, dkimpy.verify(text), expected)
                        expect("bonafide", "bonafide", number, text, bonafide.verify(text), expected)
                        ours.append((number, text, expected))
                    signed = dkimpy.sign(message, kind, canonicalization)
                    for text, expected in [(signed, True), (changed(rng, signed), False)]:
                        expect("dkimpy", "bonafide", number, text, bonafide.verify(text), expected)
                found = opendkim(folder, bonafide.records, [text for _, text, _ in ours])
                for (number, text, expected), result in zip(ours, found):
                    expect("bonafide", "opendkim", number, text, result, expected)
    total = counts["agreed"] + counts["disagreed"]
    print(f"interoperation dkim: {counts['agreed']}/{total} ({counts['settled']} settled by RFC text)")
    sys.exit(1 if counts["disagreed"] or total < 3000 else 0)


main()
