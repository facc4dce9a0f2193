#!/usr/bin/env python3
"""Turns the public SPF suite into lines that a C program reads without a parser for YAML.

    suite.py rfc7208-tests.yml > suite.txt          (pip install PyYAML)

    zone                                             a new zone; the cases behind it are about it
    record NAME TYPE RDATA                           all in hexadecimal but the type; NAME and RDATA as in packets
    timeout NAME TYPE                                such a question has no answer
    case NAME ADDRESS HELO MAIL_FROM RESULTS         the name and the results, with bars between them, as they are
    explanation TEXT                                 of the case above
An empty field is a hyphen.
"""
import ipaddress
import struct
import sys

import yaml

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}


def octets(text):
    """Characters below 256 are octets."""
    return b"".join(bytes([ord(c)]) if ord(c) < 256 else c.encode() for c in str(text))


def name(text):
    labels = [label for label in octets(text).rstrip(b".").split(b".") if label]
    if any(len(label) > 63 for label in labels):
        return None
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def strings(texts):
    pieces = []
    for text in map(octets, texts):
        pieces += [text[at : at + 255] for at in range(0, len(text), 255)] or [b""]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def rdata(kind, value):
    if kind == "TXT":
        return strings(value if isinstance(value, list) else [value])
    if kind == "MX":
        return struct.pack(">H", int(value[0])) + name(value[1])
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    return name(value)


def field(data):
    return data.hex() if data else "-"


def zone(data):
    print("zone")
    for owner, rows in data.items():
        owner = name(owner)
        if owner is None:
            continue
        pairs = [next(iter(row.items())) for row in rows if isinstance(row, dict)]
        has_txt = any(kind == "TXT" for kind, _ in pairs)
        kinds = set()
        for kind, value in pairs:
            if kind == "SPF":
                if has_txt:
                    continue
                kind = "TXT"
            elif kind == "TXT" and value == "NONE":
                continue
            print("record", field(owner), TYPES[kind], field(rdata(kind, value)))
            kinds.add(kind)
        if "TIMEOUT" in rows:
            for kind in ("A", "AAAA", "MX", "PTR", "TXT"):
                if kind not in kinds:
                    print("timeout", field(owner), TYPES[kind])


class Loader(yaml.SafeLoader):
    """Times and numbers with colons are texts: so are addresses."""


for first in list(Loader.yaml_implicit_resolvers):
    Loader.yaml_implicit_resolvers[first] = []

with open(sys.argv[1], encoding="utf-8") as file:
    for scenario in yaml.load_all(file, Loader):
        zone(scenario["zonedata"])
        for title, case in scenario["tests"].items():
            results = case["result"]
            results = results if isinstance(results, list) else [results]
            address = ipaddress.ip_address(case["host"]).packed
            print("case", title, field(address), field(octets(case["helo"])),
                  field(octets(case["mailfrom"])), "|".join(results))
            if "explanation" in case:
                print("explanation", field(octets(case["explanation"])))
