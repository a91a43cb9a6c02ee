# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rooms share: the one exception, and what counts as not set."""

from __future__ import annotations

import typing as t

Json = t.Dict[str, t.Any]


def is_unset(value: t.Any) -> bool:
    """Return whether a value counts as not set: it is null, empty, white space, or a list of such.

    So it is for options, variables, the environment and files. The next source is asked then.
    """
    if isinstance(value, (list, tuple)):
        return all(map(is_unset, value))
    return value is None or not str(value).strip()


class AlicloudError(Exception):
    """A user's or the service's mistake.

    Its text says what was asked, what happened and what to do.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        **found: t.Any,
    ) -> None:
        """
        may_pass says that it was tried again, in vain. found goes into the result of a failed task:
        what was found in spite of the error.
        """
        super().__init__(message)
        self.retryable = retryable
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.found = found

    def result(self) -> Json:
        """Return what a failed task returns."""
        return {
            "msg": str(self),
            "error_code": self.code,
            "http_status": self.http_status,
            "request_id": self.request_id,
            **self.found,
        }


def combine_errors(
    failures: t.Sequence[tuple[Json, AlicloudError]], total: int, **found: t.Any
) -> AlicloudError:
    """Return one error for those of many calls that failed, each with what it was asked for.

    Its code, status and request ID are the first failure's, its `errors` has those of each.
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
        errors=[{**asked, **error.result()} for asked, error in failures],
        **found,
    )
