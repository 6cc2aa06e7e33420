// SPDX-License-Identifier: Apache-2.0
// A pod as inspect prints it: named as in container-json.ts where both have it.

import type { Pod, PodContainer, PodNamespace, PodNamespaces, UserNamespace } from "@berth/sdk";
import { formatTimestamp } from "../times.ts";

/** What inspect prints for a pod. */
export function podJson(pod: Pod): Record<string, unknown> {
  return {
    Id: pod.id,
    Created: formatTimestamp(pod.createdAt),
    Name: pod.name,
    Namespace: pod.namespace,
    Uid: pod.uid,
    Attempt: pod.attempt,
    State: { Status: pod.state, Ready: pod.state === "ready", Pid: pod.pid },
    Hostname: pod.hostname,
    Runtime: pod.runtimeHandler,
    Privileged: pod.privileged,
    CgroupParent: pod.cgroupParent,
    LogDirectory: pod.logDirectory,
    Labels: pod.labels,
    Annotations: pod.annotations,
    Sysctls: pod.sysctls,
    Dns:
      pod.dns === undefined ? null : { Servers: pod.dns.servers, Searches: pod.dns.searches, Options: pod.dns.options },
    Namespaces: namespacesJson(pod.namespaces),
    NetworkSettings: networkSettingsJson(pod),
    Containers: pod.containers.map(containerJson),
  };
}

function namespacesJson(namespaces: PodNamespaces | undefined): Record<string, unknown> {
  return {
    Network: namespaceJson(namespaces?.network),
    Ipc: namespaceJson(namespaces?.ipc),
    Pid: namespaceJson(namespaces?.pid),
    User: namespaces?.user === undefined ? { Mode: "host", Path: "" } : userJson(namespaces.user),
  };
}

function namespaceJson(namespace: PodNamespace | undefined): Record<string, unknown> {
  return { Mode: namespace?.mode ?? "host", Path: namespace?.path ?? "" };
}

function userJson({ path, uids, gids }: UserNamespace): Record<string, unknown> {
  const ranges = (list: UserNamespace["uids"]) =>
    list.map(({ containerId, hostId, size }) => ({ ContainerID: containerId, HostID: hostId, Size: size }));
  return { Mode: "pod", Path: path, UidMappings: ranges(uids), GidMappings: ranges(gids) };
}

function networkSettingsJson({ addresses, networks, ports }: Pod): Record<string, unknown> {
  const [address = ""] = addresses;
  return {
    IPAddress: address,
    IPAddresses: addresses,
    Networks: Object.fromEntries(
      networks.map(({ network, interfaceName, macAddress, addresses: own, gateways }) => [
        network,
        { Interface: interfaceName, MacAddress: macAddress, Addresses: own, Gateways: gateways },
      ]),
    ),
    Ports: ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({
      ContainerPort: containerPort,
      Protocol: protocol,
      HostIp: hostIp,
      HostPort: hostPort,
    })),
  };
}

function containerJson({ id, name, attempt, status }: PodContainer): Record<string, unknown> {
  return { Id: id, Name: name, Attempt: attempt, Status: status };
}
