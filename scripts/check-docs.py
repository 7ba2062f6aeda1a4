#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check-docs.py - names in the documents are real: files of the tree and links, commands of occtl, options in examples, events of the
# log, counters. An event is `folder.word` in backquotes that is no file; options are lines "name = value" of indented blocks.
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *sorted(glob.glob("docs/**/*.md", recursive=True))]
sources = "".join(read(p) for p in glob.glob("src/**/*.c", recursive=True))
events = set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)[ :"]', sources))
areas = {event.split(".")[0] for event in events}
table = read("src/config/options.def")
options = set(re.findall(r'^(?:OPT_\w+\(\w+,|OBSOLETE\(|ALIAS\()\s*"([^"]+)"', table, re.M))
commands = [c.split() for c in re.findall(r'^CMD\("([^"]+)"', read("src/control/cmds.def"), re.M)]
own_words = [["-s"], ["-j"], ["--json"], ["-d"], ["-n"], ["--help"], ["help"], ["top"], ["upgrade"]]
bad = []


def complain(path, line, what):
    bad.append(f"{path}:{line}: {what}")


def is_command(words):
    """Whole, with arguments or a sentence behind it; or the beginning of several, as in "`occtl disconnect` ends"."""
    return words[:1] in own_words or any(words[: len(c)] == c or c[: len(words)] == words for c in commands)


def check_files(path, n, text):
    for name in re.findall(r"`((?:src|tools|tests|scripts|docs|packaging)/[\w./*-]+)`", text):
        if "NAME" not in name and not glob.glob(name):
            complain(path, n, f"no file {name}")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not os.path.exists(os.path.join(os.path.dirname(path), target)):
            complain(path, n, f"link to {target}, which is not there")


def check_commands(path, n, text):
    for said in re.findall(r"(?:^ {4}[#$] |`|&& )occtl ((?:[a-z]+ ?)+)", text):
        if not is_command(said.split()):
            complain(path, n, f"occtl has no command '{said.strip()}'")


def check_events(path, n, text):
    for event in re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", text):
        if event.split(".")[0] in areas and event not in events and not glob.glob(f"**/{event}", recursive=True):
            complain(path, n, f"no event {event} in the sources")


def check_options(path, n, text):
    option = re.match(r" {4}([a-z][a-z0-9-]+) = ", text)
    if option and path.startswith("docs/guide/") and option[1] not in options:
        complain(path, n, f"no option {option[1]}")


for document in documents:
    for number, line in enumerate(read(document).splitlines(), 1):
        check_files(document, number, line)
        check_commands(document, number, line)
        check_events(document, number, line)
        check_options(document, number, line)
print("\n".join(bad), end="\n" if bad else "")
print(f"check-docs: {len(documents)} documents, {len(bad)} names that are not real")
sys.exit(1 if bad else 0)
