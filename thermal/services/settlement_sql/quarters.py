"""How settlement names the quarter hour of an instant, and cuts what lies between two instants at the quarter hours."""

# The start of the quarter hour in which an instant lies.
QUARTER = "date_bin('15 minutes', {}, 'epoch')"

# Each row from `since` to `at`, once per quarter hour `q.start` of the span that it touches, and there from `cut.lo` to
# `cut.hi`.
CUT = """
    CROSS JOIN LATERAL generate_series(
        greatest(date_bin('15 minutes', since, 'epoch'), t0), least(at, t1) - interval '1 microsecond',
        interval '15 minutes'
    ) q (start)
    CROSS JOIN LATERAL (
        SELECT greatest(since, q.start) AS lo, least(at, q.start + interval '15 minutes') AS hi
    ) cut"""
