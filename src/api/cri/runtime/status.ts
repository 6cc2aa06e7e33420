// SPDX-License-Identifier: Apache-2.0

import { messageOf } from "../../../base/errors.ts";
import type { HandlerReport } from "../../../core/tasks/handler-table.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "./deps.ts";

/** Whether pods can be run and attached to a network, and what each handler can do here: that, and nothing else. */
export async function status(runtime: CriRuntime, { verbose }: cri.StatusRequest, { signal }: Waiting) {
  const { engine } = runtime;
  const [reports, standard, network] = await Promise.all([
    engine.handlers.report({ signal }),
    runtimeCondition(runtime, signal),
    networkCondition(runtime, signal),
  ]);
  const features = ({ features: found }: Pick<HandlerReport, "features">) => ({
    recursiveReadOnlyMounts: found?.recursiveReadOnly === true,
    userNamespaces: engine.host.userNamespaces && found?.idMappedMounts === true && runtime.canIdmap,
  });
  const usable = reports.filter((report) => report.features !== undefined);
  const byDefault = usable.find(({ name }) => name === standard.handler);
  return {
    status: { conditions: [standard.condition, network] },
    runtimeHandlers: [
      // The one that an empty name means.
      ...(byDefault === undefined ? [] : [{ name: "", features: features(byDefault) }]),
      ...usable.map((report) => ({ name: report.name, features: features(report) })),
    ],
    features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false },
    info: verbose ? verboseInfo(runtime, reports) : {},
  };
}

async function runtimeCondition({ engine }: CriRuntime, signal: AbortSignal) {
  const type = "RuntimeReady";
  try {
    const { handler } = await engine.handlers.use(undefined, { signal });
    return { condition: { type, status: true }, handler: handler.name };
  } catch (error) {
    signal.throwIfAborted();
    const condition = { type, status: false, reason: "NoRuntimeHandler", message: messageOf(error) };
    return { condition, handler: undefined };
  }
}

async function networkCondition({ engine }: CriRuntime, signal: AbortSignal) {
  const type = "NetworkReady";
  try {
    await engine.networks.status(await engine.networks.podNetwork(), { signal });
    return { type, status: true };
  } catch (error) {
    signal.throwIfAborted();
    return { type, status: false, reason: "NetworkPluginNotReady", message: messageOf(error) };
  }
}

/** Clients such as critest look for stateDir in "config". */
function verboseInfo({ engine, info }: CriRuntime, handlers: readonly HandlerReport[]) {
  return {
    config: JSON.stringify({ ...info, rootDir: engine.settings.paths.root, stateDir: engine.settings.paths.state }),
    runtimeHandlers: JSON.stringify(handlers),
  };
}
