// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Image } from "../../../core/images/image-service.ts";
import { toImageMessage, userOf } from "./image-message.ts";

test("a user is an id or a name, never both; the group does not count", () => {
  assert.deepEqual(userOf("1003:1004"), { uid: { value: 1003n } });
  assert.deepEqual(userOf("0"), { uid: { value: 0n } });
  assert.deepEqual(userOf("9223372036854775807"), { uid: { value: 2n ** 63n - 1n } });
  for (const [user, username] of [
    ["", ""],
    [":1004", ""],
    ["www-data:1004", "www-data"],
    ["1a", "1a"],
    ["0x10", "0x10"],
    ["9223372036854775808", "9223372036854775808"],
  ] as const) {
    assert.deepEqual(userOf(user), { username }, user);
  }
});

test("an image that lost its names is listed by its id", () => {
  const dangling = {
    id: `sha256:${"a".repeat(64)}`,
    names: [],
    repoDigests: [],
    size: 1,
    config: {},
  } as unknown as Image;
  assert.deepEqual(
    toImageMessage(dangling, () => false),
    {
      id: dangling.id,
      repoTags: [],
      repoDigests: [],
      size: 1n,
      username: "",
      spec: { image: dangling.id },
      pinned: false,
    },
  );
});
