# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report on images and the hosts that run them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_report
short_description: Write a report on images and the hosts that run them
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Turns what M(alicloud.compute.image_coverage_info) and M(alicloud.compute.image_drift_info) found, about images in regions
    and about hosts, or data of the same form, into a text for a file.
  - It looks at nothing but its input, and the same input gives the same text.
positional: format
options:
  _input:
    description:
      - One result, or a list of results. What two results tell of the same image, build or host is taken from the one
        with the later C(checked). But C(builds) that a lock knows are never V(newest) only, a limit that any result exceeds is
        exceeded, and the verdict is the worst.
      - "A result has C(checked) and any of the lists C(images), C(builds), C(hosts), C(limits), C(lagging) and
        C(batches), and may have C(verdict) (V(passed), V(failed) or V(no_limit)). Other keys are ignored.
        Their times are in UTC, such as C(2026-11-22T07:00:00Z). In the dicts of the lists, what may be null may also be
        left out, and a key that is not named here is an error."
      - "C(images): which image is where; C(name) is the wanted one's. The keys are C(name), C(service) (V(ecs) or V(ens)),
        C(region), C(status) (V(present), V(absent), V(stale) or V(different)), C(reason) (may be empty), and those that may
        be null: C(image_id), C(image_name), C(image_version), C(creation_time), C(image_owner_alias), C(age), C(max_age) (both in
        seconds)."
      - "C(builds): images for the timeline. The keys are C(name), C(service), C(region), C(image_id), C(image_name),
        C(state) (V(newest), V(locked), V(previous) or V(soaking)), and those that may be null: C(image_version),
        C(creation_time)."
      - "C(hosts): what runs. The keys are C(host), C(status) (V(current), V(outdated) or V(unknown)), C(reason) (may be
        empty), and those that may be null: C(name), C(region), C(image_id), C(image_name), C(expected_image_id),
        C(expected_image_name), C(days_behind), C(versions_behind), C(denied)."
      - "C(limits): limits on hosts. The keys are C(name), C(value), C(allowed) and C(hosts), both numbers of hosts, and
        C(exceeded), a boolean."
      - "C(lagging): places that lack the image that their hosts should run. The keys are C(name), C(region) and C(reason) (may
        be empty). A place that any result names is in the report."
      - "C(batches): lists of the names of hosts, in the order in which they are to be replaced."
    type: raw
    required: true
  format:
    description:
      - The format, or the name of the file that the report is for. The end of the name says the format then, V(.html), V(.md),
        V(.xml) for JUnit, V(.prom) or V(.json), in capitals, too.
      - V(html) is a page for people, in one file that loads nothing else.
      - V(markdown) is for tickets, merge requests and chats. Names are in code spans, so that they are no links or markup, and
        what is copied from there is the name.
      - V(junit) is for CI systems. Each image of a region, each host and each limit is a test. Suites and classes begin with
        O(title). A host of the status V(unknown) is a skipped test. It is no failure, because nothing is known to be wrong, and a
        host that is switched off should not stop a pipeline; and a passed test would hide it.
      - V(prometheus) is for the textfile collector of C(node_exporter). The file must end in C(.prom). All metrics are gauges, and
        all have O(title) as the label C(report), so that the files of many reports may lie in one folder.
        C(alicloud_image_age_seconds) and C(alicloud_image_status) are of each image in a region, C(alicloud_image_hosts) and
        C(alicloud_image_hosts_behind_seconds_max) are by image and region, so that many hosts make few series, and
        C(alicloud_image_check_timestamp_seconds) tells whether the file is still written. C(alicloud_image_limit_hosts) and
        C(alicloud_image_limit_allowed) are by limit, and C(alicloud_image_verdict) is 1 or 0, or not there if no limit is set.
      - V(json) is for programs. C(docs/image-report.schema.json) describes it, and C(format) in it is the version. With
        ansible-core 2.18, a template of nothing but this filter gives a dict, unless the filter C(string) follows.
    type: str
    required: true
  title:
    description:
      - The title of the report. It tells reports apart in V(junit) and V(prometheus), so give each its own.
    type: str
    default: Image report
  option:
    description:
      - What the error about an unknown O(format) calls it, such as the variable of a role that has the names of the files.
    type: str
    default: format
"""

EXAMPLES = r"""
- name: Write a page and the metrics of it
  ansible.builtin.copy:
    content: "{{ results | alicloud.compute.image_report(item, title='Production images') }}"
    dest: "{{ playbook_dir }}/{{ item }}"
    mode: "0644"
  loop: [images.html, images.prom]
  vars:
    results:
      checked: "2026-11-22T07:00:00Z"
      images:
        - name: web
          service: ecs
          region: cn-hangzhou
          status: present
          reason: ""
          image_id: m-bp1gt3a1b2c3d4e5f6g7
          image_name: web-20261120
          creation_time: "2026-11-20T02:00:00Z"
          image_owner_alias: self
          age: 190800
        - name: web
          service: ecs
          region: cn-shanghai
          status: absent
          reason: No image of the family web is available in cn-shanghai.
      hosts:
        - host: web-1
          status: outdated
          reason: It runs an image of the family web that is not the newest.
          name: web
          region: cn-hangzhou
          image_id: m-bp1gt3a1b2c3d4e5f6g1
          image_name: web-20261106
          expected_image_id: m-bp1gt3a1b2c3d4e5f6g7
          expected_image_name: web-20261120
          days_behind: 14
          versions_behind: 2
      batches:
        - [web-1]

- name: Show the report of two checks as one
  ansible.builtin.debug:
    msg: "{{ [east, west] | alicloud.compute.image_report('markdown') }}"
  vars:
    east:
      checked: "2026-11-22T07:00:00Z"
      images:
        - {name: web, service: ecs, region: cn-shanghai, status: present, reason: "", age: 190800}
    west:
      checked: "2026-11-22T07:05:00Z"
      images:
        - {name: web, service: ecs, region: cn-chengdu, status: stale, reason: It is 94 days old., age: 8121600}
"""

RETURN = r"""
_value:
  description: The report.
  type: str
"""

import typing as t

from ..plugin_utils._report.json_document import as_json
from ..plugin_utils._report.junit import as_junit
from ..plugin_utils._report.markdown import as_markdown
from ..plugin_utils._report.model import merge_results, wrong
from ..plugin_utils._report.page import as_html
from ..plugin_utils._report.prometheus import as_prometheus

FORMATS: dict[str, t.Callable[[dict[str, t.Any]], str]] = {
    "html": as_html,
    "json": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
    "prometheus": as_prometheus,
}
# The format of the report in a file, by the end of its name.
ENDS = {
    ".html": "html",
    ".json": "json",
    ".md": "markdown",
    ".prom": "prometheus",
    ".xml": "junit",
}


def find_format(value: t.Any, option: t.Any) -> str:
    """Return the format that has this name, or that the name of a file asks for.

    option is what the error calls the value. Raises AnsibleFilterError.
    """
    if isinstance(value, str):
        end = f".{value.rpartition('.')[2].lower()}"
        name = ENDS.get(end, "") if "." in value else value
        if name in FORMATS:
            return str(name)
    wanted = f"one of {', '.join(FORMATS)}, or the name of a file that ends in {', '.join(ENDS)}"
    raise wrong(str(option), wanted, value)


def image_report(
    results: t.Any, format: t.Any = None, title: t.Any = "Image report", option: t.Any = "format"
) -> str:
    """Return a report on results.

    Raises AnsibleFilterError.
    """
    write = FORMATS[find_format(format, option)]
    return write(merge_results(results, title))


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter."""
        return {"image_report": image_report}
