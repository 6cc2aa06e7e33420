// SPDX-License-Identifier: Apache-2.0
// A daemon that serves CRI and NRI, for a suite of tests.

import { rmSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import type { Client } from "@connectrpc/connect";
import type { PodSandboxConfig, RuntimeService } from "../../../src/gen/runtime/v1/api_pb.js";
import { criClient } from "../../support/cri-pods.ts";
import type { TestDaemon } from "../../support/daemon.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";
import { buildPlugin, NriPlugin, type PluginRequest } from "./nri-plugin.ts";

export interface CriSuite {
  readonly daemon: TestDaemon;
  readonly runtime: Client<typeof RuntimeService>;
  /** Connects a plugin and waits until it was synchronized. */
  join(request: Pick<PluginRequest, "name" | "index" | "behaviours" | "events">): Promise<NriPlugin>;
  /** Connects one without waiting. */
  connect(request: Pick<PluginRequest, "name" | "index" | "behaviours" | "events">): NriPlugin;
}

/** Call it in the body of a suite; the environment is the daemon's. */
export function criSuite(environment: Readonly<Record<string, string>> = {}): CriSuite {
  const { file, directory } = buildPlugin();
  const socket = path.join(directory, "nri.sock");
  const config = `[nri]
enable = true
socket = "${socket}"
plugin_directory = "${directory}/plugins"
config_directory = "${directory}/conf.d"
`;
  const suite = suiteDaemon({ config, environment });
  let runtime: Client<typeof RuntimeService> | undefined;
  before(() => {
    runtime = criClient(suite.daemon);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  return {
    get daemon() {
      return suite.daemon;
    },
    get runtime() {
      if (runtime === undefined) throw new Error("the suite's runtime was asked for before its tests");
      return runtime;
    },
    join: async (request) => await NriPlugin.join({ ...request, file, socket }),
    connect: (request) => new NriPlugin({ ...request, file, socket }),
  };
}

/** What runPodSandbox is given: a pod in a network of its own. */
export function podConfig(name: string): Pick<PodSandboxConfig, "metadata" | "labels"> {
  return {
    metadata: {
      $typeName: "runtime.v1.PodSandboxMetadata",
      name,
      uid: `uid-of-${name}`,
      namespace: "nri-tests",
      attempt: 0,
    },
    labels: { app: name },
  };
}
