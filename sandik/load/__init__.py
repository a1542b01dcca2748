"""The load tester: many thin clients in several processes, a feed on a fixed schedule, and what was measured."""
