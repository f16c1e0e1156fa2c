"""What is known of a public log before any of it is on this machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from regard.data.ingest.table import Table


@dataclass(frozen=True, kw_only=True)
class Published:
    """One file as its publisher offers it.

    Attributes:
        url: where it lies.
        size: bytes, for people and for progress; None where nobody states it.
        md5: the checksum that the publisher states, or None.
        members: of a zip archive, the files that are wanted, by their last names: the log first,
            which must be there, then tables that may be missing. Empty where the file is the log.
        part: folder for the members, where several archives hold files of one name.

    Example:
        >>> Published(url="https://example.org/logs/plays.zip", members=("plays.csv",)).filename
        'plays.zip'
    """

    url: str
    size: int | None = None
    md5: str | None = None
    members: tuple[str, ...] = ()
    part: str = ""

    @property
    def filename(self) -> str:
        """The name of the file."""
        return urlsplit(self.url).path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its ending: the folder that the archive usually unpacks to."""
        return self.filename.partition(".")[0]

    def names(self) -> dict[str, str]:
        """Each wanted file, by its name beside those of the other archives."""
        return {f"{self.part}/{name}" if self.part else name: name for name in self.members}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A public log: where it comes from, on which terms, and how it is read.

    Attributes:
        name: what it is called here.
        title: what its publisher calls it.
        rows: interactions; where `rounded`, as the publisher rounds them.
        licence: the terms in a few words.
        terms: the terms in sentences, shown before the first download.
        page: where the publisher describes it.
        citation: what to cite.
        opens: from raw files by their names to the table of the log, with tables of items and
            users beside it.
        files: what is downloaded; empty for a log that comes with the package.
        unpacked: bytes of the wanted files, which an archive may not exceed.
        rounded: whether `rows` is rounded.
    """

    name: str
    title: str
    rows: int
    licence: str
    terms: str
    page: str
    citation: str
    opens: Callable[[Mapping[str, Path]], Table]
    files: tuple[Published, ...] = ()
    unpacked: int = 0
    rounded: bool = False

    @property
    def size(self) -> int | None:
        """Bytes to download; None where some file states none."""
        sizes = [each.size for each in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def introduction(self) -> str:
        """What somebody must know before downloading it.

        Example:
            >>> from regard.data.datasets.registry import dataset
            >>> print(dataset("ml-100k").introduction().splitlines()[0])
            ml-100k: MovieLens 100K, 100,000 interactions
        """
        about = "about " if self.rounded else ""
        return (
            f"{self.name}: {self.title}, {about}{self.rows:,} interactions\n"
            f"Licence   {self.terms}\nSource    {self.page}\nCite      {self.citation}"
        )
