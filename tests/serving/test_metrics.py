"""Numbers in the text format of Prometheus."""

from serving.metrics import Counter, Gauge, Histogram, exposition


def test_a_counter_has_a_line_for_each_combination_of_its_labels() -> None:
    counter = Counter("requests_total", "Requests.", ("route", "status"))
    counter.add(1, "/a", "200")
    counter.add(2, "/a", "200")
    counter.add(1, 'say "\\"\n', "404")
    assert exposition([counter]) == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{route="/a",status="200"} 3\n'
        'requests_total{route="say \\"\\\\\\"\\n",status="404"} 1\n'
    )


def test_a_counter_without_labels_begins_at_zero() -> None:
    assert [*Counter("tokens_total", "Tokens.").lines()] == ["tokens_total 0"]


def test_a_gauge_is_asked_when_it_is_shown() -> None:
    values = [1.5, True]
    gauge = Gauge("rows", "Rows.", values.pop, lambda: {"version": "7"})
    assert [*gauge.lines()] == ['rows{version="7"} 1']
    assert [*gauge.lines()] == ['rows{version="7"} 1.5']


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    histogram = Histogram("seconds", "Seconds.", (0.5, 1.0))
    for value in (0.25, 0.5, 0.75, 8.0):
        histogram.observe(value)
    assert [*histogram.lines()] == [
        'seconds_bucket{le="0.5"} 2',
        'seconds_bucket{le="1.0"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 9.5",
        "seconds_count 4",
    ]
