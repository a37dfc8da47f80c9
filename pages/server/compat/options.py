"""Options of Streamlit that a server of one's own needs and its configuration file cannot hold."""

from pathlib import Path

from streamlit import config, net_util

from pages.server.compat import require
from tl_core.settings import COMMUNITY_CLOUD


def is_on_community_cloud(script: Path = Path(__file__)) -> bool:
    """Whether the lab is hosted there, which frames it and calls it by names of its own."""
    return script.resolve().is_relative_to(COMMUNITY_CLOUD)


def set_options(script: Path) -> None:
    """Accept orders from no other page, and do not look up this machine's public address.

    A page that frames the lab may send it messages where Streamlit's default trusts its address,
    which is every app on Community Cloud: it could direct dropped photographs to its own server.
    Community Cloud itself frames the app, so there the default stays, as does an explicit choice.

    For its list of allowed origins Streamlit asks a server outside for this machine's external
    address, whenever a websocket comes from another page, and everybody waits for the answer.
    Whoever opens the lab under that address is let in without it: their origin is the host.
    """
    if not is_on_community_cloud(script) and not config.is_manually_set("client.allowedOrigins"):
        config.set_option("client.allowedOrigins", [])
    require(net_util, "get_external_ip")
    net_util.get_external_ip = lambda: None
