from preprocessing.base import progress


def test_reports_reach_the_sink_until_it_is_taken_away():
    received = []
    progress.report(phase="read", done=1)
    progress.set_sink(received.append)
    try:
        progress.report(phase="read", done=2, rate=0.5)
    finally:
        progress.set_sink(None)
    progress.report(phase="read", done=3)
    assert received == [{"phase": "read", "done": 2, "rate": 0.5}]
