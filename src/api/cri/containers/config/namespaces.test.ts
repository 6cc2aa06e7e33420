// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { toUserNamespace } from "./namespaces.ts";

const { POD, CONTAINER, NODE, TARGET } = cri.NamespaceMode;
const convert = (init: MessageInitShape<typeof cri.UserNamespaceSchema>) =>
  toUserNamespace(create(cri.UserNamespaceSchema, init));
const range = (hostId: number, containerId = 0, length = 65536) => [{ hostId, containerId, length }];

test("a pod's user namespace is one range that starts at 0", () => {
  const mapping = [{ containerId: 0, hostId: 100000, size: 65536 }];
  assert.deepEqual(convert({ mode: POD, uids: range(100000), gids: range(100000) }), {
    uidMappings: mapping,
    gidMappings: mapping,
  });
  assert.equal(convert({ mode: NODE }), undefined);
  assert.equal(toUserNamespace(undefined), undefined);
});

const refused: readonly [init: Parameters<typeof convert>[0], message: RegExp | string][] = [
  [{ mode: POD }, "a pod's user namespace needs one mapping of users and one of groups"],
  [
    { mode: POD, uids: [...range(1), ...range(90000, 65536)], gids: range(1) },
    "a pod's user namespace needs one mapping of users and one of groups",
  ],
  [{ mode: POD, uids: range(1, 1), gids: range(1, 1) }, /user id 0 of the container is not mapped/],
  [{ mode: POD, uids: range(1, 0, 0), gids: range(1) }, /invalid mapping of user ids/],
  [{ mode: POD, uids: range(1), gids: range(2) }, "the mappings of users and groups of a pod must be the same"],
  [{ mode: NODE, uids: range(1), gids: range(1) }, "the node's user namespace takes no id mappings"],
  [{ mode: CONTAINER, uids: range(1), gids: range(1) }, "unsupported user namespace mode: CONTAINER"],
  [{ mode: TARGET }, "unsupported user namespace mode: TARGET"],
];
for (const [init, message] of refused) {
  test(`refused: ${String(message)}`, () => assert.throws(() => convert(init), { code: "invalid-argument", message }));
}
