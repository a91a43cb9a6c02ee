# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules inside the controller's worker process.

For a module, Ansible starts a new Python for each task. That takes many times as long as a call.
"""

from __future__ import annotations

import os
import sys
import typing as t
from importlib import import_module
from importlib.util import find_spec

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ..module_utils._errors import AlicloudError, Json, visible
from ..module_utils._options import without_unset
from ..module_utils._task import ROLE_VARIABLE, Task, option_names
from ._crossing import from_module, to_module
from ._process import display_warnings, working_in

# Since ansible-core 2.22, Ansible masks the secrets of a task wherever it shows them.
MASKED_BY_ANSIBLE = find_spec("ansible.module_utils.secrets") is not None
if not MASKED_BY_ANSIBLE:
    from ansible.module_utils.common.parameters import remove_values

try:
    # Ansible loads an action plugin once, in its main process, and forks a worker for each task. An
    # import of requests in each worker would take several times as long as the call.
    with display_warnings():
        import_module("requests")
    HAS_REQUESTS = True
except Exception:
    # Missing or broken. The module uses its own Python, and reports the problem there.
    HAS_REQUESTS = False


class Module(t.Protocol):
    """A module of this collection."""

    ARGUMENT_SPEC: dict[str, t.Any]

    def run(self, options: Json, task: Task) -> Json:
        """Return the result of a task, or raise AlicloudError."""


class InProcessAction(ModuleAction):
    """Runs `module` in this process, or as an ordinary module if the task needs that."""

    module: t.Any

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        """Return the result of the task."""
        self._task.args = without_unset(self._task.args, self.module.ARGUMENT_SPEC)
        role = own_role(task_vars or {})
        if not self._in_process(task_vars or {}):
            if role:
                self._task.environment = [*(self._task.environment or ()), {ROLE_VARIABLE: role}]
            return t.cast(Json, super().run(tmp, task_vars))
        ActionBase.run(self, tmp, task_vars)
        self._display.vvv(f"Running {self._task.action} in the controller's own process")
        # Ansible starts modules in that folder, too.
        with working_in(self._loader.get_basedir()), display_warnings():
            result = run_in_process(
                self.module,
                self._task.action,
                self._task.args,
                check_mode=self._task.check_mode,
                show=self._show,
                option=option_names(role),
            )
        # New in ansible-core 2.21; before, it was always there.
        if C.config.get_configuration_definition("INJECT_INVOCATION") and not (
            C.config.get_config_value("INJECT_INVOCATION", variables=task_vars)
        ):
            result.pop("invocation", None)
        return result

    def _show(self, line: str) -> None:
        """Show a line of progress where asked to be verbose: the rest of stdout is a callback's."""
        if not self._task.no_log:
            self._display.v(visible(line))

    def _in_process(self, task_vars: Json) -> bool:
        """Does nothing ask for another process?"""
        environment: Json = {}
        self._compute_environment_string(environment)
        return (
            HAS_REQUESTS
            and self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not environment
            and self._own_python(task_vars)
        )

    def _own_python(self, task_vars: Json) -> bool:
        """Is the Python for modules this one, or Ansible's choice?"""
        if self._task.delegate_to:
            task_vars = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        python = C.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        python = str(self._templar.template(python)).strip()
        return python.startswith("auto") or _same_python(python, sys.executable)


def run_in_process(
    module: Module,
    name: str,
    arguments: t.Mapping[str, t.Any],
    *,
    check_mode: bool,
    show: t.Callable[[str], None],
    option: t.Callable[[str], str] = str,
) -> Json:
    """Return the result of a task, as AnsibleModule would with these arguments.

    name is that of the module, as the task has it. show takes lines of progress. option names an
    option in errors.
    """
    given = to_module(arguments)
    # Its warnings and deprecations have no public names. AnsibleModule uses the same names.
    checked = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(given)
    options = {**given, **checked.validated_parameters}
    warnings = [
        f"Both option {both['option']} and its alias {both['alias']} are set."
        for both in checked._warnings
    ]
    try:
        if checked.error_messages:
            unsupported = isinstance(checked.errors[0], UnsupportedError)
            prefix = f"Unsupported parameters for ({name}) module: " if unsupported else ""
            result: Json = {"failed": True, "msg": prefix + checked.errors.msg}
        else:
            result = module.run(options, Task(warnings.append, check_mode, show, option))
    except AlicloudError as error:
        result = {"failed": True, **error.result()}
    result["invocation"] = {"module_args": options}
    if warnings:
        result["warnings"] = warnings
    if checked._deprecations:
        result["deprecations"] = [
            {key: value for key, value in deprecation.items() if value is not None}
            for deprecation in checked._deprecations
        ]
    if not MASKED_BY_ANSIBLE:
        # A secret "true" or "None" must not mask values that are true or null.
        plain = {
            key: value for key, value in result.items() if value is None or isinstance(value, bool)
        }
        result = {**remove_values(result, checked._no_log_values), **plain}
    try:
        return from_module(result)
    except (AnsibleError, TypeError, ValueError) as error:
        return {"failed": True, "msg": f"Ansible refuses the result of {name}: {error}"}


def own_role(task_vars: t.Mapping[str, t.Any]) -> str:
    """Return the role of this collection that runs the task, or an empty text."""
    collection, _dot, role = str(task_vars.get("ansible_role_name", "")).rpartition(".")
    return role if collection == "alicloud.compute" else ""


def _same_python(path: str, other: str) -> bool:
    """Are both in the same environment? Links of the same folder lead to one."""
    one, two = (os.path.abspath(os.path.expanduser(python)) for python in (path, other))
    return os.path.dirname(one) == os.path.dirname(two) and os.path.realpath(
        one
    ) == os.path.realpath(two)
