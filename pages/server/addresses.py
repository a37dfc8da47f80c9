"""Under which addresses other computers reach the lab, and what their cameras need."""

from streamlit import config
from streamlit.web.server import server_util

from tl_core.machine.addresses import own_addresses

_EVERY = ("", "0.0.0.0", "::")
_CAMERAS = """  Cameras of phones and other computers work under https only. Start the lab with
  --server.sslCertFile and --server.sslKeyFile for them; docs/running.md says how."""


def announcement() -> str:
    """What to say at the start; nothing where only this machine reaches the lab."""
    chosen = config.get_option("server.address") or ""
    if chosen in _EVERY:
        addresses = own_addresses()
    else:
        is_only_here = chosen == "localhost" or chosen == "::1" or chosen.startswith("127.")
        addresses = [] if is_only_here else [chosen]
    lines = [
        f"  From other computers of this network: {server_util.get_url(address)}"
        for address in addresses
    ]
    if lines and not config.get_option("server.sslCertFile"):
        lines.append(_CAMERAS)
    return "\n".join(lines)
