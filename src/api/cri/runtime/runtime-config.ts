// SPDX-License-Identifier: Apache-2.0

import * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "./deps.ts";

/** Who makes cgroups: the kubelet must name them alike. */
export async function runtimeConfig({ engine }: CriRuntime, { signal }: Waiting) {
  const { handler } = await engine.handlers.use(undefined, { signal });
  return { linux: { cgroupDriver: handler.systemdCgroup ? cri.CgroupDriver.SYSTEMD : cri.CgroupDriver.CGROUPFS } };
}
