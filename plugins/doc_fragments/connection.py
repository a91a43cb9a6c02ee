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
      - Without O(access_key_id) and O(profile), the value comes from E(ALIBABA_CLOUD_ACCESS_KEY_ID),
        E(ALIBABACLOUD_ACCESS_KEY_ID) or E(ALICLOUD_ACCESS_KEY). The first one that is set wins.
    type: str
  access_key_secret:
    description:
      - The secret of the access key.
      - Without O(access_key_secret) and O(profile), the value comes from E(ALIBABA_CLOUD_ACCESS_KEY_SECRET),
        E(ALIBABACLOUD_ACCESS_KEY_SECRET) or E(ALICLOUD_SECRET_KEY). The first one that is set wins.
    type: str
  security_token:
    description:
      - The token of a temporary access key.
      - If the key or its secret comes from the environment, the value comes from E(ALIBABA_CLOUD_SECURITY_TOKEN),
        E(ALIBABACLOUD_SECURITY_TOKEN) or E(ALICLOUD_SECURITY_TOKEN). The first one that is set wins.
      - If you set both O(access_key_id) and O(access_key_secret), no token from the environment is used.
    type: str
  profile:
    description:
      - The name of a profile in O(config_file). It excludes the options of an access key.
      - The mode of the profile can be V(AK), V(StsToken), V(OAuth), V(RamRoleArn), V(ChainableRamRoleArn), V(OIDC),
        V(EcsRamRole), V(CredentialsURI), V(External) or V(CloudSSO). All modes except the first three need the Python library
        C(alibabacloud_credentials).
      - Without O(profile) and O(access_key_id), the plugin looks for credentials in five places and uses the first match.
      - 1. An access key in the environment.
      - 2. The profile in E(ALIBABACLOUD_PROFILE), E(ALIBABA_CLOUD_PROFILE) or E(ALICLOUD_PROFILE).
      - 3. The OIDC role in E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and
        E(ALIBABA_CLOUD_OIDC_TOKEN_FILE). All three must be set.
      - 4. The current profile of O(config_file), if that file exists.
      - 5. The RAM role of the ECS instance, if E(ALIBABA_CLOUD_ECS_METADATA) has its name.
    type: str
  config_file:
    description:
      - The configuration file of the official C(aliyun) CLI. The collection never writes it.
      - A relative path starts from the folder of the playbook.
    type: path
    default: ~/.aliyun/config.json
  validate_certs:
    description:
      - Whether to check the certificate of the service. Set V(false) in tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the CA certificates to trust.
      - A relative path starts from the folder of the playbook.
      - Without it, E(REQUESTS_CA_BUNDLE) is used. Without both, the CA certificates of the Python library C(requests) are used.
    type: path
  timeout:
    description:
      - The time limit of one attempt of a call, in seconds.
    type: float
    default: 10
  retry_timeout:
    description:
      - The time limit of all retries of a call, in seconds. V(0) means no retries.
      - A call is retried if the service throttles it, or if the error of the service or the network is temporary.
      - ECS counts calls per minute and region, so a value above 60 outlasts its limit. ENS counts most calls per second.
      - All calls of a task share this time. If no call gets an answer for this long, all calls fail. If only one region
        throttles, only the calls to that region fail.
    type: float
    default: 90
  concurrency:
    description:
      - How many calls can run at the same time, from 1 to 100.
    type: int
    default: 8
  network:
    description:
      - V(public) calls the endpoints on the internet. V(vpc) calls the endpoints inside a VPC, without internet access.
      - If you set O(endpoint), this option has no effect.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_TYPE) is used.
    type: str
    choices: [public, vpc]
    default: public
requirements:
  - requests >= 2.25.1
  - alibabacloud_credentials, for some modes of O(profile)
notes:
  - An empty or null value counts as not set, in an option, a variable, the environment and a file. Then the next source is
    used.
  - The proxy settings in E(HTTPS_PROXY) and E(NO_PROXY) apply.
  - A module reads the environment and the configuration file on the host of its task. A lookup or inventory plugin reads them on
    the controller.
seealso:
  - name: "Guide: Connecting"
    description: All sources of credentials and options, their order, and the endpoints.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_connecting.rst
"""

    LOOKUP = r"""
options:
  cache:
    description:
      - Whether to cache the answer until this run of Ansible ends. All hosts and templates with the same question then share one
        call. They get the same images, even if somebody publishes newer images during the run.
      - An answer with a missing image is not cached. Modules do not use this cache.
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
