# SPDX-License-Identifier: GPL-3.0-or-later
"""dialogue.py - reads the files of dialogues/. The lines are told in README.md there."""
import dataclasses
import os
import shlex


@dataclasses.dataclass
class Message:
    """A request or an answer: first line, header lines, lines of the body."""
    start: str
    fields: list
    body: list
    at: str

    def text(self):
        """The body. A document ends with a line feed, a form does not."""
        text = "\n".join(self.body)
        return text + "\n" if text.startswith("<") else text


@dataclasses.dataclass
class Step:
    title: str
    connection: str
    fresh: bool
    at: str
    actions: list = dataclasses.field(default_factory=list)  # (verb, argument, place)


@dataclasses.dataclass
class Dialogue:
    name: str
    title: str = ""
    server: str = ""
    values: dict = dataclasses.field(default_factory=dict)
    steps: list = dataclasses.field(default_factory=list)


VERBS = ("frame>", "frame<", "closed", "silent", "wait", "ping", "drop", "same", "differ")


class Reader:
    def __init__(self, path):
        self.dialogue = Dialogue(os.path.splitext(os.path.basename(path))[0])
        self.blocks = {}
        self.block = None
        self.kind = None  # of the message being read, ">" or "<"
        self.read(path)

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            for n, line in enumerate(file, 1):
                self.line(line.rstrip("\n"), f"{os.path.basename(path)}:{n}", path)

    def line(self, line, at, path):
        word, _, rest = line.partition(" ")
        if word == "block":
            self.block = self.blocks.setdefault(rest, [])
        elif word == "end":
            self.block = None
        elif self.block is not None:
            self.block.append(line)
        elif line[:1] in (">", "<"):
            self.message(line[0], line[2:] if line[1:2] == " " else line[1:], at)
        else:
            if word not in ("use", "#", ""):
                self.kind = None
            self.command(word, rest.strip(), at, path)

    def command(self, word, rest, at, path):
        d = self.dialogue
        if word in ("", "#") or word.startswith("#"):
            return
        if word == "include":
            self.read(os.path.join(os.path.dirname(path), rest))
        elif word == "title":
            d.title = rest
        elif word == "server":
            d.server = rest
        elif word == "let":
            name, _, value = rest.partition("=")
            d.values[name.strip()] = value.strip()
        elif word == "use":
            for line in self.blocks[rest]:
                self.line(line, f"{at} ({rest})", path)
        elif word == "==":
            title, _, where = rest.partition("|")
            how, _, name = where.strip().partition(" ")
            if how not in ("", "new", "on"):
                raise ValueError(f"{at}: '{how}' is neither new nor on")
            d.steps.append(Step(title.strip(), name.strip() or "main", how == "new", at))
        elif word in VERBS:
            d.steps[-1].actions.append((word, shlex.split(rest), at))
        else:
            raise ValueError(f"{at}: cannot read '{word}'")

    def message(self, kind, text, at):
        if kind == "<" and text.startswith("@"):
            for line in self.blocks[text[1:]]:
                self.line(line, at, None)
            return
        actions = self.dialogue.steps[-1].actions
        if self.kind != kind:
            self.kind, self.in_body = kind, False
            actions.append((kind, Message(text, [], [], at), at))
            return
        m = actions[-1][1]
        if self.in_body:
            m.body.append(text)
        elif text == "":
            self.in_body = True
        else:
            m.fields.append(text)


def read(path):
    return Reader(path).dialogue
