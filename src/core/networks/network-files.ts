// SPDX-License-Identifier: Apache-2.0
// The files that tell a sandbox about its network: hosts, resolv.conf and hostname. They are bind-mounted into
// containers, so they are changed in place (same inode) while a sandbox lives.

import type { NetworkAttachment } from "./network-driver.ts";

/** Absolute paths on the host. */
export interface NetworkFilePaths {
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
}

export interface NetworkFilesRequest {
  readonly sandboxId: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly attachments: readonly NetworkAttachment[];
  /** Keeps the host's own resolv.conf and hosts as they are. */
  readonly hostNetwork: boolean;
  /** "name:address"; the address may be host-gateway. */
  readonly extraHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
}

export interface NetworkFiles {
  /** Writes (or rewrites in place) the three files; invalid-argument names a bad extra host. */
  write(request: NetworkFilesRequest, options: { readonly signal: AbortSignal }): Promise<NetworkFilePaths>;
  paths(sandboxId: string): NetworkFilePaths;
  /** Removes them if they are there. */
  remove(sandboxId: string): Promise<void>;
}
