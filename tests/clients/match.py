# SPDX-License-Identifier: GPL-3.0-or-later
"""match.py - what a dialogue writes for values: {name} stands for one that is known, {name:kind} takes one of that kind.

{:kind} demands the kind and forgets the value. {name|xml} and {name|form} write a known one so that it survives there.
"""
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

KINDS = {
    "base64-32": r"[A-Za-z0-9+/]{43}=",  # 32 bytes
    "hex-32": r"[0-9a-fA-F]{64}",
    "sha1": r"[0-9A-F]{40}",
    "number": r"[0-9]+",
    "ip4": r"10\.77\.0\.[0-9]{1,3}",
    "ip6": r"fd77::[0-9a-f:]*",
    "rekey": r"ssl|new-tunnel",
    "text": r".+",
    "any": r".*",
}
HOLE = re.compile(r"\{([a-z0-9_]*)(?::([^}|]+))?(?:\|(xml|form))?\}")
FILTERS = {None: str, "xml": escape, "form": lambda text: urllib.parse.quote_plus(text)}
RANGE = re.compile(r"^(\d+)\.\.(\d+)$")


def fill(text, known):
    """The text that a client sends."""
    def one(hole):
        name, kind, how = hole.groups()
        if kind or name not in known:
            raise KeyError(f"{hole.group(0)} is not known here")
        return FILTERS[how](known[name])
    return HOLE.sub(one, text)


def compile_pattern(text, known):
    pattern, at, ranges, names = "", 0, {}, []
    for n, hole in enumerate(HOLE.finditer(text)):
        name, kind, how = hole.groups()
        pattern += re.escape(text[at:hole.start()])
        at = hole.end()
        if kind is None:
            if name not in known:
                raise KeyError(f"{hole.group(0)} is not known here")
            pattern += re.escape(FILTERS[how](known[name]))
            continue
        bounds = RANGE.match(kind)
        if bounds:
            ranges[f"h{n}"] = range(int(bounds[1]), int(bounds[2]) + 1)
        pattern += f"(?P<h{n}>{KINDS['number'] if bounds else KINDS[kind]})"
        names.append((f"h{n}", name))
    return re.compile(pattern + re.escape(text[at:]), re.S), ranges, names


def match(text, got, known):
    """Whether got is what text says; takes its values into known if so."""
    pattern, ranges, names = compile_pattern(text, known)
    m = pattern.fullmatch(got)
    if m is None or any(int(m[group]) not in allowed for group, allowed in ranges.items()):
        return False
    known.update({name: m[group] for group, name in names if name})
    return True


def show(text, known):
    """For a failure: known values filled in, the kinds of others left."""
    return HOLE.sub(lambda hole: known[hole[1]] if hole[2] is None and hole[1] in known else hole[0], text)


# {{ documents }}

def parse_xml(text):
    return ElementTree.fromstring(text)


def compare_xml(want, got, known, report, path=""):
    """Every element, attribute and text; report(what, good, expected, got) hears of each."""
    path = f"{path}/{want.tag}"
    if not report(f"element {path}", want.tag == got.tag, want.tag, got.tag):
        return
    for name in sorted(set(want.attrib) | set(got.attrib)):
        a, b = want.get(name), got.get(name)
        good = a is not None and b is not None and match(a, b, known)
        report(f"attribute {name} of {path}", good, "none" if a is None else show(a, known), "none" if b is None else b)
    a, b = (want.text or "").strip(), (got.text or "").strip()
    report(f"text of {path}", match(a, b, known), show(a, known), b)
    names = [e.tag for e in want], [e.tag for e in got]
    if report(f"children of {path}", names[0] == names[1], " ".join(names[0]) or "none", " ".join(names[1]) or "none"):
        for pair in zip(want, got):
            compare_xml(*pair, known, report, path)
