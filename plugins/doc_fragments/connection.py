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
      - If neither O(access_key_id) nor O(profile) is given, the first of these environment variables that is set is used,
        E(ALIBABA_CLOUD_ACCESS_KEY_ID), E(ALIBABACLOUD_ACCESS_KEY_ID), E(ALICLOUD_ACCESS_KEY).
    type: str
  access_key_secret:
    description:
      - The secret of the access key.
      - If neither O(access_key_secret) nor O(profile) is given, the first of these environment variables that is set is used,
        E(ALIBABA_CLOUD_ACCESS_KEY_SECRET), E(ALIBABACLOUD_ACCESS_KEY_SECRET), E(ALICLOUD_SECRET_KEY).
    type: str
  security_token:
    description:
      - The token that belongs to a temporary access key.
      - If the key or its secret comes from the environment, the first of these environment variables that is set is used,
        E(ALIBABA_CLOUD_SECURITY_TOKEN), E(ALIBABACLOUD_SECURITY_TOKEN), E(ALICLOUD_SECURITY_TOKEN).
      - A key that is given with O(access_key_id) and O(access_key_secret) is used without any token from the environment.
    type: str
  profile:
    description:
      - The name of a profile in O(config_file).
      - Its mode can be V(AK), V(StsToken), V(OAuth), V(RamRoleArn), V(ChainableRamRoleArn), V(OIDC), V(EcsRamRole),
        V(CredentialsURI), V(External) or V(CloudSSO). All modes but the first three need the Python library
        C(alibabacloud_credentials).
      - If neither O(profile) nor O(access_key_id) is given, credentials are looked for in this order, and the first match is
        used. First, a key in the environment. Second, the profile that E(ALIBABACLOUD_PROFILE), E(ALIBABA_CLOUD_PROFILE) or
        E(ALICLOUD_PROFILE) names. Third, the role that E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and
        E(ALIBABA_CLOUD_OIDC_TOKEN_FILE) name together. Fourth, the current profile of O(config_file), if that file exists.
        Fifth, the RAM role of the ECS instance, if E(ALIBABA_CLOUD_ECS_METADATA) names it.
    type: str
  config_file:
    description:
      - The configuration file of the official command line tool C(aliyun). The collection never writes it.
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
      - A file or folder with the certificates of the authorities to trust.
      - A relative path starts from the folder of the playbook.
      - Without it, E(REQUESTS_CA_BUNDLE) is used. If that is not set either, the authorities that the Python library
        C(requests) brings are trusted.
    type: path
  timeout:
    description:
      - How many seconds one attempt of a call may take.
    type: float
    default: 10
  retry_timeout:
    description:
      - How many seconds all retries of one call may take. V(0) means no retries.
      - A call is tried again if it is throttled, or if the service or the network fails in a way that may pass.
      - ECS counts calls by the minute, separately for each region. A value above 60 outlasts that limit. ENS counts most
        calls by the second.
      - The calls of a task share this time. If no call is answered for that long, all of them end. If only one region is
        throttled, only its calls end.
    type: float
    default: 90
  concurrency:
    description:
      - How many calls may be under way at once, from 1 to 100.
    type: int
    default: 8
  network:
    description:
      - V(public) calls the hosts on the internet. V(vpc) calls the hosts that can be reached from inside a VPC without internet
        access.
      - It is not used if O(endpoint) is set.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_TYPE) is used.
    type: str
    choices: [public, vpc]
    default: public
requirements:
  - requests >= 2.25.1
  - alibabacloud_credentials, for the modes of O(profile) that need it
notes:
  - An empty or null value counts as not set in an option, a variable, the environment and a file. The next source is used
    then.
  - The proxies in E(HTTPS_PROXY) and E(NO_PROXY) are used.
  - A module reads the environment, the configuration file and the proxies of the host that its task runs on. Lookups and
    inventory plugins read those of the controller.
seealso:
  - name: "Guide: Connecting"
    description: All ways to give a key, the order in which each option is looked for, and the endpoints.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_connecting.rst
"""

    LOOKUP = r"""
options:
  cache:
    description:
      - Whether an answer is kept until this run of Ansible ends. All hosts and templates that ask the same question then share
        one call. They get the same images even if newer ones are published meanwhile.
      - An answer in which something is missing is not kept. Modules neither use nor fill this cache.
      - In C(ansible-console), a run is the whole session.
    type: bool
    default: true
    vars:
      - name: alicloud_cache
        version_added: 1.1.0
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
