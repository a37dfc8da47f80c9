from tl_core.engine.visits import Visits


def test_a_visitor_who_stops_polling_is_gone_and_one_who_polls_stays():
    now, gone = [0.0], []
    visits = Visits(timeout_s=90, on_gone=gone.append, clock=lambda: now[0])
    visits.touch("ann")
    visits.touch("bob")
    now[0] = 80
    visits.touch("bob")
    now[0] = 100
    assert visits.reap() == ["ann"]
    assert gone == ["ann"]
    assert visits.count() == 1


def test_the_thread_says_goodbye_by_itself():
    import threading

    left = threading.Event()
    visits = Visits(timeout_s=0.01, on_gone=lambda _visitor: left.set())
    visits.start()
    visits.touch("ann")
    assert left.wait(10)
    visits.close()
