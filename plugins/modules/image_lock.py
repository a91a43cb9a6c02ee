#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the services, plans the changes of the lock, writes it and returns the result."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_lock
short_description: Pin images in a lock file
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Finds the newest image of each wanted image in each of its regions, and writes it to a lock file. Keep the lock file under
    version control and review it like code.
  - M(alicloud.compute.image_drift_info) and the lookup P(alicloud.compute.image_lock#lookup) read the lock file. The module
    renders the files in O(tfvars), O(pkrvars) and O(dotenv) from it.
  - If one image cannot be locked, or one file cannot be rendered, the task fails with the reason and the lock file does not
    change. A lock file is never half written. Runs that write it at the same time keep each other's changes.
  - Run the module on the controller. You need the permission C(ecs:DescribeImageFromFamily) for ECS images and
    C(ens:DescribeImages) for ENS images.
options:
  path:
    description:
      - The lock file. Its folder must exist. A relative path starts from the folder of the playbook.
    type: path
    required: true
  mode:
    description:
      - V(update) locks the newest images.
      - V(verify) writes nothing. It fails if V(update) would change the lock, except for notes on images that are too young. It
        also fails if a locked image is denied or removed, or if a rendered file is missing or differs from the lock. A locked
        image of a family counts as removed if the newest image of the family is older.
      - V(rollback) locks the previous image again, in all regions that have one. It makes no call. Add the bad image to O(deny),
        or the next V(update) locks it again. You get a warning if you do not.
    type: str
    choices: [update, verify, rollback]
    default: update
  only:
    description:
      - The names of the images to update, verify or roll back. The other images in the lock do not change.
      - Without it, V(update) and V(verify) work on all images. V(update) then drops images that are not in O(images) from the
        lock. V(rollback) requires this option.
      - An empty list counts as not set. You get a warning.
    type: list
    elements: str
  behind:
    description:
      - Whether O(mode=verify) fails if there is a newer build.
      - Use V(allow) for checks between two updates, for example of a merge request. All other checks stay on.
    type: str
    choices: [fail, allow]
    default: fail
  min_age:
    description:
      - The minimum age of an image before it is locked. A number and one of C(s), C(m), C(h), C(d) and C(w), such as V(3d).
        Without it, images of any age are locked.
      - A family shows only its newest image. So the lock file notes younger images, and each is locked when it is old enough.
        With V(3d) and a run each night, each nightly build is locked three days later.
      - A new wanted image stays unlocked until its image is old enough. This is no error.
    type: str
  keep_tags:
    description:
      - The keys of the tags of ECS images to keep in the lock, such as V(commit). A reviewer then sees the source of an image.
        The diff shows, for example, C(commit 1a2b to 3c4d).
      - By default, no tags are kept.
    type: list
    elements: str
    default: []
  allow_older:
    description:
      - Whether an older image may replace the locked image. With V(false), the task fails if the newest image is older than the
        locked image. Then the locked image must have been removed.
    type: bool
    default: false
  tfvars:
    description:
      - A file such as V(images.auto.tfvars.json), with the variable C(image_ids) for Terraform. Its value is a map of maps of
        strings, by name and region. Without this option, no such file is written.
      - The files of O(tfvars), O(pkrvars) and O(dotenv) are rendered from the whole lock, also with O(only). A file is rewritten
        if its values differ from the lock. Differences in white space, line ends and comments do not count.
      - The folder must exist. A relative path starts from the folder of the playbook.
    type: path
  pkrvars:
    description:
      - A file such as V(images.auto.pkrvars.hcl), with the variable C(image_ids) for Packer. Without this option, no such file is
        written.
      - C(packer fmt) does not change it.
    type: path
  dotenv:
    description:
      - A file such as V(images.env), with one variable for each name and region, such as C(IMAGE_ID_WEB_CN_HANGZHOU). Without
        this option, no such file is written.
      - Two variables with the same name are an error.
    type: path
requirements:
  - PyYAML
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.wanted.region
  - alicloud.compute.wanted.compared
  - alicloud.compute.wanted.denied
  - alicloud.compute.attributes
attributes:
  diff_mode:
    support: full
    details: The diff has one sentence for each change of the lock and for each rendered file.
seealso:
  - plugin: alicloud.compute.image_lock
    plugin_type: lookup
  - name: "Guide: Fleets: pin, check and compare images"
    description: Playbooks that combine lock, coverage and drift.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_fleet.rst
"""

EXAMPLES = r"""
- name: Lock the newest images that are a day old
  alicloud.compute.image_lock:
    path: images.lock.yml
    min_age: 1d
    max_age: 30d
    tfvars: images.auto.tfvars.json
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou, cn-shanghai]
        expect:
          architecture: x86_64
          tags:
            team: web
      - name: edge-web
        image_name: edge-web-*
        ens_region_id: [cn-dalian-unicom, sg-singapore-9]
        owner: [self]
  register: locked

- name: Show the IDs
  ansible.builtin.debug:
    var: locked.image_ids

- name: Roll one image back in all regions with a previous image
  alicloud.compute.image_lock:
    path: images.lock.yml
    mode: rollback
    only: [web]
    deny:
      - image: web-20261120
        reason: loses connections under load
  when: false # not today
"""

RETURN = r"""
images:
  description:
    - The locked images, by name and region. In check mode, the images that would be locked. If the task fails because of the
      lock, the images in the file.
  returned: success, and when the task fails because of the lock
  type: list
  elements: dict
  contains:
    name:
      description: The name of the wanted image.
      type: str
      returned: always
      sample: web
    service:
      description: V(ecs) or V(ens).
      type: str
      returned: always
      sample: ecs
    region:
      description: The region, or the ENS node.
      type: str
      returned: always
      sample: cn-hangzhou
    image_id:
      description: The ID of the image.
      type: str
      returned: always
      sample: m-bp1g7004ksh0oeuco5tz
    image_name:
      description: The name of the image, or null.
      type: str
      returned: always
      sample: web-20261120
    image_version:
      description: The version of the image, or null.
      type: str
      returned: always
      sample: "30"
    creation_time:
      description: The creation time of the image in UTC, or null.
      type: str
      returned: always
      sample: "2026-11-20T02:00:00Z"
    image_owner_alias:
      description: The owner of the image, or null.
      type: str
      returned: always
      sample: self
    resolved:
      description: The time of the locking in UTC.
      type: str
      returned: always
      sample: "2026-11-22T07:00:00Z"
image_ids:
  description: The IDs of the locked images by name and region.
  returned: success, and when the task fails because of the lock
  type: dict
  sample: {"web": {"cn-hangzhou": "m-bp1g7004ksh0oeuco5tz"}}
rendered:
  description:
    - The rendered files, with the paths from your options. In check mode, the files that would be rendered. If the task fails
      because of the lock, the files that differ from the lock.
  returned: success, and when the task fails because of the lock
  type: list
  elements: str
  sample: ["images.auto.tfvars.json"]
moves:
  description:
    - The images that changed, or would change in check mode. RV(ignore:before) is null if the image or region is new.
      RV(ignore:after) is null if it was dropped.
  returned: success, and when the task fails because of the lock
  type: list
  elements: dict
  sample:
    - name: web
      region: cn-hangzhou
      before: {"image_id": "m-bp1aaaaaaaaaaaaaaaaa", "image_name": "web-20261119"}
      after: {"image_id": "m-bp1g7004ksh0oeuco5tz", "image_name": "web-20261120"}
held:
  description:
    - The newest images that are not locked because they are denied or too young, or because another region has no allowed
      image of the same build. Also the regions without a previous image for a rollback.
  returned: success, and when the task fails because of the lock
  type: list
  elements: dict
  sample:
    - name: web
      region: cn-hangzhou
      image_id: m-bp1g7004ksh0oeuco5tz
      reason: web-20261120 (m-bp1g7004ksh0oeuco5tz) is 5 hours old, and min_age is 1 day
problems:
  description: One sentence for each reason why the lock cannot change, or is not valid any more.
  returned: when the task fails because of the lock
  type: list
  elements: str
  sample: ["web: web-20261121 is in cn-hangzhou, but cn-shanghai has web-20261120"]
builds:
  description:
    - All images in the lock file, for a timeline. RV(ignore:state) is V(locked), V(previous) or V(soaking). A soaking image is
      still too young.
  returned: success, and when the task fails because of the lock
  type: list
  elements: dict
  sample: [{"name": "web", "region": "cn-hangzhou", "image_id": "m-bp1g7004ksh0oeuco5tz", "state": "locked"}]
checked:
  description: The time of the check in UTC, by the clock of the services.
  returned: success, and when the task fails because of the lock
  type: str
  sample: "2026-11-22T07:00:00Z"
errors:
  description: The failed calls, in the format of M(alicloud.compute.ecs_image_family_info) and M(alicloud.compute.ens_image_info).
  returned: when calls fail
  type: list
  elements: dict
  sample: [{"image_family": "web", "region_id": "cn-hangzhou", "error_code": "Forbidden.RAM", "http_status": 403}]
access_denied:
  description:
    - The reason for the denial of the first failed call. RV(ignore:explicit) is true if a policy has a Deny. The other keys are
      RV(ignore:policy_type), RV(ignore:action), RV(ignore:principal) and RV(ignore:diagnostic). A key is null if the service
      does not give it.
  returned: when access is denied and the service gives a reason
  type: dict
  sample: {"explicit": false, "policy_type": "AccountLevelIdentityBasedPolicy", "action": "ens:DescribeImages"}
error_code:
  description: The service's code of the first error. Null if the error does not come from the service.
  returned: failure
  type: str
  sample: Forbidden.RAM
http_status:
  description: The HTTP status of the first error. Null without an answer.
  returned: failure
  type: int
  sample: 403
request_id:
  description: The service's ID of the first failed call, for a support ticket.
  returned: failure
  type: str
  sample: 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E
"""

import typing as t
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import AlicloudError, Json
from ..module_utils._fleet import lock as _lock
from ..module_utils._fleet import lock_file as _lock_file
from ..module_utils._fleet import plan as _plan
from ..module_utils._fleet.deny import DENY_SPEC, parse_denials
from ..module_utils._fleet.render import FORMATS, RenderedFile, render_outdated
from ..module_utils._fleet.wanted import (
    COMPARED_SPEC,
    WANTED_SPEC,
    Listings,
    WantedImage,
    check_agree,
    fetch_images,
    wanted_images,
)
from ..module_utils._fleet.words import Finding, join_sentences, sentence
from ..module_utils._images.image import written
from ..module_utils._options import connection_spec, create_client
from ..module_utils._task import Task, run_module

LIST = {"type": "list", "elements": "str"}
ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs", "ens"),
    **WANTED_SPEC,
    **COMPARED_SPEC,
    **DENY_SPEC,
    "path": {"type": "path", "required": True},
    "mode": {"type": "str", "choices": ["update", "verify", "rollback"], "default": "update"},
    "only": LIST,
    "behind": {"type": "str", "choices": ["fail", "allow"], "default": "fail"},
    "min_age": {"type": "str"},
    "keep_tags": {**LIST, "default": []},
    "allow_older": {"type": "bool", "default": False},
    **{name: {"type": "path"} for name in FORMATS},
}


def run(options: t.Mapping[str, t.Any], task: Task) -> Json:
    """Return the result of the task, or raise AlicloudError."""
    verify = options["mode"] == "verify"
    question = _ask(options, task)
    # Opened after the services have answered, so that other runs do not wait for them.
    alone = not (verify or task.check_mode)
    with _lock_file.open_lock(options["path"], task.warn, alone=alone) as file:
        if verify and file.text is None:
            raise AlicloudError(
                f"{file.path} is not there: write it with {task.option('mode')} update, or correct "
                f"{task.option('path')}."
            )
        plan = _make_plan(options, task, question, file)
        for warning in plan.warnings:
            task.warn(f"{sentence(warning, task.option)}.")
        lock = file.lock if verify or plan.problems else plan.lock
        # Before the lock is written: it must not move without its files.
        outdated = _outdated_files(options, lock, task) if verify or not plan.problems else []
        if verify:
            plan.problems.extend(one.problem for one in outdated)
        else:
            plan.changes.extend(one.change for one in outdated)
        changes = [_plan.as_violation(one) for one in plan.changes] if verify else plan.changes
        result = _result(lock, plan, changes, question.now, task)
        result["rendered"] = [one.path for one in outdated]
        if plan.problems:
            raise _refused(options, plan, result, task)
        if alone:
            result["changed"] = file.write(plan.lock) or bool(outdated)
            for one in outdated:
                one.write(task.warn)
        elif not verify:
            result["changed"] = file.differs(plan.lock) or bool(outdated)
    return result


class _Question(t.NamedTuple):
    """The wanted images and guards, and the answers of the services."""

    wanted: list[WantedImage]
    only: t.Sequence[str]
    guards: _plan.Guards
    found: Listings
    # By the service's clock, if it was asked.
    now: datetime


def _ask(options: t.Mapping[str, t.Any], task: Task) -> _Question:
    """Check the options and call the services for a plan. A rollback makes no call."""
    only = [name for name in options["only"] or () if name]
    rollback = options["mode"] == "rollback"
    if rollback and not only:
        raise AlicloudError(f"A rollback needs the names of the images: set {task.option('only')}.")
    if options["only"] is not None and not only:
        task.warn(f"{sentence(Finding('all', ''), task.option)}.")
    check_agree(options["agree"], task.option("agree"))
    guards = _plan.Guards(
        parse_denials(options["deny"], task.option("deny")),
        options["allow_older"],
        options["keep_tags"],
    )
    if rollback:
        wanted = wanted_images(options, task.option) if options["images"] else []
        return _Question(wanted, only, guards, {}, datetime.now(timezone.utc))
    wanted = wanted_images(options, task.option)
    _check_only(only, [image.name for image in wanted], task.option("images"), task)
    places = [
        (image, region)
        for image in wanted
        if not only or image.name in only
        for region in image.regions
    ]
    with create_client(options, task.warn) as client:
        found = fetch_images(client, places, options["network"])
        return _Question(wanted, only, guards, found, client.now())


def _make_plan(
    options: t.Mapping[str, t.Any], task: Task, question: _Question, file: _lock_file.LockFile
) -> _plan.Plan:
    """Return the plan for the lock."""
    wanted, only, guards, found, now = question
    if options["mode"] == "rollback":
        _check_only(only, file.lock, file.path, task)
        agree = {image.name: image.agree for image in wanted}
        return _plan.plan_rollback(
            file.lock, only, lambda name: agree.get(name, options["agree"]), guards, now
        )
    if options["mode"] == "update":
        return _plan.plan_update(file.lock, wanted, only, found, guards, now)
    return _plan.find_violations(
        file.lock,
        wanted,
        only,
        found,
        guards,
        now,
        allow_behind=options["behind"] == "allow",
        lock_format=file.format,
    )


def _outdated_files(
    options: t.Mapping[str, t.Any], lock: _lock.Lock, task: Task
) -> list[RenderedFile]:
    """Return the rendered files that differ from a lock."""
    paths = {name: options[name] for name in FORMATS}
    writable = options["mode"] != "verify"
    ids = _lock.image_ids(lock)
    return render_outdated(paths, ids, options["path"], writable=writable, option=task.option)


def _result(
    lock: _lock.Lock, plan: _plan.Plan, changes: t.Sequence[Finding], now: datetime, task: Task
) -> Json:
    return {
        "changed": False,
        "images": _lock.image_rows(lock),
        "image_ids": _lock.image_ids(lock),
        "moves": plan.moves,
        "held": [
            {
                "name": held.name,
                "region": held.region,
                "image_id": held.facts["image"]["image_id"],
                "reason": sentence(held, task.option),
            }
            for held in plan.held
        ],
        "builds": _lock.timeline_rows(lock),
        "checked": written(now),
        "diff": {"prepared": "".join(f"{sentence(change, task.option)}.\n" for change in changes)},
    }


def _check_only(only: t.Sequence[str], known: t.Iterable[str], where: str, task: Task) -> None:
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise AlicloudError(
            f"{task.option('only')} has {', '.join(unknown)}, which is not in {where}. There are "
            f"{', '.join(sorted(known)) or 'none'}."
        )


def _refused(
    options: t.Mapping[str, t.Any], plan: _plan.Plan, result: Json, task: Task
) -> AlicloudError:
    """Return the error for a lock that cannot change or is not valid any more."""
    problems = [sentence(problem, task.option) for problem in plan.problems]
    text = join_sentences(problems, "problems")
    if options["mode"] == "verify":
        text = f"{options['path']} does not hold: {text}."
        if all(problem.code != "stuck" for problem in plan.problems):  # no update mends that
            text += " Update the lock or roll it back, and review the changes."
    else:
        text = f"{options['path']} stays as it is: {text}."
    return AlicloudError(text, problems=problems, **result)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
