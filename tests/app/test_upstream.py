"""Faults of Streamlit and uvicorn that pages/server/compat/ mends, each there without its file.

Where one of these fails, upstream has mended it: its file in compat/, its line in docs/upstream.md
and its test here can go. `pages_folder.py` has its test in tests/e2e/test_upstream.py.
"""

import contextvars
import gc
import weakref
from types import SimpleNamespace

import pytest
from streamlit import net_util
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState
from streamlit.runtime.state import SessionState
from streamlit.testing.v1 import AppTest
from streamlit.web.server import server_util

from pages.server.compat import gone_widgets
from pages.server.compat.containers import begin_at_the_top
from pages.server.compat.pages_folder import leave_pages_to_navigation
from pages.server.compat.timers import let_timers_change_nothing
from pages.server.compat.widget_values import refuse_wrong_values
from pages.server.messages import MOST_WIDGETS
from tests.app.conftest import run, tell_component
from tests.app.test_callbacks import page as cut_off
from tests.app.test_connections import is_ended, line, most_held_of_pongs, server
from tests.app.test_references import drawing, large
from tests.app_process import ROOT
from tests.browser_cache import MAX_AGE, BrowserCache


def test_callbacks_a_newer_click_ends_what_a_click_does_in_its_middle():
    app = AppTest.from_function(cut_off).run()
    app.button[0].click().run()
    assert app.caption[0].value == "True False"  # begun, and not ended


def page_with_a_part() -> None:
    import streamlit as st
    from streamlit.delta_generator_singletons import context_dg_stack
    from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

    @st.fragment
    def part() -> None:
        st.session_state.part = ThreadState.get().fragment_id
        st.session_state.drawn = st.session_state.get("drawn", 0) + 1

    st.session_state.depths = [*st.session_state.get("depths", []), len(context_dg_stack.get())]
    with st.container():
        part()


def depths_around_a_part(monkeypatch) -> list[int]:
    """In how many containers a page begins: when it is opened, and right after a part of it."""
    app = AppTest.from_function(page_with_a_part)
    ready = ScriptRequests.on_scriptrunner_ready
    wanted = [
        lambda: None,  # the page, which is wanted anyway
        lambda: RerunData(fragment_id=app.session_state.part, is_auto_rerun=True),
        lambda: RerunData(),  # as a click asks for
    ]

    def ready_in_the_moment_of_the_next_request(requests: ScriptRequests) -> object:
        next_one = wanted.pop(0)() if wanted else None
        if next_one is not None:
            requests.request_rerun(next_one)
        return ready(requests)

    monkeypatch.setattr(
        ScriptRequests, "on_scriptrunner_ready", ready_in_the_moment_of_the_next_request
    )
    app.run()
    assert not app.exception
    assert app.session_state.drawn == 3
    return app.session_state.depths


def test_containers_a_page_is_drawn_where_a_part_of_it_was_drawn_last(monkeypatch):
    assert depths_around_a_part(monkeypatch) == [1, 2]


def test_containers_with_the_change_a_page_begins_outside_all(monkeypatch):
    monkeypatch.setattr(ScriptRunContext, "reset", ScriptRunContext.reset)
    begin_at_the_top()
    assert depths_around_a_part(monkeypatch) == [1, 1]


def test_downloads_a_file_is_dropped_at_the_second_end_of_anothers_run():
    storage = MemoryMediaFileStorage("/media")
    files = MediaFileManager(storage)
    asked = files.add_deferred(lambda: b"a film", "image/webp", "0.1", file_name="film.webp")
    name = files.execute_deferred(asked).rpartition("/")[2]
    assert storage.get_file(name).content == b"a film"
    for _run in range(2):
        files.clear_session_refs("another")
        files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)


def test_downloads_a_press_while_the_page_is_drawn_anew_finds_nothing():
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    asked = files.add_deferred(lambda: b"a film", "image/webp", "0.1", file_name="film.webp")
    files.clear_session_refs()
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(asked)


@pytest.fixture
def quiet_timers(monkeypatch):
    """The change, which the test takes back."""
    name = "_request_rerun_locked"
    monkeypatch.setattr(ScriptRequests, name, getattr(ScriptRequests, name))
    let_timers_change_nothing()


def leaving_a_page_that_polls() -> str:
    """The page that is drawn after a link was pressed and a timer of the old page asked."""
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="the next", query_string="layer=bn2"))
    requests.request_rerun(
        RerunData(page_script_hash="the old", fragment_id="a part", is_auto_rerun=True)
    )
    found = requests.on_scriptrunner_ready()
    assert not found.rerun_data.fragment_id_queue  # the whole page
    return found.rerun_data.page_script_hash


def test_timers_one_takes_a_press_on_a_link_back():
    assert leaving_a_page_that_polls() == "the old"


@pytest.mark.usefixtures("quiet_timers")
def test_timers_with_the_change_the_link_leads_on():
    assert leaving_a_page_that_polls() == "the next"


def page_after_a_late_timer() -> str | None:
    """What is drawn once the next page is, while which a timer of the old page asked."""
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="the next"))
    requests.on_scriptrunner_ready()
    requests.request_rerun(
        RerunData(page_script_hash="the old", fragment_id="a part", is_auto_rerun=True)
    )
    found = requests.on_scriptrunner_ready()
    return found.rerun_data.page_script_hash if found.type is ScriptRequestType.RERUN else None


def test_timers_a_late_one_begins_a_run_of_the_page_that_was_left():
    assert page_after_a_late_timer() == "the old"


def test_timers_with_the_change_a_late_one_begins_nothing(monkeypatch):
    name = "_request_rerun_locked"
    monkeypatch.setattr(ScriptRequests, name, getattr(ScriptRequests, name))
    let_timers_change_nothing()
    assert page_after_a_late_timer() is None
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="the page that led on by itself"))
    while requests.on_scriptrunner_ready().type is not ScriptRequestType.STOP:
        pass
    assert not requests.request_rerun(RerunData(page_script_hash="the next", is_auto_rerun=True))


def widgets_that_a_timer_sets() -> list[str]:
    """Those that the message of a timer names, whose values may be older than what was set here."""
    requests = ScriptRequests()
    older = WidgetStates(widgets=[WidgetState(id="letter", string_value="a")])
    requests.request_rerun(RerunData(fragment_id="a part", widget_states=older, is_auto_rerun=True))
    states = requests.on_scriptrunner_ready().rerun_data.widget_states
    assert states is not None
    return [state.id for state in states.widgets]


def test_timers_ones_older_message_sets_a_widget_back():
    assert widgets_that_a_timer_sets() == ["letter"]


@pytest.mark.usefixtures("quiet_timers")
def test_timers_with_the_change_what_was_set_stays():
    assert widgets_that_a_timer_sets() == []


@pytest.mark.usefixtures("quiet_timers")
def test_timers_with_the_change_a_press_that_waits_counts():
    requests = ScriptRequests()
    pressed = WidgetStates(widgets=[WidgetState(id="start", trigger_value=True)])
    requests.request_rerun(RerunData(widget_states=pressed))
    older = WidgetStates(widgets=[WidgetState(id="letter", string_value="a")])
    requests.request_rerun(RerunData(fragment_id="a part", widget_states=older, is_auto_rerun=True))
    states = requests.on_scriptrunner_ready().rerun_data.widget_states
    assert states is not None
    assert [state.id for state in states.widgets] == ["start"]


def test_options_a_websocket_of_another_page_asks_a_server_outside(monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(net_util, "get_external_ip", lambda: asked.append(1))
    assert not server_util.is_url_from_allowed_origins("https://elsewhere.example")
    assert asked


def test_references_a_browser_is_referred_to_what_it_has_dropped_since_it_asked():
    browser, sent = BrowserCache(), []
    message = drawing(large("a"))
    message.metadata.cacheable = True
    browser.take(message)
    listed = {message.hash}  # travels with a request, in which time runs end
    for _run in range(MAX_AGE + 1):
        browser.take(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    run = SimpleNamespace(cached_message_hashes=listed, _enqueue=sent.append)

    def draw_again() -> None:
        ThreadState.initialize()
        ScriptRunContext.enqueue(run, message)  # type: ignore[arg-type]

    contextvars.copy_context().run(draw_again)
    with pytest.raises(KeyError):
        browser.take(sent[0])


def test_sessions_a_closed_tab_stays_in_memory_after_its_time():
    storage = MemorySessionStorage(ttl_seconds=0)
    pictures = {"what it has shown"}
    tab = SimpleNamespace(id="a tab", pictures=pictures)
    storage.save(SimpleNamespace(session=tab))  # type: ignore[arg-type]
    assert storage.get("a tab") is None  # it cannot come back
    still_there = weakref.ref(pictures)
    del tab, pictures
    gc.collect()
    assert still_there() is not None


def form() -> None:
    import streamlit as st

    def keep() -> None:
        st.session_state.chosen = st.session_state.network

    st.caption(str(st.number_input("Epochs", 1, 10, 5)))
    st.selectbox("Network", ["VGG-16", "ResNet-18"], key="network", on_change=keep)
    st.caption(st.session_state.get("chosen", "none"))


def after(kind: str, **value: str) -> AppTest:
    """The page after a value that no browser sends for such a widget."""
    app = AppTest.from_function(form).run()
    states = WidgetStates()
    states.widgets.add(id=getattr(app, kind)[0].proto.id, **value)
    return app._run(states)


def test_widget_values_one_of_another_kind_ends_the_page_in_an_error():
    assert after("number_input", string_value="many").exception


def test_widget_values_a_callback_sees_a_choice_that_is_not_offered():
    assert after("selectbox", string_value="AlexNet").caption[1].value == "AlexNet"


def two_widgets_of_one_key() -> None:
    import streamlit as st

    def read() -> None:
        st.session_state.read = st.session_state.picked

    if "is_second" in st.session_state:
        st.selectbox("Layer", ["first", "last"], key="picked")
    else:
        st.text_input("Network", key="picked", on_change=read)
    st.caption(st.session_state.get("read", "none"))


def after_a_late_click() -> AppTest:
    """The page after a text for an input that another widget has replaced, under its key."""
    app = AppTest.from_function(two_widgets_of_one_key).run()
    gone = app.text_input[0].proto.id
    app.session_state.is_second = True
    app.run()
    states = WidgetStates()
    states.widgets.add(id=gone, string_value="VGG-16")
    return app._run(states)


def test_widget_values_a_late_clicks_callback_reads_the_value_of_the_widget_that_came_after():
    assert after_a_late_click().caption[0].value == "first"


def test_with_the_change_a_late_click_does_nothing(monkeypatch):
    refuse(monkeypatch)
    app = after_a_late_click()
    assert not app.exception
    assert app.caption[0].value == "none"


def button_after_button() -> None:
    import streamlit as st

    st.session_state.run = st.session_state.get("run", 0) + 1
    st.button("Take", key=f"take_{st.session_state.run}", on_click=print, args=(bytes(1_000),))
    st.text_input("Name", key="name")


def known_after(runs: int) -> tuple[int, int]:
    """Widgets and keys that are known after so many runs, each of which draws another button."""
    app = AppTest.from_function(button_after_button).run()
    app.text_input[0].set_value("Ann")
    for _ in range(runs - 1):
        app.run()
    assert app.text_input[0].value == "Ann"
    state = app.session_state._state._state
    return len(state._new_widget_state.widget_metadata), len(state._key_id_mapper.id_key_mapping)


def test_gone_widgets_their_callbacks_stay():
    assert known_after(30) == (31, 31)


def test_gone_widgets_with_the_change_the_latest_stay(monkeypatch):
    monkeypatch.setattr(gone_widgets, "MOST", 3)
    name = "_remove_stale_widgets"
    monkeypatch.setattr(SessionState, name, getattr(SessionState, name))
    gone_widgets.forget_gone_widgets()
    assert known_after(30) == (5, 5)  # the name, the button, and three that are gone


def deep(levels):
    return [deep(levels - 1)] if levels else 7


@pytest.mark.parametrize("name", ["\ud800", deep(500)])
def test_with_the_change_half_a_character_or_a_deep_value_ends_no_page(
    name, open_page, monkeypatch
):
    refuse(monkeypatch)
    page = open_page("teach")
    photo = {"number": 1, "name": name, "data": "eA=="}
    tell_component(page, "photos_0", "sent", {"number": 1, "photos": [photo]})
    assert not page.exception
    assert page.session_state["visit"].boxes[0].last == 0
    photo["name"] = "\N{CAT FACE}"
    tell_component(page, "photos_0", "sent", {"number": 1, "photos": [photo]})
    assert page.session_state["visit"].boxes[0].last == 1


def refuse(monkeypatch) -> None:
    for name in ("set_widgets_from_proto", "register_widget"):
        monkeypatch.setattr(SessionState, name, getattr(SessionState, name))
    refuse_wrong_values()


def test_with_the_change_widgets_stay_as_they_were(monkeypatch):
    refuse(monkeypatch)
    for kind in ("number_input", "selectbox"):
        app = after(kind, string_value="AlexNet")
        assert not app.exception
        assert [each.value for each in app.caption] == ["5", "none"]


def test_websockets_pongs_that_nobody_reads_are_kept(monkeypatch):
    assert run(most_held_of_pongs(monkeypatch, is_limited=False)) > 2**20


def test_connections_who_asks_for_nothing_stays():
    async def visit():
        async with server(is_limited=False) as port, line(port, b"") as (reader, _writer):
            return await is_ended(reader, seconds=0.3)

    assert not run(visit())


@pytest.mark.usefixtures("quiet_timers")
def test_with_the_change_a_request_that_waits_takes_in_no_more_than_a_page_asks():
    requests = ScriptRequests()
    for message in range(40):
        states = WidgetStates()
        for number in range(MOST_WIDGETS):
            states.widgets.add(id=f"{message} {number}", trigger_value=True)
        assert requests.request_rerun(RerunData(widget_states=states, fragment_id="part"))
    assert len(requests._rerun_data.widget_states.widgets) <= 2 * MOST_WIDGETS


def test_pages_folder_with_the_change_there_is_none(monkeypatch):
    monkeypatch.setattr(PagesManager, "uses_pages_directory", PagesManager.uses_pages_directory)
    leave_pages_to_navigation()
    assert not PagesManager(str(ROOT / "streamlit_app.py")).uses_pages_directory
