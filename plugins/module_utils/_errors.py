# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by all packages: the exception of this collection, and the rule for unset values."""

from __future__ import annotations

import typing as t

Json = t.Dict[str, t.Any]


def is_unset(value: t.Any) -> bool:
    """Return whether a value counts as not set: null, empty, white space, or a list of these.

    The rule holds for options, variables, the environment and files. The next source is used then.
    """
    if isinstance(value, (list, tuple)):
        return all(map(is_unset, value))
    return value is None or not str(value).strip()


class AlicloudError(Exception):
    """A user's or the service's mistake.

    Its text names the request, the problem and the next step.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        access_denied: Json | None = None,
        **partial_result: t.Any,
    ) -> None:
        """
        retryable: the failure is temporary. The call was already retried until its deadline.
        access_denied: the reason for a denial, {explicit, policy_type, action, principal,
        diagnostic}. Each key except explicit can be None.
        partial_result: found in spite of the error. It goes into the result of a failed task.
        """
        super().__init__(visible(message))
        self.retryable = retryable
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.access_denied = access_denied
        self.partial_result = partial_result

    def result(self) -> Json:
        """Return the result of a failed task."""
        denied = {} if self.access_denied is None else {"access_denied": self.access_denied}
        return {
            "msg": str(self),
            "error_code": self.code,
            "http_status": self.http_status,
            "request_id": self.request_id,
            **denied,
            **self.partial_result,
        }


def visible(text: str) -> str:
    """Return a text with escapes for control characters of a terminal, such as \\x1b.

    Names from the service, of files and of hosts can contain any character.
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in "\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
        else char.encode("unicode_escape").decode()
        for char in text
    )


def combine_errors(
    failures: t.Sequence[tuple[Json, AlicloudError]], total: int, **partial_result: t.Any
) -> AlicloudError:
    """Return one error for all failed calls. Each failure comes with the keys of its request.

    Code, status and request ID are from the first failure. `errors` has these of each failure.
    """
    first = failures[0][1]
    message = str(first)
    if total > 1:
        # Three are enough to see a pattern, and a line stays readable.
        texts = list(dict.fromkeys(str(error) for _asked, error in failures))
        shown = "; ".join(texts[:3])
        more = f"; and {len(texts) - 3} more, see errors" if len(texts) > 3 else ""
        message = f"{len(failures)} of {total} calls failed: {shown}{more}"
    return AlicloudError(
        message,
        code=first.code,
        http_status=first.http_status,
        request_id=first.request_id,
        retryable=all(error.retryable for _asked, error in failures),
        access_denied=first.access_denied,
        errors=[{**asked, **error.result()} for asked, error in failures],
        **partial_result,
    )
