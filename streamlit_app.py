"""What runs around every page: start-up, navigation, and what keeps the visit alive."""

import time
from pathlib import Path

import streamlit as st
from streamlit import runtime

if runtime.exists():  # Streamlit draws a page
    from pages.shared.frame import configure, navigation
    from pages.shared.page_top import begin_at_top
    from pages.shared.resume import resume
    from pages.shared.uploaded_files import show_refused
    from pages.shared.visit import the_lab, the_visit
    from pages.shared.words import ASSETS, _, show_error

    configure()

    @st.fragment(run_every=10)
    def heartbeat() -> None:
        """Poll on every page, so that a run goes on while its owner looks elsewhere in the lab."""
        the_visit()
        show_refused()
        status = the_lab().status()
        if status.trouble is not None:
            show_error(status.trouble)
        st.caption(
            _("{device} · {visitors} here · {running} running · {queued} waiting").format(
                device=status.device,
                visitors=status.visitors,
                running=status.running,
                queued=status.queued,
            )
        )

    st.logo(str(ASSETS / "icon.svg"), size="large")
    current = navigation()
    st.session_state.has_frame = True
    resume()
    begin_at_top(current.url_path)
    with st.bottom:
        heartbeat()
    the_visit().drawn_at = time.monotonic()
    current.run()
else:  # ``streamlit run`` looks for what to serve
    from pages.server.app import MIDDLEWARE, ROUTES, lifespan
    from pages.server.options import set_options

    set_options(Path(__file__))
    app = st.App(__file__, lifespan=lifespan, routes=ROUTES, middleware=MIDDLEWARE)
