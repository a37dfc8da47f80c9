"""Under which addresses other computers reach this one."""

import ipaddress
import re
import socket

import psutil

# Bridges and cables of containers and virtual machines on this computer: nobody else is there
_INSIDE = re.compile(r"(docker|br-|veth|virbr|lxc|lxd|podman|cni|vmnet|vboxnet|vEthernet)")


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
