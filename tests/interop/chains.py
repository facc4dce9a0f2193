#!/usr/bin/env python3
"""ARC chains between this library and others, both ways.

Random messages pass 1 to 10 hops, each of which may change them, add results and seal. Of 40 messages all
hops are `bonafide seal`; dkimpy and Mail::DKIM validate every chain, at each hop. Of 20 others, hops of dkimpy and of
`bonafide seal` alternate at random, and all three validate those. A chain whose message, results or older seals
changed passes nowhere, and sealed then it passes nowhere either. Everybody must agree on every chain.

usage: chains.py BONAFIDE        the path of the command; needs dkimpy, authres and Mail::DKIM
"""

import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import dkim

NOW = 1795478400
DOMAIN = "lists.example"
HERE = os.path.dirname(os.path.abspath(__file__))


def random_message(rng, number):
    """A message in CRLF whose traits depend on its number."""
    fields = [
        b"From: Joe <joe@example.com>",
        b"To: a@example.net,\r\n\tb@example.net",
        b"Subject: doubled  blanks \t and a tab ",
        b"Date: Tue, 24 Nov 2026 00:00:00 +0000",
        b"Message-ID: <%d.%d@example.com>" % (number, rng.randrange(1 << 30)),
        b"MIME-Version: 1.0",
    ]
    if number % 3 == 0:
        fields.append(b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=AAAA; b=AAAA")
    if number % 7 == 1:
        fields.append("Subject: caf\u00e9".encode())
    if number % 11 == 3:
        fields.append(b"Cc:")
    rng.shuffle(fields)
    lines = []
    for _ in range(rng.randrange(20)):
        words = [bytes(rng.choices(b"abcdefghij.=-<>", k=rng.randrange(1, 12))) for _ in range(rng.randrange(12))]
        lines.append(b"".join(word + rng.choice([b" ", b"  ", b"\t"]) for word in words).rstrip(b"" if number % 2 else b" \t"))
    if number % 4 == 1:
        lines.append(bytes(rng.choices(range(0x80, 0x100), k=60)))
    lines.append(b"the end")
    return b"\r\n".join(fields) + b"\r\n\r\n" + b"\r\n".join(lines) + b"\r\n" * rng.randrange(1, 4)


def modified(rng, message):
    """What a forwarder does to a message before it seals."""
    change = rng.randrange(5)
    if change == 0:
        return b"Received: from a.example by lists.example;\r\n Tue, 24 Nov 2026 00:00:00 +0000\r\n" + message
    if change == 1:
        return b"List-Id: <list.lists.example>\r\n" + message
    if change == 2:
        return message.replace(b"Subject: ", b"Subject: [list] ", 1)
    if change == 3:
        return message + b"-- \r\nThe list\r\n"
    return message


def broken(rng, message):
    """A message with one letter changed that its newest set covers, or the chain does."""
    places = [message.index(b"joe@example.com"), message.index(b"the end")]
    places += [match.end() for match in re.finditer(rb"spf=p|\bi=\d+; mx|smtp\.mailfrom=", message)
               if message.rfind(b"\r\nARC-Auth", 0, match.end()) > message.rfind(b"\r\nAuth", 0, match.end())]
    at = rng.choice(places)
    return message[:at] + (b"z" if message[at:at + 1] != b"z" else b"y") + message[at + 1:]


def results(number, cv):
    """What one hop found; the name of SPF's property is as RFC 8601 has it."""
    return (f"mx.example; arc={cv} (as found);\r\n\tspf=pass smtp.mailfrom=a{number}.example;\r\n"
            f"\tdkim=pass header.d=example.com; dmarc=pass header.from=example.com")


class Bonafide:
    def __init__(self, command, folder):
        self.command, self.folder, self.records = command, folder, {}
        self.zone = os.path.join(folder, "zone")
        self.key = os.path.join(folder, "key")
        line = self.run("keygen", "--domain", DOMAIN, "--selector", "s", "--key", self.key)
        name = line.split(b" ", 1)[0].rstrip(b".").decode()
        self.records[name] = b"".join(re.findall(rb'"([^"]*)"', line))
        with open(self.zone, "w") as zone:
            for name, text in self.records.items():
                zone.write(f'{name} TXT "{text.decode()}"\n')

    def run(self, *arguments, data=b""):
        return subprocess.run([self.command, *arguments], input=data, capture_output=True, check=True).stdout

    def seal(self, message, received, canonicalization):
        file = os.path.join(self.folder, "received")
        with open(file, "wb") as out:
            out.write(received)
        return self.run("seal", "--received", file, "--domain", DOMAIN, "--selector", "s", "--key", self.key, "--authserv-id", "mx.example",
                        "--canonicalization", canonicalization, "--zone", self.zone, "--now", str(NOW), data=message)

    def verify(self, message):
        report = self.run("verify", "--zone", self.zone, "--now", str(NOW), "--format", "json", data=message)
        return json.loads(report)["arc"]["result"]


class Dkimpy:
    def __init__(self, bonafide):
        self.records = bonafide.records
        with open(bonafide.key, "rb") as key:
            pem = subprocess.run(["openssl", "rsa", "-traditional"], input=key.read(), capture_output=True, check=True)
        self.key = pem.stdout

    def lookup(self, name, timeout=5):
        return self.records.get(name.decode().rstrip("."))

    def seal(self, message):
        fields = dkim.arc_sign(message, b"s", DOMAIN.encode(), self.key, b"mx.example", timestamp=NOW)
        if len(fields) != 3:
            sys.exit(f"dkimpy made {len(fields)} fields of {message!r}")
        return b"".join(fields) + message

    def verify(self, message):
        cv, _, reason = dkim.arc_verify(message, dnsfunc=self.lookup)
        # It has no result for a seal that says cv=fail; RFC 8617 section 5.2 step 2 has.
        return (cv or b"fail").decode()


def mail_dkim(bonafide, messages):
    """The result for each message, by one process for all."""
    names = []
    for number, message in enumerate(messages):
        names.append(os.path.join(bonafide.folder, f"m{number}"))
        with open(names[-1], "wb") as file:
            file.write(message)
    done = subprocess.run(["perl", os.path.join(HERE, "chains.pl"), bonafide.zone, *names], capture_output=True)
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or len(lines) != len(messages):
        sys.exit(f"Mail::DKIM said {len(lines)} lines of {len(messages)} messages:\n{done.stderr.decode(errors='replace')}")
    return [tuple(line.split("\t", 1)) for line in lines]


def main():
    rng = random.Random(8617)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        bonafide = Bonafide(os.path.abspath(sys.argv[1]), folder)
        dkimpy = Dkimpy(bonafide)
        chains = []

        def expect(label, verifier, found, expected, why=""):
            # Where Mail::DKIM says that a chain is invalid, it fails (RFC 8617 section 4.4).
            found = "fail" if found == "invalid" else found
            counts["agreed" if found == expected else "disagreed"] += 1
            if found != expected:
                print(f"{label}: {verifier} says {found} {why}, expected {expected}")

        def check(label, message, expected):
            expect(label, "bonafide", bonafide.verify(message), expected)
            expect(label, "dkimpy", dkimpy.verify(message), expected)
            chains.append((label, message, expected))

        for number in range(60):
            message = random_message(rng, number)
            sealers = []
            for hop in range(1, 2 + number % 10):
                sealers.append(rng.choice(["dkimpy", "bonafide"]) if number >= 40 else "bonafide")
                received = message
                message = modified(rng, message)
                # The results of the hop before are removed, as those of one administration are.
                message = re.sub(rb"(?m)^Authentication-Results: .*\r\n(?:[ \t].*\r\n)*", b"", message)
                found = results(hop, "none" if hop == 1 else "pass")
                message = b"Authentication-Results: " + found.encode() + b"\r\n" + message
                canonicalization = rng.choice(["relaxed/relaxed", "relaxed/relaxed", "relaxed/simple", "simple/simple"])
                if sealers[-1] == "bonafide":
                    message = bonafide.seal(message, received, canonicalization)
                else:
                    message = dkimpy.seal(message)
                check(f"message {number} sealed by {', '.join(sealers)}", message, "pass")
            failing = broken(rng, message)
            check(f"message {number} broken", failing, "fail")
            check(f"message {number} broken and sealed", bonafide.seal(failing, failing, "relaxed/relaxed"), "fail")
        found = mail_dkim(bonafide, [message for _, message, _ in chains])
        for (label, _, expected), (result, why) in zip(chains, found):
            expect(label, "Mail::DKIM", result, expected, why)
    total = counts["agreed"] + counts["disagreed"]
    print(f"interoperation arc: {counts['agreed']}/{total}")
    sys.exit(1 if counts["disagreed"] or total < 1350 else 0)


main()
