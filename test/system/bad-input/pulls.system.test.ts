// SPDX-License-Identifier: Apache-2.0
// Pulls that cannot succeed: what is said, and that no image, ingest or content stays.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterEach, suite, test } from "node:test";
import { startImageServer } from "../../../src/core/transfer/testing/image-server.ts";
import { startDockerRegistry, testUser } from "../../../src/drivers/registry/http/testing/docker-registry.ts";
import { makeTar } from "../../../src/oci/archive/testing/tar-files.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const layer = makeTar({ path: "hello", data: "hello" });

suite("a pull that fails", () => {
  const own = suiteDaemon();
  const pull = async (reference: string) => await own.client.images.pull(reference);

  afterEach(async () => {
    assert.deepEqual(
      (await own.client.images.list()).flatMap(({ repoTags }) => repoTags),
      ["busybox:latest"],
    );
    const ingests = await readdir(path.join(own.daemon.root, "content", "ingests"));
    assert.deepEqual(ingests, []);
  });

  test("from a registry that is down", async () => {
    await assert.rejects(pull("127.0.0.1:9/app:v1"), { code: "unavailable", message: /127\.0\.0\.1:9.*refused/ });
  });

  test("of an unknown repository or tag", async () => {
    await using registry = await startDockerRegistry();
    await own.client.images.tag("busybox", `${registry.domain}/app:v1`);
    await own.client.images.push(`${registry.domain}/app:v1`);
    await own.client.images.remove(`${registry.domain}/app:v1`);
    for (const name of ["app:v2", "nothing:v1"]) {
      await assert.rejects(pull(`${registry.domain}/${name}`), {
        code: "not-found",
        message: new RegExp(`${registry.domain}/${name}`),
      });
    }
  });

  test("whose certificate nobody vouches for", async () => {
    await using registry = await startDockerRegistry({ tls: true });
    await assert.rejects(pull(`${registry.domain}/app:v1`), { message: /certificate|authority/ });
  });

  test("without the credentials that are asked for, or with wrong ones", async () => {
    await using registry = await startDockerRegistry({ auth: true });
    await assert.rejects(pull(`${registry.domain}/app:v1`), { code: "unauthenticated" });
    const credentials = { username: testUser.username, password: "wrong" };
    await assert.rejects(own.client.images.pull(`${registry.domain}/app:v1`, { credentials }), {
      code: "unauthenticated",
    });
  });

  test("of a layer that is not what its digest says", async () => {
    await using server = await startImageServer([layer], (_layer, _request, response) => {
      const other = Buffer.from(layer);
      other[600] = 1;
      response.writeHead(200, { "content-length": other.length }).end(other);
      return true;
    });
    await assert.rejects(pull(server.name), { message: /sha256:/ });
  });

  test("of an archive cut short is told when a container needs it", async () => {
    await using server = await startImageServer([layer.subarray(0, 514)], () => false);
    const { name } = server;
    const unpacked = async () => {
      await pull(name);
      await own.client.containers.create({ image: name, command: ["true"] });
    };
    await assert.rejects(unpacked(), { message: /sha256:[0-9a-f]{64}/ });
    assert.deepEqual(await own.client.containers.list({ all: true }), []);
    await own.client.images.remove(name).catch((error: { readonly code?: string }) => {
      if (error.code !== "not-found") throw error;
    });
  });

  test("of a layer whose paths climb lands inside, and never outside", async () => {
    const climbing = makeTar({ path: "../../../../../../tmp/berth-climbed", data: "x" });
    await using server = await startImageServer([climbing], () => false);
    const { name } = server;
    await own.client.images.pull(name).then(
      async () => await own.client.images.remove(name),
      () => {},
    );
    await assert.rejects(readdir("/tmp/berth-climbed"), { code: "ENOENT" });
  });
});
