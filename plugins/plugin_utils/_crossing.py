# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way from Ansible to a module, and back, where no process lies between."""

from __future__ import annotations

import json
import typing as t

from ..module_utils._errors import Json

try:
    from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
except ImportError:  # before ansible-core 2.19
    from ansible.module_utils.common.json import AnsibleJSONEncoder
    from ansible.utils.unsafe_proxy import wrap_var

    def to_module(arguments: t.Mapping[str, t.Any]) -> Json:
        """See below."""
        text = json.dumps(dict(arguments), cls=AnsibleJSONEncoder, vault_to_text=True)
        return t.cast(Json, json.loads(text))

    def from_module(result: Json) -> Json:
        """See below."""
        # Lone surrogates fail here, as they do in the output of a module. Nothing in the result
        # becomes a template: Ansible marks the result of an action as unsafe.
        return t.cast(Json, json.loads(json.dumps(result, ensure_ascii=False).encode()))

    def without_templates(value: Json) -> Json:
        """See below."""
        return t.cast(Json, wrap_var(value))
else:

    def to_module(arguments: t.Mapping[str, t.Any]) -> Json:
        """Return the arguments as a module gets them: plain JSON, secrets of a vault included."""
        return _cross(dict(arguments), Direction.CONTROLLER_TO_MODULE)

    def from_module(result: Json) -> Json:
        """Return a result as Ansible reads that of a module: without templates and its own types.

        Raise TypeError, ValueError or AnsibleError where Ansible refuses a module's.
        """
        return _cross(result, Direction.MODULE_TO_CONTROLLER)

    def _cross(value: Json, direction: Direction) -> Json:
        text = json.dumps(value, cls=get_module_encoder("legacy", direction))
        return t.cast(Json, json.loads(text, cls=get_module_decoder("legacy", direction)))

    def without_templates(value: Json) -> Json:
        """Return a value for a variable. Texts from a service must not become templates."""
        return value  # Ansible trusts no text that it was not told to
