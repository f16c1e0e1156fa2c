"""What a split was found to be: findings by severity, and what could not be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regard.data.leakage.contract import Finding, Severity

PAGE = "docs/leakage.md"
"""Where each finding is explained."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Whether anything sees the future. `str()` is a short table, `to_dict()` is ready for JSON.

    Attributes:
        source: what was examined.
        protocol: how it was cut, in words.
        findings: the gravest first; in the order of the checks where equally grave.
        checked: names of the checks that looked.
        left_out: name of a check -> why it could not look.

    Example:
        >>> print(Diagnosis(source="plays.csv", protocol="leave-last-out", findings=(),
        ...                 checked=("future-in-history",), left_out={}))
        Does anything see the future? plays.csv, leave-last-out
          nothing found by 1 check
    """

    source: str
    protocol: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """What makes numbers wrong."""
        return self._of(Severity.LEAK)

    @property
    def risks(self) -> tuple[Finding, ...]:
        """What may flatter."""
        return self._of(Severity.RISK)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What is worth knowing."""
        return self._of(Severity.NOTE)

    def warnings(self) -> tuple[str, ...]:
        """Leaks and risks in a line each, and where to read more; nothing where there is none."""
        lines = tuple(str(finding) for finding in (*self.leaks, *self.risks))
        return (*lines, f"What these mean and what to do: {PAGE}") if lines else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "source": self.source,
            "protocol": self.protocol,
            "findings": [finding.to_dict() for finding in self.findings],
            "checked": list(self.checked),
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        lines = [f"Does anything see the future? {self.source}, {self.protocol}"]
        checks = f"{len(self.checked)} check{'s' if len(self.checked) != 1 else ''}"
        if not self.findings:
            lines.append(f"  nothing found by {checks}")
        width = max((len(finding.name) for finding in self.findings), default=0)
        for finding in self.findings:
            rows = ", ".join(str(sample["row"]) for sample in finding.samples)
            lines += [
                f"  {finding.severity:<4}  {finding.name:<{width}}  {finding.sentence}"
                + (f" Rows such as {rows}." if rows else ""),
                f"  {'':<4}  {'':<{width}}  > {finding.advice}",
            ]
        for why in dict.fromkeys(self.left_out.values()):
            names = ", ".join(name for name, reason in self.left_out.items() if reason == why)
            lines.append(f"  not looked at: {names} ({why})")
        return "\n".join(lines)

    def _of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(each for each in self.findings if each.severity is severity)
