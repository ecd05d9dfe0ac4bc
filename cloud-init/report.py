#!/usr/bin/env python3
"""Prints one step's report as JSON, with the end of its log and without any secret.

report.py <step> <done|failed> <seconds> <message> <log file> <file of secrets, one a line>
"""
import json
import re
import sys
from datetime import datetime, timezone

LOG_BYTES = 16 * 1024
SECRET = re.compile(
    r"(?<=X-Amz-Signature=)[0-9A-Fa-f]+"
    r"|K10[0-9a-f]{64}::\w+:\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def clean(text, secrets):
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return SECRET.sub("[redacted]", text)


def main(step, state, seconds, message, log_file, secrets_file):
    secrets = [line for line in read(secrets_file).split("\n") if line]
    # Cleaned before it is cut: a secret cut in two would not be found.
    log = clean(read(log_file), secrets).encode()[-LOG_BYTES:].decode("utf-8", "ignore")
    report = {
        "step": step,
        "state": state,
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": int(seconds),
        "bootId": read("/proc/sys/kernel/random/boot_id").strip(),
        "message": clean(message, secrets),
    }
    if log:
        report["log"] = log
    print(json.dumps(report))


main(*sys.argv[1:])
