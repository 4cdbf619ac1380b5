"""A socket that listens at an address, or why there can be none."""

import errno
import socket
from ipaddress import ip_address

from preprocessing.base.errors import FailureError, InputError


def listening_on(host: str, port: int) -> socket.socket:
    """Listens from now on, so that nobody else takes the port while a model is loaded; who comes early waits.

    port: 0 takes any that is free.
    Raises InputError for a host that is not of this machine, FailureError for a port that is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host}: not an address ({error})") from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise FailureError(
                f"--port {port}: something listens there already. Choose another; 0 takes any."
            ) from error
        raise InputError(
            f"--host {host} --port {port}: cannot be listened on ({error.strerror})"
        ) from error
    return listening


def open_to_others(listening: socket.socket) -> str | None:
    """The address of a socket that other machines may reach; None of one that they cannot."""
    address: str = listening.getsockname()[0]
    return None if ip_address(address).is_loopback else address
