"""What runs around every page: start-up, navigation, and what keeps the visit alive."""

import time
from pathlib import Path

import streamlit as st
from streamlit import runtime

if runtime.exists():  # Streamlit draws a page
    from pages.languages import ASSETS
    from pages.shared import query
    from pages.shared.foot import choose_current_language
    from pages.shared.frame import configure, navigation
    from pages.shared.keys import keep_keys
    from pages.shared.link import fall_back
    from pages.shared.offline import say_when_offline
    from pages.shared.page_top import begin_at_top
    from pages.shared.resume import resume
    from pages.shared.visit import the_visit
    from tl_core.lab import UserError

    choose_current_language()
    configure()
    st.logo(str(ASSETS / "icon.svg"), size="large")
    current = navigation()
    keep_keys()
    say_when_offline()
    resume()
    begin_at_top(current.url_path)
    the_visit().drawn_at = time.monotonic()
    try:
        current.run()
    except UserError as error:  # of a choice that a spec refuses
        fall_back(error)
    query.show(current.url_path)
else:  # ``streamlit run`` looks for what to serve
    from pages.server.app import MIDDLEWARE, ROUTES, lifespan, refuse_wrong_settings
    from pages.server.compat.options import set_options
    from pages.server.live_frames import live_route

    def start_lab() -> None:
        from pages.shared.visit import the_lab

        the_lab().prepare()

    refuse_wrong_settings()
    set_options(Path(__file__))
    routes = [*ROUTES, live_route()]
    app = st.App(__file__, lifespan=lifespan(start_lab), routes=routes, middleware=MIDDLEWARE)
