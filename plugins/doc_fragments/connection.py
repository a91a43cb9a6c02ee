# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, which every module and lookup has."""

from __future__ import annotations


class ModuleDocFragment:
    """Use `connection` in modules and lookups, and `connection.lookup` in lookups too, behind the first."""

    DOCUMENTATION = r"""
options:
  access_key_id:
    description:
      - The ID of the access key that signs the calls.
      - Without O(access_key_id) and O(profile), E(ALIBABA_CLOUD_ACCESS_KEY_ID), then
        E(ALIBABACLOUD_ACCESS_KEY_ID), then E(ALICLOUD_ACCESS_KEY) is used.
    type: str
  access_key_secret:
    description:
      - The secret of the access key.
      - Without O(access_key_secret) and O(profile), E(ALIBABA_CLOUD_ACCESS_KEY_SECRET), then
        E(ALIBABACLOUD_ACCESS_KEY_SECRET), then E(ALICLOUD_SECRET_KEY) is used.
    type: str
  security_token:
    description:
      - The token that belongs to a temporary access key.
      - If the key or its secret comes from the environment, E(ALIBABA_CLOUD_SECURITY_TOKEN), then
        E(ALIBABACLOUD_SECURITY_TOKEN), then E(ALICLOUD_SECURITY_TOKEN) is used. A key that is given with
        O(access_key_id) and O(access_key_secret) never meets a token of the environment.
    type: str
  profile:
    description:
      - The name of a profile in O(config_file), of the mode V(AK), V(StsToken), V(OAuth), V(RamRoleArn),
        V(ChainableRamRoleArn), V(OIDC), V(EcsRamRole), V(CredentialsURI), V(External) or V(CloudSSO). All but the first
        three need the Python library C(alibabacloud_credentials).
      - Without it and without O(access_key_id), a key in the environment is used, then the profile that
        E(ALIBABACLOUD_PROFILE), then E(ALIBABA_CLOUD_PROFILE), then E(ALICLOUD_PROFILE) names, then the role that
        E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and E(ALIBABA_CLOUD_OIDC_TOKEN_FILE) name together,
        then the current profile of an existing O(config_file), then the RAM role of the ECS instance that
        E(ALIBABA_CLOUD_ECS_METADATA) names.
    type: str
  config_file:
    description:
      - The configuration file of the official command line tool C(aliyun). It is read and never written.
      - A relative path starts from the folder of the playbook.
    type: path
    default: ~/.aliyun/config.json
  validate_certs:
    description:
      - Whether the certificate of the service is checked. Turn it off in tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificates of the authorities that are trusted. A relative path starts from the folder of
        the playbook.
      - Without it, E(REQUESTS_CA_BUNDLE) is honoured, then those that the Python library C(requests) brings.
    type: path
  timeout:
    description:
      - The seconds that one try of a call may take.
    type: float
    default: 10
  retry_timeout:
    description:
      - The seconds that all retries of one call may take, V(0) for none.
      - Throttled calls and failures of the service and of the network are tried again. ECS counts the calls of each region
        by the minute, so a value above 60 outlasts its limit. ENS counts most calls by the second.
      - The calls of a task share this time. When nothing was answered for this long, all end. A throttled region ends alone.
    type: float
    default: 90
  concurrency:
    description:
      - The number of calls that are under way at once, at the most, from 1 to 100.
    type: int
    default: 8
  network:
    description:
      - V(vpc) calls the hosts that are reached from inside a VPC without internet access, V(public) those of the internet.
        O(endpoint) outranks it.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_TYPE) is used.
    type: str
    choices: [public, vpc]
    default: public
requirements:
  - requests >= 2.25.1
  - alibabacloud_credentials, only for temporary credentials that are fetched (see O(profile))
notes:
  - An empty or null value counts as not set, in an option, a variable, the environment or a file. The next source is asked
    then.
  - Proxies are taken from E(HTTPS_PROXY) and E(NO_PROXY).
  - Environment variables, the configuration file and the proxies are those of the machine and process that make the
    call. For a module, that is the host that the task runs on, for a lookup always the controller.
seealso:
  - ref: ansible_collections.alicloud.compute.docsite.guide_connecting
    description: Guide to the ways to give a key, and to the choice between module and lookup.
"""

    LOOKUP = r"""
options:
  cache:
    description:
      - Whether an answer is kept for the rest of the run of Ansible, so that a question that hundreds of hosts and
        templates ask is one call, and all of them get the same images even if newer ones are published meanwhile.
      - An answer in which something is missing is not kept. Modules never use or fill the cache.
      - In C(ansible-console), a run is the whole session.
    type: bool
    default: true
  access_key_id:
    env:
      - name: ALIBABA_CLOUD_ACCESS_KEY_ID
      - name: ALIBABACLOUD_ACCESS_KEY_ID
      - name: ALICLOUD_ACCESS_KEY
    ini:
      - section: alicloud
        key: access_key_id
    vars:
      - name: alicloud_access_key_id
  access_key_secret:
    env:
      - name: ALIBABA_CLOUD_ACCESS_KEY_SECRET
      - name: ALIBABACLOUD_ACCESS_KEY_SECRET
      - name: ALICLOUD_SECRET_KEY
    vars:
      - name: alicloud_access_key_secret
  security_token:
    env:
      - name: ALIBABA_CLOUD_SECURITY_TOKEN
      - name: ALIBABACLOUD_SECURITY_TOKEN
      - name: ALICLOUD_SECURITY_TOKEN
    vars:
      - name: alicloud_security_token
  profile:
    env:
      - name: ALIBABACLOUD_PROFILE
      - name: ALIBABA_CLOUD_PROFILE
      - name: ALICLOUD_PROFILE
    ini:
      - section: alicloud
        key: profile
    vars:
      - name: alicloud_profile
  config_file:
    ini:
      - section: alicloud
        key: config_file
    vars:
      - name: alicloud_config_file
  validate_certs:
    ini:
      - section: alicloud
        key: validate_certs
    vars:
      - name: alicloud_validate_certs
  ca_path:
    ini:
      - section: alicloud
        key: ca_path
    vars:
      - name: alicloud_ca_path
  timeout:
    ini:
      - section: alicloud
        key: timeout
    vars:
      - name: alicloud_timeout
  retry_timeout:
    ini:
      - section: alicloud
        key: retry_timeout
    vars:
      - name: alicloud_retry_timeout
  concurrency:
    ini:
      - section: alicloud
        key: concurrency
    vars:
      - name: alicloud_concurrency
  network:
    env:
      - name: ALIBABA_CLOUD_ENDPOINT_TYPE
    ini:
      - section: alicloud
        key: network
    vars:
      - name: alicloud_network
"""
