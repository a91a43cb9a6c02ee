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
  - Returns a report as text, to write it to a file. The input is a result of M(alicloud.compute.image_coverage_info) or
    M(alicloud.compute.image_drift_info), or your own data in the same format.
  - The same input always gives the same text.
positional: format
options:
  _input:
    description:
      - One result, or a list of results. If two results have the same image, build or host, the result with the later C(checked)
        counts. There are three exceptions. A build in a lock keeps its state, even if a later result has it as V(newest). A limit
        is exceeded if any result exceeds it. The worst verdict counts.
      - "A result has C(checked) and one or more of the lists C(images), C(builds), C(hosts), C(limits), C(lagging) and
        C(batches). It can have C(verdict), which is V(passed), V(failed) or
        V(no_limit). Other keys of a result are ignored. Times are in
        UTC, such as C(2026-11-22T07:00:00Z). In the dictionaries of the lists, optional keys can be null or left out. An
        unknown key is an error."
      - "C(images) has the images of each region. The keys are C(name) (the wanted image), C(service) (V(ecs) or V(ens)),
        C(region), C(status) (V(present), V(absent), V(stale) or V(different)) and C(reason) (can be empty). Optional keys:
        C(image_id), C(image_name), C(image_version), C(creation_time), C(image_owner_alias), and C(age) and C(max_age) in
        seconds."
      - "C(builds) has the images of the timeline. The keys are C(name), C(service), C(region), C(image_id), C(image_name) and
        C(state) (V(newest), V(locked), V(previous) or V(soaking)). Optional keys: C(image_version), C(creation_time)."
      - "C(hosts) has the images of the hosts. The keys are C(host), C(status) (V(current), V(outdated) or V(unknown)) and
        C(reason) (can be empty). Optional keys: C(name), C(region), C(image_id), C(image_name), C(expected_image_id),
        C(expected_image_name), C(days_behind), C(versions_behind), C(denied)."
      - "C(limits) has the limits on hosts. The keys are C(name), C(value), the numbers of hosts C(allowed) and C(hosts), and
        the boolean C(exceeded)."
      - "C(lagging) has the regions and nodes without the expected image. The keys are C(name), C(region) and C(reason) (can be
        empty). The report has the entries of all results."
      - "C(batches) has lists of host names, in the order of replacement."
    type: raw
    required: true
  format:
    description:
      - The format V(html), V(markdown), V(junit), V(prometheus) or V(json), or the name of your file. The end of the file name
        selects the format, V(.html), V(.md), V(.xml) for JUnit, V(.prom) or V(.json). Case does not matter.
      - V(html) is a page for people. It is one file and loads no other files.
      - V(markdown) is for tickets, merge requests and chats. Names are in code spans, so they cannot become links or markup. You
        can copy them unchanged.
      - V(junit) is for CI systems. Each image in a region, each host and each limit is a test. The names of suites and classes
        start with O(title). An unknown host is a skipped test. So a host that is switched off does not stop the pipeline, but you
        see it.
      - V(prometheus) is for the textfile collector of C(node_exporter). The file name must end in C(.prom). All metrics are
        gauges. Their label C(report) is O(title), so one folder can hold many reports.
      - Metrics for each image in a region are C(alicloud_image_age_seconds) and C(alicloud_image_status).
        C(alicloud_image_hosts) and C(alicloud_image_hosts_behind_seconds_max) also count by image and region, so many hosts make
        few series.
      - Metrics for each limit are C(alicloud_image_limit_hosts) and C(alicloud_image_limit_allowed).
      - C(alicloud_image_verdict) is 1 if no limit is exceeded, else 0. Without limits, it is left out. With
        C(alicloud_image_check_timestamp_seconds), you can check that the file is still updated.
      - V(json) is for programs. C(docs/image-report.schema.json) describes it. Its key C(format) is the version of the format.
        With ansible-core 2.18, a template with only this filter returns a dictionary. Add the filter C(string) to get the text.
    type: str
    required: true
  title:
    description:
      - The title of the report. It identifies the report in V(junit) and V(prometheus), so give each report its own title.
    type: str
    default: Image report
  option:
    description:
      - The name of O(format) in error messages. A role sets the name of its variable.
    type: str
    default: format
"""

EXAMPLES = r"""
- name: Write a page and its metrics
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

- name: Show one report of two checks
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
    """Return the format with this name, or the format of a file with this name.

    option is the name of the value in the error. Raises AnsibleFilterError.
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
