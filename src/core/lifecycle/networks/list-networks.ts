// SPDX-License-Identifier: Apache-2.0
// The networks that containers can be attached to, with what is attached to them now. The default one is known as
// "bridge", whatever its file calls it; "host" and "none" stand for having no network of one's own.

import { createHash } from "node:crypto";
import { invalidArgument, notFound } from "../../../base/errors.ts";
import { nameMatches, parseFilterBoolean } from "../../../base/filter-values.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { Engine } from "../engine.ts";

/** A network as people see it. */
export interface NetworkView {
  readonly id: string;
  readonly name: string;
  /** As its file has it. */
  readonly configuredName: string;
  readonly driver: string;
  readonly subnets: readonly string[];
  readonly endpoints: readonly NetworkEndpoint[];
}

/** A container, or a pod, on a network. */
export interface NetworkEndpoint {
  readonly id: string;
  readonly name: string;
  readonly isPod: boolean;
  readonly macAddress: string;
  readonly addresses: readonly string[];
}

type Source = Pick<Engine, "networks" | "sandboxes" | "registry" | "running" | "settings">;

/** All of them, by name. */
export async function listNetworks(engine: Source): Promise<readonly NetworkView[]> {
  const configured = (await engine.networks.list()).map(({ name, driver, subnets }) => ({
    id: idOf(name),
    name: name === engine.settings.defaultNetwork ? "bridge" : name,
    configuredName: name,
    driver,
    subnets,
    endpoints: endpointsOn(engine, name),
  }));
  return [...configured, withoutNetwork(engine, "host", "host"), withoutNetwork(engine, "none", "null")].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

/** By name, by full id or by a unique prefix of one; not-found, or invalid-argument when several ids begin so. */
export async function findNetwork(engine: Source, reference: string): Promise<NetworkView> {
  const networks = await listNetworks(engine);
  const exact =
    networks.find(({ name, id }) => name === reference || id === reference) ??
    networks.find(({ configuredName }) => configuredName === reference);
  if (exact !== undefined) return exact;
  const matches = /^[0-9a-f]+$/.test(reference) ? networks.filter(({ id }) => id.startsWith(reference)) : [];
  const [match, ...others] = matches;
  if (match === undefined) throw notFound("network", reference);
  if (others.length > 0)
    throw invalidArgument(`several networks have ids that begin with ${reference}: give more of it`);
  return match;
}

/** Docker's filters: values of one key are alternatives, different keys must all hold. */
export function networkFilter(filters: ReadonlyMap<string, readonly string[]>): (network: NetworkView) => boolean {
  const tests = Array.from(filters, ([key, values]) => {
    const test = testFor(key, values);
    return (network: NetworkView) => values.some((value) => test(network, value));
  });
  return (network) => tests.every((test) => test(network));
}

function testFor(key: string, values: readonly string[]): (network: NetworkView, value: string) => boolean {
  switch (key) {
    case "id":
      return ({ id }, value) => id.startsWith(value);
    case "name":
      return ({ name }, value) => nameMatches(name, value);
    case "driver":
      return ({ driver }, value) => driver === value;
    case "scope":
      return (_network, value) => value === "local";
    case "label":
      // Files of networks have none.
      return () => false;
    case "dangling": {
      const wanted = new Map(values.map((value) => [value, parseFilterBoolean(key, value)]));
      return (network, value) => (isCustom(network) && network.endpoints.length === 0) === wanted.get(value);
    }
    case "type":
      for (const value of values) {
        if (value !== "builtin" && value !== "custom") throw invalidArgument(`invalid filter 'type=${value}'`);
      }
      return (network, value) => isCustom(network) === (value === "custom");
    default:
      throw invalidArgument(`invalid filter '${key}'`);
  }
}

function isCustom({ name }: NetworkView): boolean {
  return name !== "bridge" && name !== "host" && name !== "none";
}

function idOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

function endpointsOn({ sandboxes, registry }: Source, network: string): readonly NetworkEndpoint[] {
  const owners = new Map(registry.list().map((record) => [record.sandboxId, record]));
  return sandboxes.list().flatMap(({ id, pod, attachments }) =>
    attachments
      .filter((attachment) => attachment.network === network)
      .map(({ macAddress, addresses }) => ({
        ...ownerOf(owners.get(id), { id, podName: pod?.config.metadata.name }),
        macAddress,
        addresses: addresses.map(({ address }) => address),
      })),
  );
}

function ownerOf(
  container: ContainerRecord | undefined,
  { id, podName }: { readonly id: string; readonly podName: string | undefined },
): Pick<NetworkEndpoint, "id" | "name" | "isPod"> {
  if (podName !== undefined) return { id, name: podName, isPod: true };
  return { id: container?.id ?? id, name: container?.name ?? "", isPod: false };
}

function withoutNetwork({ registry, running }: Source, name: "host" | "none", driver: string): NetworkView {
  const endpoints = registry
    .list()
    .filter((record) => record.pod === undefined && running.has(record.id) && record.config.networkMode === name)
    .map((record) => ({ id: record.id, name: record.name, isPod: false, macAddress: "", addresses: [] }));
  return { id: idOf(name), name, configuredName: name, driver, subnets: [], endpoints };
}
