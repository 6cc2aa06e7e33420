// SPDX-License-Identifier: Apache-2.0
// Networks: what connects a sandbox to others.
//
// A sandbox has a network namespace and any number of attachments to named networks, made and taken away live. An
// attachment is remembered by the driver until it is detached, so detaching works after a restart and needs no more
// than the two names. attach undoes itself when it fails; detach is idempotent.

export interface PortMapping {
  readonly hostIp: string;
  /** 0 asks for a free one. */
  readonly hostPort: number;
  /** The last port of a range that starts with hostPort: attach takes the first free one. Never in what attach gave. */
  readonly hostPortEnd?: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface AttachRequest {
  readonly sandboxId: string;
  readonly network: string;
  /** The pinned network namespace. */
  readonly namespacePath: string;
  /** eth0, eth1, … inside the sandbox. */
  readonly interfaceName: string;
  readonly hostname: string;
  readonly aliases: readonly string[];
  readonly ports: readonly PortMapping[];
  readonly address?: string;
  readonly macAddress?: string;
  /** What an orchestrator tells plugins about the pod, such as K8S_POD_NAME (CNI_ARGS). */
  readonly arguments?: Readonly<Record<string, string>>;
}

export interface NetworkAddress {
  /** With its prefix length, such as 10.88.0.2/16. */
  readonly address: string;
  readonly gateway?: string;
}

/** What attaching gave. */
export interface NetworkAttachment {
  readonly network: string;
  readonly interfaceName: string;
  readonly macAddress: string;
  readonly addresses: readonly NetworkAddress[];
  readonly ports: readonly PortMapping[];
  readonly dns: {
    readonly nameservers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
}

export interface NetworkInfo {
  readonly name: string;
  readonly driver: string;
  readonly subnets: readonly string[];
}

export interface NetworkDriver extends AsyncDisposable {
  list(): Promise<readonly NetworkInfo[]>;
  /** The network that pods are attached to: an orchestrator's plugin may have configured one, else the default one. */
  podNetwork(): Promise<string>;
  /** unavailable with the reason when a sandbox could not be attached now. */
  status(network: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** not-found for an unknown network; conflict when a host port is taken ("port is already allocated"). */
  attach(request: AttachRequest, options: { readonly signal: AbortSignal }): Promise<NetworkAttachment>;
  /** Succeeds when there is no such attachment; namespacePath may be gone already. */
  detach(sandboxId: string, network: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** failed-precondition when the kernel no longer has what attach made. */
  check(sandboxId: string, network: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Detaches whatever belongs to a sandbox that is not in the list. */
  collectGarbage(sandboxIds: ReadonlySet<string>, options: { readonly signal: AbortSignal }): Promise<void>;
}
