# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lookups share: terms, options and errors, between Ansible's and the client's.

Ansible loads a lookup in a new process for each task of each host, so this imports little: what
calls the service is imported when the service is called.
"""

from __future__ import annotations

import os
import typing as t
from contextlib import suppress

from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._errors import AlicloudError
from ._run_cache import RunCache

if t.TYPE_CHECKING:
    from ..module_utils._service.client import Client

Options = t.Dict[str, t.Any]

KEYS = ("access_key_id", "access_key_secret", "security_token")
SECRETS = ("access_key_secret", "security_token")
# Whose variables of the environment the credentials read themselves.
IDENTITY = (*KEYS, "profile")
# What changes nothing in the answer to a question, but whether and when there is one.
NOT_IN_CACHE_KEY = ("cache", "concurrency", "fail_on_missing", "retry_timeout", "timeout")


def names(terms: t.Iterable[t.Any], option: str = "A term") -> list[str]:
    """Return the terms, or a list of an option, as strings, lists among them flattened."""
    flat = [
        name for term in terms for name in (term if isinstance(term, (list, tuple)) else [term])
    ]
    for name in flat:
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            raise AnsibleLookupError(
                f"{option} must be a string, or a list of strings, and not {name!r:.80}."
            )
    return [str(name) for name in flat]


def run_cached_lookup(
    plugin: LookupBase,
    variables: dict[str, t.Any] | None,
    direct: dict[str, t.Any],
    recall: t.Callable[[Options, RunCache], list[t.Any] | None],
    ask: t.Callable[[Client, Options, RunCache], list[t.Any]],
) -> list[t.Any]:
    """Return what `recall` finds among the answers of this run, or else what `ask` returns.

    Both get all options of the lookup.

    Raises AnsibleLookupError.
    """
    options = _options(plugin, variables or {}, direct)
    apart = {*SECRETS, *NOT_IN_CACHE_KEY, "region"}  # each question names its region
    scope = {name: value for name, value in options.items() if name not in apart}
    # Who asks may be told by the environment; it is the same in the whole run, but for plugins
    # that set it.
    scope["environment"] = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"))
        and not any(word in name for word in ("SECRET", "TOKEN"))
    }
    with suppress(OSError):
        # Another account may be signed in meanwhile.
        status = os.stat(options["config_file"])
        scope["config_file_status"] = [status.st_mtime_ns, status.st_size, status.st_ino]
    answers = RunCache(
        C.DEFAULT_LOCAL_TMP if options["cache"] else None,
        scope,
        options["timeout"] + options["retry_timeout"],
    )
    found = recall(options, answers)
    if found is not None:
        return found

    from ..module_utils._options import create_client
    from ._warnings import display_warnings

    try:
        with display_warnings(), create_client(options, Display().warning) as client:
            return ask(client, options, answers)
    except AlicloudError as error:
        raise AnsibleLookupError(str(error)) from None


def own_options(plugin: LookupBase, variables: Options, direct: Options) -> Options:
    """Return all options of a lookup.

    Raises AnsibleLookupError for one that it does not have, or that is of the wrong type.
    """
    direct.pop("wantlist", None)  # ansible-core 2.18 adds it in loops
    definitions = plugin.option_definitions
    known = {
        name
        for option, definition in definitions.items()
        for name in (option, *definition.get("aliases", ()))
    }
    unknown = sorted(set(direct) - known)
    if unknown:
        # Ansible itself passes over what it does not know, so that a mistyped region would ask
        # another.
        raise AnsibleLookupError(
            f"Unknown option: {', '.join(unknown)}. Options are "
            f"{', '.join(sorted(known - {'_terms'}))}."
        )
    # Ansible hands variables over as they are written, templates and all.
    named = {var["name"] for option in definitions.values() for var in option.get("vars", ())}
    variables = {
        name: plugin._templar.template(value) for name, value in variables.items() if name in named
    }
    preset: Options = {}
    for name, definition in definitions.items():
        if not _checked(name, definition, direct, variables) and name not in IDENTITY:
            said = [env["name"] for env in definition.get("env", ()) if env["name"] in os.environ]
            # Ansible takes the last that is set, even to nothing, as pipelines set what they lack.
            if len(said) > 1 or (said and not os.environ[said[0]]):
                values = filter(None, map(os.environ.get, said))
                preset[name] = next(values, definition.get("default"))
    plugin.set_options(var_options=variables, direct={**direct, **preset})
    options = {name: plugin.get_option(name) for name in definitions if name != "_terms"}
    for name, value in options.items():
        if name in preset and preset[name] is None:
            options[name] = None
        elif value is False and plugin.get_option_and_origin(name)[1] == C.CONFIG_FILE:
            _boolean(name, _in_file(definitions[name]["ini"]))
    return options


def _checked(name: str, definition: Options, direct: Options, variables: Options) -> bool:
    """Return whether a lookup or a variable gives an option, and see that it has the right type.

    Lists are replaced, in direct and variables, by lists of strings.
    Ansible takes a truth value that it cannot read for false, which would turn off the check of
    certificates, and looks into no list. Its message for what is no text quotes it, secret or not.

    Raises AnsibleLookupError.
    """
    for values, keys in (
        (direct, [name, *definition.get("aliases", ())]),
        (variables, [var["name"] for var in definition.get("vars", ())]),
    ):
        for key in keys:
            value, kind = values.get(key), definition.get("type")
            if value is None:
                continue
            if kind == "bool":
                _boolean(name, value)
            elif kind == "list" and isinstance(value, (list, tuple)):
                values[key] = names(value, name)
            elif kind in ("str", "path") and isinstance(value, (list, tuple, dict)):
                what = "dictionary" if isinstance(value, dict) else "list"
                raise AnsibleLookupError(f"{name} must be a string, and not a {what}.")
            return True
    return False


def _boolean(name: str, value: t.Any) -> None:
    try:
        boolean(value)
    except TypeError:
        raise AnsibleLookupError(
            f"{name} is {value!r:.80}: it must be true or false, or yes or no."
        ) from None


def _in_file(entries: t.Sequence[dict[str, str]]) -> t.Any:
    """Return what Ansible's configuration file says of an option, as it stands there."""
    import configparser

    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    parser.read(C.CONFIG_FILE, encoding="utf-8")
    (entry,) = entries
    return parser.get(entry["section"], entry["key"], fallback=False)


def _options(plugin: LookupBase, variables: Options, direct: Options) -> Options:
    """Return all options of a lookup, those of its identity only if they were set on purpose.

    Raises AnsibleLookupError.
    """
    options = own_options(plugin, variables, direct)
    for name in set(IDENTITY) - set(direct):
        # To tell what was given on purpose.
        origin = plugin.get_option_and_origin(name, hostvars=variables)[1]
        if origin.startswith("env") or name in _outranked(direct):
            options[name] = None
    return options


def _outranked(direct: t.Iterable[str]) -> set[str]:
    """Return the options of an identity that count only if they stand in the lookup, too.

    So a profile in a lookup wins over a key in variables, and the other way round, and no key
    meets the token of another.
    """
    if "profile" in direct:
        return set(KEYS)
    if {"access_key_id", "access_key_secret"} <= set(direct):
        return {"profile", "security_token"}
    return {"profile"} if set(KEYS) & set(direct) else set()
