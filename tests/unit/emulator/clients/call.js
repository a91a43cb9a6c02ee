// Copyright (c) 2026, The alicloud.compute authors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Calls the emulator at a URL by one official client: node call.js CLIENT URL REGION FAMILY.
// Prints the image as JSON, or the code of the error.

const [client, address, RegionId, ImageFamily] = process.argv.slice(2);
const url = new URL(address);
const key = { accessKeyId: "testAKid", accessKeySecret: "testAKsecret" };
const options = { ...key, endpoint: url.host, protocol: "http", regionId: "cn-hangzhou" };

async function callTyped(name, Config) {
  const sdk = require(name);
  const request = new sdk.DescribeImageFromFamilyRequest({
    regionId: RegionId, RegionId, imageFamily: ImageFamily,
  });
  const reply = await new sdk.default(new Config(options)).describeImageFromFamily(request);
  return (reply.body || reply).image;
}

async function callGeneric(place) {
  const { $OpenApiUtil, Config, OpenApiRequest, Params, default: Client } =
    require("@alicloud/openapi-client");
  const { RuntimeOptions } = require("@alicloud/tea-util");
  const params = new Params({
    action: "DescribeImageFromFamily", version: "2014-05-26", protocol: "HTTPS", method: "POST",
    authType: "AK", style: "RPC", pathname: "/", reqBodyType: "formData", bodyType: "json",
  });
  const request = new OpenApiRequest({ [place]: { RegionId, ImageFamily } });
  const reply = await new Client(new Config(options)).callApi(
    params, request, new RuntimeOptions({}));
  return reply.body.Image;
}

async function callV2(name, method) {
  const { RPCClient } = require(name);
  const endpoint = url.origin;
  const rpc = new (RPCClient || require(name))({ ...key, endpoint, apiVersion: "2014-05-26" });
  const reply = await rpc.request("DescribeImageFromFamily", { RegionId, ImageFamily }, { method });
  return reply.Image;
}

const calls = {
  "ecs, newest": () =>
    callTyped("@alicloud/ecs20140526", require("@alicloud/openapi-core").$OpenApiUtil.Config),
  "ecs, oldest": () => callTyped("ecs-oldest", require("@alicloud/rpc-client").Config),
  "generic, query": () => callGeneric("query"),
  "generic, body": () => callGeneric("body"),
  "pop, newest, GET": () => callV2("@alicloud/pop-core", "GET"),
  "pop, newest, POST": () => callV2("@alicloud/pop-core", "POST"),
  "pop, oldest, GET": () => callV2("pop-oldest", "GET"),
  "pop, oldest, POST": () => callV2("pop-oldest", "POST"),
};

calls[client]().then(
  (image) => console.log(JSON.stringify(image)),
  (error) => console.log(JSON.stringify({ code: error.code, message: error.message })),
);
