# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves a stand-in for AWS on a loopback address, and prints its URL."""

from __future__ import annotations

import threading

from moto.server import ThreadedMotoServer

LIFETIME = 3600  # seconds, in case that nobody stops it

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
threading.Event().wait(LIFETIME)
