# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the lookups: terms, options, the cache of this run, and errors.

Ansible loads a lookup in a new process for each task of each host, so this file imports little. The
client is imported when a lookup must call the service.
"""

from __future__ import annotations

import os
import typing as t
from contextlib import suppress

from ansible import constants as C
from ansible import errors
from ansible.errors import AnsibleLookupError
from ansible.module_utils.common import validation
from ansible.parsing.quoting import unquote
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._errors import AlicloudError, is_unset
from ._run_cache import RunCache

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # new in ansible-core 2.22
    register_secret = None

if t.TYPE_CHECKING:
    from ..module_utils._service.client import Client

Options = t.Dict[str, t.Any]
Found = t.Tuple[t.Any, str]  # a value, and where it was found
# Returns the value of an option in one source, or None.
Source = t.Callable[[str], t.Optional[Found]]

KEYS = ("access_key_id", "access_key_secret", "security_token")
PAIR = {"access_key_id", "access_key_secret"}
SECRETS = ("access_key_secret", "security_token")
IDENTITY = (*KEYS, "profile")
# The variables of the environment that name a role together. They outrank ansible.cfg, as all of
# the environment does.
OIDC_PREFIXES = ("ALIBABA_CLOUD_", "ALIBABACLOUD_")
OIDC = ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE")
# Options that do not change an answer, so they are not part of the cache key.
NOT_IN_CACHE_KEY = ("cache", "concurrency", "fail_on_missing", "retry_timeout", "timeout")
# The name of the lookups' ini entries in Ansible's definitions.
INI = "alicloud.compute in ansible.cfg"
# Ansible checks the options of modules with the same functions. The texts are for errors.
CHECKS = {
    "bool": (validation.check_type_bool, "true or false, or yes or no"),
    "float": (validation.check_type_float, "a number"),
    "int": (validation.check_type_int, "a whole number"),
}


class CachedLookup(LookupBase):
    """A lookup that uses the cache of this run, and calls the service for other answers."""

    options: Options
    cache: RunCache
    client: Client

    def questions(self, names: list[str]) -> list[t.Any]:
        """Return the questions, which are the keys of the cache."""
        raise NotImplementedError

    def fetch(self, names: list[str]) -> list[t.Any]:
        """Return the answers to all questions. Each is asked with get_or_fetch().

        Raises AlicloudError.
        """
        raise NotImplementedError

    def is_cacheable(self, answer: t.Any) -> bool:
        """Return whether to cache an answer for the run: no image is missing in it."""
        raise NotImplementedError

    def results(self, answers: list[t.Any]) -> list[t.Any]:
        """Return the results for a template."""
        return answers

    def run_cached_lookup(
        self, names: list[str], variables: Options | None, direct: Options
    ) -> list[t.Any]:
        """Return the results of a lookup of these names.

        Raises AnsibleLookupError.
        """
        self.options = resolve_options(self, variables or {}, direct)
        self.cache = _create_cache(self.options)
        answers = [self.cache.get(question) for question in self.questions(names)]
        if not answers or None in answers:
            answers = self._fetch(names)
        return self.results(answers)

    def get_or_fetch(self, question: t.Any, fetch: t.Callable[[], t.Any]) -> t.Any:
        """Return the answer to a question from the cache of this run, or the result of fetch().

        Raises AlicloudError.
        """

        def fetch_and_judge() -> tuple[t.Any, bool]:
            answer = fetch()
            return answer, self.is_cacheable(answer)

        return self.cache.get_or_fetch(question, fetch_and_judge, self.client.sleep)

    def _fetch(self, names: list[str]) -> list[t.Any]:
        from ..module_utils._options import create_client
        from ._process import display_warnings

        try:
            with display_warnings(), create_client(self.options, Display().warning) as self.client:
                return self.fetch(names)
        except AlicloudError as error:
            raise AnsibleLookupError(str(error)) from None


def flatten_names(terms: t.Iterable[t.Any], option: str = "A term") -> list[str]:
    """Return the terms, or a list of an option, as strings, lists among them flattened.

    Raises AnsibleLookupError for a value that is not a string.
    """
    flat = [
        _decrypt(name)
        for term in terms
        for name in (term if isinstance(term, (list, tuple)) else [term])
    ]
    for name in flat:
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            raise AnsibleLookupError(
                f"{option} must be a string, or a list of strings, and not {name!r:.80}."
            )
    return [str(name) for name in flat]


def resolve_options(plugin: LookupBase, variables: Options, direct: Options) -> Options:
    """Return all options of a lookup. Identity options from the environment are left out.

    The order is Ansible's: the lookup itself, variables, the environment, ansible.cfg. An empty or
    null value counts as not set, and the next source is used. Sources with a lower rank are not
    evaluated. Ansible itself takes the last environment variable that is set, even if it is empty,
    and evaluates all sources.

    direct has the options in the lookup. Unset options are removed from it.

    Raises AnsibleLookupError for an option that the lookup does not have, or of the wrong type.
    """
    definitions = {
        name: definition
        for name, definition in plugin.option_definitions.items()
        if name != "_terms"
    }
    _refuse_unknown(definitions, direct)
    sources = _sources(plugin, definitions, variables, direct)
    found = _find_identity(sources) if set(IDENTITY) <= set(definitions) else {}
    for name in definitions:
        if name not in IDENTITY:
            found[name] = next(filter(None, (source(name) for source in sources)), None)
    # Where a module starts, too, also if a template of a role asks.
    folder = variables.get("playbook_dir") or plugin.get_basedir(variables)
    options: Options = {name: definition.get("default") for name, definition in definitions.items()}
    for name, value in found.items():
        if value:
            options[name] = _convert(name, definitions[name], *value, folder)
    if register_secret is not None and set(SECRETS) <= set(definitions):
        for name in SECRETS:
            inherited = [os.environ.get(entry["name"]) for entry in definitions[name]["env"]]
            for secret in filter(None, (options[name], *inherited)):
                register_secret(secret)  # ansible-core masks it in all that it shows
    return options


def _refuse_unknown(definitions: Options, direct: Options) -> None:
    """Raise AnsibleLookupError for options that a lookup does not have.

    Ansible itself passes over them, so that a mistyped region would ask another.
    """
    direct.pop("wantlist", None)  # ansible-core 2.18 adds it in loops
    known = {
        name
        for option, definition in definitions.items()
        for name in (option, *definition.get("aliases", ()))
    }
    unknown = sorted(set(direct) - known)
    if unknown:
        raise AnsibleLookupError(
            f"Unknown option: {', '.join(unknown)}. Options are {', '.join(sorted(known))}."
        )


def _sources(
    plugin: LookupBase, definitions: Options, variables: Options, direct: Options
) -> tuple[Source, ...]:
    """Return the sources of options in their order: lookup, variables, environment, ansible.cfg."""
    placeholder = variables.get("omit")  # before ansible-core 2.19
    omitted = getattr(errors, "AnsibleValueOmittedError", ())  # since 2.19

    def evaluate(value: t.Any, is_template: bool) -> t.Any:
        """Return a value without omitted values, also in lists."""
        if is_template or not isinstance(value, (str, int, float, list, tuple, dict)):
            try:
                value = plugin._templar.template(value)
            except omitted:
                return None
        if isinstance(value, (list, tuple)):
            items = (evaluate(item, False) for item in value)
            return [item for item in items if not is_unset(item)]
        value = _decrypt(value)
        return None if isinstance(value, str) and value == placeholder else value

    def first(values: t.Iterable[tuple[t.Any, str]]) -> Found | None:
        return next(((value, where) for value, where in values if not is_unset(value)), None)

    for key in list(direct):
        direct[key] = evaluate(direct[key], False)
        if is_unset(direct[key]):
            del direct[key]

    def in_lookup(name: str) -> Found | None:
        keys = (name, *definitions[name].get("aliases", ()))
        return first((direct.get(key), "option") for key in keys)

    def in_variables(name: str) -> Found | None:
        keys = [entry["name"] for entry in definitions[name].get("vars", ())]
        return first(
            (evaluate(variables[key], True), f"variable {key}") for key in keys if key in variables
        )

    def in_environment(name: str) -> Found | None:
        keys = [entry["name"] for entry in definitions[name].get("env", ())]
        return first((os.environ.get(key), key) for key in keys)

    def in_file(name: str) -> Found | None:
        return first(
            (
                _read_ini(name, entry, definitions[name]["type"]),
                f"{entry['key']} in {C.CONFIG_FILE}",
            )
            for entry in definitions[name].get("ini", ())
        )

    return in_lookup, in_variables, in_environment, in_file


def _find_identity(sources: t.Sequence[Source]) -> dict[str, Found | None]:
    """Return the key or the profile from all sources except the environment.

    Once a source completes an identity, no other source is used. The next sources complete half a
    key, but never with a profile or with a part of another pair. find_credentials() reads the
    environment itself, because it knows the families of its variables.
    """
    found: dict[str, Found] = {}
    given: dict[str, Found | None] = {}
    _in_lookup, _in_variables, in_environment, _in_file = sources
    for source in sources:
        values = [(name, source(name)) for name in (KEYS if found else IDENTITY)]
        here = {name: value for name, value in values if value}
        if any(found[name][0] != here[name][0] for name in found.keys() & here.keys()):
            continue
        found = {**here, **found}
        if source is not in_environment:
            given = {**here, **given}
        elif not found and all(
            any(os.environ.get(prefix + name) for prefix in OIDC_PREFIXES) for name in OIDC
        ):
            break
        if "profile" in found or found.keys() >= PAIR:
            break
    return given


def _read_ini(name: str, entry: dict[str, str], kind: str) -> t.Any:
    """Return the raw value of an option in ansible.cfg, or None.

    Ansible reads the environment first, even an empty variable, and reads an invalid truth value as
    false. So it gets a definition without environment and type.
    """
    C.config.initialize_plugin_configuration_definitions("lookup", INI, {name: {"ini": [entry]}})
    value = C.config.get_config_value(name, plugin_type="lookup", plugin_name=INI)
    if kind == "path" and not is_unset(value):
        # From the folder of the file, as all paths in it.
        return os.path.join(os.path.dirname(C.CONFIG_FILE), _expand(value))
    return value


def _convert(name: str, definition: Options, value: t.Any, where: str, folder: str) -> t.Any:
    """Return the value of an option in its type. A relative path starts from the folder.

    Raises AnsibleLookupError, which quotes no value of an option that may be secret.
    """
    kind = definition["type"]
    if kind == "list":
        if isinstance(value, str):
            value = [unquote(item.strip()) for item in value.split(",") if not is_unset(item)]
        value = flatten_names(value if isinstance(value, (list, tuple)) else [value], name)
    elif kind in CHECKS:
        check, wanted = CHECKS[kind]
        try:
            value = check(value)
        except (TypeError, ValueError):
            raise AnsibleLookupError(
                f"{name} is {value!r:.80} ({where}): it must be {wanted}."
            ) from None
    elif isinstance(value, (list, tuple, dict)):
        what = "dictionary" if isinstance(value, dict) else "list"
        raise AnsibleLookupError(f"{name} must be a string, and not a {what} ({where}).")
    else:
        value = str(value)
    if kind == "path":
        value = os.path.join(folder, _expand(value))
    choices = definition.get("choices")
    if choices and not set(value if kind == "list" else [value]) <= set(choices):
        raise AnsibleLookupError(
            f"{name} is {value!r:.80} ({where}): it must be one of {', '.join(choices)}."
        )
    return value


def _expand(path: str) -> str:
    return os.path.expanduser(os.path.expandvars(path))


def _decrypt(value: t.Any) -> t.Any:
    """Return a string for one of a vault. From ansible-core 2.19 on, Ansible does that itself."""
    return str(value) if getattr(value, "__ENCRYPTED__", False) else value


def _create_cache(options: Options) -> RunCache:
    """Return the cache of this run for lookups with these options."""
    apart = {*SECRETS, *NOT_IN_CACHE_KEY, "region"}  # each question names its region
    scope = {name: value for name, value in options.items() if name not in apart}
    # The identity can come from the environment. It is the same in the whole run, unless a plugin
    # changes it.
    scope["environment"] = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"))
        and (name.endswith("_FILE") or not any(word in name for word in ("SECRET", "TOKEN")))
    }
    with suppress(OSError):
        # Another account may be signed in meanwhile.
        status = os.stat(os.path.expanduser(options["config_file"]))
        scope["config_file_status"] = [status.st_mtime_ns, status.st_size, status.st_ino]
    return RunCache(
        C.DEFAULT_LOCAL_TMP if options["cache"] else None,
        scope,
        options["timeout"] + options["retry_timeout"],
    )
