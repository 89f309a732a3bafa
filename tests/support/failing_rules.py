"""A group whose rules fail at some instants, depending on the time alone."""

from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup


def failing_group(now, alerts_from):
    """Two elements come out with one label set, or more than two elements; `now` is an expression for the time."""

    def when(remainder):
        return f"vector(1) and vector({now}) % {remainder} > 2"

    def alert(name, expr, *, waits=0.0, keeps=0.0, labels=()):
        return AlertRule(name, f"{expr} and on () vector({now}) > {alerts_from}", waits, keeps, labels)

    rules = (
        RecordingRule("t", now),
        RecordingRule("src", "vector(1)", (("i", "1"),)),
        RecordingRule("src", when(7), (("i", "2"),)),
        RecordingRule("src", when(5), (("i", "3"),)),
        RecordingRule("too_many", "src"),
        RecordingRule("alike", 'src{i!="1"}', (("i", ""),)),
        alert("TooMany", "src", waits=1, keeps=1),
        alert("Enough", 'src{i!="1"}', keeps=1),
        alert("Alike", 'src{i!="1"}', waits=2, labels=(("i", ""),)),
        # The same series from two rules: the first sample of an instant stays.
        RecordingRule("twice", f"{when(4)} or vector(2)"),
        RecordingRule("twice", "vector(2)"),
        RecordingRule("twice_by_turns", when(3)),
        RecordingRule("twice_by_turns", when(4)),
        alert("Same", "vector(1) and twice_by_turns"),
        alert("Same", 'src{i="2"}', labels=(("i", ""),)),
        RecordingRule("alerts_seen", "count(ALERTS)"),
    )
    return RuleGroup("g", rules, interval_s=1.0, limit=2)
