"""What a kind of document is: what it is called, what it is guessed by, what its columns can mean, and who reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ingest.sources.header import Headers
from ingest.sources.reading import Asked, Reading
from ingest.sources.refusals import refusal


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column can be mapped to: its name in ``Mapping.columns``, and how people are told of it."""

    name: str
    label: str


@dataclass(frozen=True)
class Reader:
    """One kind of document. ``label`` names it in lists, ``one`` in a sentence (*a billed report*).

    ``words`` are the words (alternatives of an expression) by which a name, a title or a header tells of it. ``fields`` stand in the
    order in which a person is offered them; of each tuple in ``needs`` at least one has to be mapped. ``lines`` are the columns of
    ``Reading.lines``. ``read`` raises Unreadable for what is refused as a whole, and nothing else; so does ``read_answers``, which
    reads an archive of answers of this kind. Where a kind has no ``fields`` it comes in no other form, and has no columns to map.
    """

    code: str
    label: str
    one: str
    words: str
    headers: Headers
    fields: tuple[Field, ...]
    needs: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    read: Callable[[bytes, Asked], Reading]
    read_answers: Callable[[bytes, Asked], Reading] | None = None

    @property
    def has_columns(self) -> bool:
        return bool(self.fields)

    @property
    def labels(self) -> dict[str, str]:
        return {field.name: field.label for field in self.fields}

    def is_needed(self, field: str) -> bool:
        """Whether a field is one of those without which, or without another like it, nothing can be read."""
        return any(field in names for names in self.needs)


Readers = Mapping[str, Reader]


def fitting(readers: Readers, header: Sequence[str]) -> list[Reader]:
    """The kinds whose header this could be."""
    return [reader for reader in readers.values() if reader.has_columns and reader.headers.fit(header)]


def answers_reader(code: str, label: str, one: str, lines: tuple[str, ...], read: Callable[[bytes, Asked], Reading]) -> Reader:
    """A kind that is only read from archives of answers. Neither a name nor a header tells of it."""

    def refuse(data: bytes, asked: Asked) -> Reading:
        message = f"This is no archive of answers, and {one} is read from nothing else. Pull it, or drop the archive of a pull."
        raise refusal("no_answers", message)

    return Reader(
        code, label, one, "(?!)", Headers(lambda rows: None, lambda cells: 0, "an archive of answers"), (), (), lines, refuse, read
    )
