"""Under which addresses other computers reach the lab, and what their cameras need."""

import ipaddress
import re
import socket

import psutil
from streamlit import config
from streamlit.web.server import server_util

# Bridges and cables of containers and virtual machines on this computer: nobody else is there
_INSIDE = re.compile(r"(docker|br-|veth|virbr|lxc|lxd|podman|cni|vmnet|vboxnet|vEthernet)")
_EVERY = ("", "0.0.0.0", "::")
_CAMERAS = """  Cameras of phones and other computers work under https only. Start the lab with
  --server.sslCertFile and --server.sslKeyFile for them; docs/running.md says how."""


def own_addresses() -> list[str]:
    """This machine's IPv4 addresses that others may reach; link-local ones only without others."""
    states = psutil.net_if_stats()
    found = [
        ipaddress.IPv4Address(address.address)
        for name, addresses in psutil.net_if_addrs().items()
        if name in states and states[name].isup and not _INSIDE.match(name)
        for address in addresses
        if address.family == socket.AF_INET
    ]
    usable = [address for address in found if not address.is_loopback]
    lasting = [address for address in usable if not address.is_link_local]
    return [str(address) for address in lasting or usable]


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
