"""The input: small CSV files that are written, rewritten, renamed, copied and deleted while everything else goes on."""

import os
import random
from collections import Counter
from pathlib import Path

ROWS_MAX = 5


class Files:
    """What lies in the source directory, and what has to be in the topics once all is quiet."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self.root = root
        self.rng = rng
        self.contents: dict[str, int] = {}
        self.rows: dict[int, int] = {}
        self.names = 0

    def create(self, count: int) -> None:
        for _ in range(count):
            self.names += 1
            self._write(f"d{self.names % 23}/f{self.names}.csv")

    def change(self) -> None:
        """One thing that may happen to files."""
        kinds = [self._new, self._rewrite, self._rewrite_in_place, self._rename, self._copy, self._delete]
        kind = self.rng.choices(kinds, weights=[4, 4, 2, 2, 1, 2])[0]
        if kind == self._new or not self.contents:
            self.create(1)
        else:
            kind(self.rng.choice(sorted(self.contents)))

    def expected(self) -> Counter:
        """Rows by content: the same content at several paths is there once."""
        return Counter({content: self.rows[content] for content in set(self.contents.values())})

    def _new(self, _name: str) -> None:
        self.create(1)

    def _rewrite(self, name: str) -> None:
        self._write(name)

    def _rewrite_in_place(self, name: str) -> None:
        content, text = self._content()
        with open(self.root / name, "w") as file:
            half = len(text) // 2
            file.write(text[:half])
            file.flush()
            file.write(text[half:])
        self.contents[name] = content

    def _rename(self, name: str) -> None:
        self.names += 1
        target = f"d{self.names % 23}/r{self.names}.csv"
        self._parent(target)
        os.rename(self.root / name, self.root / target)
        self.contents[target] = self.contents.pop(name)

    def _copy(self, name: str) -> None:
        self.names += 1
        target = f"d{self.names % 23}/c{self.names}.csv"
        self._replace(target, (self.root / name).read_text())
        self.contents[target] = self.contents[name]

    def _delete(self, name: str) -> None:
        os.unlink(self.root / name)
        del self.contents[name]

    def _write(self, name: str) -> None:
        content, text = self._content()
        self._replace(name, text)
        self.contents[name] = content

    def _content(self) -> tuple:
        content = len(self.rows) + 1
        self.rows[content] = self.rng.randint(1, ROWS_MAX)
        rows = "".join(f"{content},{number}\n" for number in range(self.rows[content]))
        return content, "content,number\n" + rows

    def _replace(self, name: str, text: str) -> None:
        self._parent(name)
        part = self.root / (name + ".part")
        part.write_text(text)
        os.rename(part, self.root / name)

    def _parent(self, name: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
