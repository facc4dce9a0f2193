"""A DNS server of a few lines, for tests on the loopback interface: TXT and A records over UDP.

    python3 dns.py ZONE PORT           prints the port, and serves until it is killed
"""
import re
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "TXT": 16}


def read(text):
    zone = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, rest = line.split(None, 2)
        if kind == "TXT":
            pieces = re.findall(r'"([^"]*)"', rest)
            data = b"".join(bytes([len(piece)]) + piece.encode() for piece in pieces)
        else:
            data = socket.inet_aton(rest)
        zone.setdefault(name.rstrip(".").lower(), []).append((TYPES[kind], data))
    return zone


def answer(zone, packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    at += 5
    kind = struct.unpack(">H", packet[at - 4 : at - 2])[0]
    name = ".".join(labels).lower()
    rows = zone.get(name)
    exists = rows is not None or any(known.endswith("." + name) for known in zone)
    found = [data for row, data in rows or [] if row == kind]
    header = packet[:2] + struct.pack(">HHHHH", 0x8180 | (0 if exists else 3), 1, len(found), 0, 0)
    records = (struct.pack(">HHHIH", 0xC00C, kind, 1, 300, len(data)) + data for data in found)
    return header + packet[12:at] + b"".join(records)


def serve(zone, port=0):
    """Serves in a thread of its own; gives the port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", port))

    def loop():
        while True:
            packet, sender = server.recvfrom(4096)
            server.sendto(answer(zone, packet), sender)

    threading.Thread(target=loop, daemon=True).start()
    return server.getsockname()[1]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(serve(read(file.read()), int(sys.argv[2])), flush=True)
    threading.Event().wait()
