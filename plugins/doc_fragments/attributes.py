# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of modules that only read."""

from __future__ import annotations


class ModuleDocFragment:
    """Use `attributes` in modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: N/A
    details: This module changes nothing.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
    details:
      - With a local connection, the task runs inside the process of Ansible, which is much faster.
      - The task runs as an ordinary module with C(become), C(async) or C(environment), with an C(ansible_python_interpreter) other
        than Ansible's own, or if Ansible's own Python has no C(requests).
      - Options, result and errors are the same in both cases.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
  action_group:
    description: Use C(group/alicloud.compute.all) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - alicloud.compute.all
"""
