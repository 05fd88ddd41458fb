#!/usr/bin/env python3
"""bench-peers notices rows that differ: what it compares, and what it lets pass."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench/peers"))
sys.dont_write_bytecode = True
import measure  # noqa: E402

LAST_AT = 1_000_000


def line(name="ab-1", tab="OPEN", status="NEW", outcome="null", changed_at=1000, opened_at=1000, attempt=1):
    return "\t".join(str(word) for word in ("acme", name, tab, status, outcome, changed_at, opened_at, attempt)) + "\t"


def resolved(changed_at, outcome="RECONNECTED", **more):
    return line(tab="DONE", status="RESOLVED", outcome=outcome, changed_at=changed_at, **more)


class Compared(unittest.TestCase):
    def differ(self, expected, found):
        """How many rows, and how many attempts."""
        lines, attempts = measure.differences(measure.rows_of(expected, LAST_AT), measure.rows_of(found, LAST_AT))
        return len(lines), attempts

    def test_the_same(self):
        self.assertEqual(self.differ([line(), resolved(2000)], [line(), resolved(2000)]), (0, 0))

    def test_a_row_is_missing_or_is_one_too_many(self):
        self.assertEqual(self.differ([line(), line("ab-2")], [line()]), (1, 0))
        self.assertEqual(self.differ([line()], [line(), line("ab-2")]), (1, 0))

    def test_another_millisecond(self):
        self.assertEqual(self.differ([line()], [line(changed_at=1001, opened_at=1001)]), (1, 0))
        self.assertEqual(self.differ([line(), resolved(2000)], [line(), resolved(2001)]), (1, 0))

    def test_another_outcome_or_none(self):
        self.assertEqual(self.differ([line(), resolved(2000)], [line(), resolved(2000, outcome="CONVERTED")]), (1, 0))
        self.assertEqual(self.differ([line(), resolved(2000)], [line()]), (1, 0))

    def test_another_attempt_is_counted(self):
        self.assertEqual(self.differ([line()], [line(attempt=2)]), (0, 1))

    def test_a_job_may_overtake_talk(self):
        job = resolved(3000, outcome="CONVERTED")
        self.assertEqual(self.differ([line(), resolved(2000), job], [line(), job]), (0, 0))

    def test_a_version_of_other_fields_is_no_change(self):
        self.assertEqual(self.differ([line(), resolved(2000), resolved(5000)], [line(), resolved(2000)]), (0, 0))

    def test_the_last_seconds_and_what_comes_after_the_events(self):
        late = LAST_AT - measure.LATENESS_MS
        self.assertEqual(self.differ([line(), resolved(late)], [line()]), (0, 0))
        self.assertEqual(self.differ([line()], [line(), line(tab="COLD", changed_at=LAST_AT + 1)]), (0, 0))
        self.assertEqual(self.differ([line(), resolved(late - 1)], [line()]), (1, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
