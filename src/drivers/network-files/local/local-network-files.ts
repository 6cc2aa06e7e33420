// SPDX-License-Identifier: Apache-2.0
// The network files of sandboxes in one directory: <directory>/<sandboxId>/{hosts,resolv.conf,hostname}, mode 0644.

import { mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { isEngineError, toEngineError } from "../../../base/errors.ts";
import { renderHostnameFile } from "../../../core/networks/hostname-file.ts";
import { renderHostsFile } from "../../../core/networks/hosts-file.ts";
import type { NetworkFilePaths, NetworkFiles, NetworkFilesRequest } from "../../../core/networks/network-files.ts";
import {
  hostResolvConf,
  isResolvedStub,
  parseResolvConf,
  type ResolvConf,
  renderResolvConf,
  resolvedUplinkPath,
  sandboxResolvConf,
} from "../../../core/networks/resolv-conf.ts";
import { ifThere } from "../../../host/files/errno.ts";

export interface LocalNetworkFilesDependencies {
  /** Made when it is not there; containers with a user namespace must be able to walk through it. */
  readonly directory: string;
  /** The host's own files; /etc/hosts, /etc/resolv.conf and systemd-resolved's uplink file unless told. */
  readonly hostFiles?: { readonly hosts: string; readonly resolvConf: string; readonly resolvedUplink: string };
}

const defaultHostFiles = {
  hosts: "/etc/hosts",
  resolvConf: "/etc/resolv.conf",
  resolvedUplink: resolvedUplinkPath,
};

export class LocalNetworkFiles implements NetworkFiles {
  readonly #directory: string;
  readonly #hostFiles: NonNullable<LocalNetworkFilesDependencies["hostFiles"]>;

  constructor({ directory, hostFiles = defaultHostFiles }: LocalNetworkFilesDependencies) {
    this.#directory = directory;
    this.#hostFiles = hostFiles;
  }

  paths(sandboxId: string): NetworkFilePaths {
    const directory = path.join(this.#directory, sandboxId);
    return {
      hosts: path.join(directory, "hosts"),
      resolvConf: path.join(directory, "resolv.conf"),
      hostname: path.join(directory, "hostname"),
    };
  }

  async write(request: NetworkFilesRequest, { signal }: { readonly signal: AbortSignal }): Promise<NetworkFilePaths> {
    const paths = this.paths(request.sandboxId);
    try {
      const texts = {
        hosts: await this.#hosts(request),
        resolvConf: renderResolvConf(await this.#resolvConf(request)),
        hostname: renderHostnameFile(request.hostname),
      };
      signal.throwIfAborted();
      await mkdir(path.dirname(paths.hosts), { recursive: true, mode: 0o711 });
      await writeInPlace(paths.hosts, texts.hosts);
      await writeInPlace(paths.resolvConf, texts.resolvConf);
      await writeInPlace(paths.hostname, texts.hostname);
    } catch (error) {
      signal.throwIfAborted();
      if (isEngineError(error)) throw error;
      throw toEngineError(error, `write the network files of sandbox ${request.sandboxId}`);
    }
    return paths;
  }

  async remove(sandboxId: string): Promise<void> {
    try {
      await rm(path.dirname(this.paths(sandboxId).hosts), { recursive: true, force: true });
    } catch (error) {
      throw toEngineError(error, `remove the network files of sandbox ${sandboxId}`);
    }
  }

  async #hosts(request: NetworkFilesRequest): Promise<string> {
    const { attachments, hostNetwork, hostname, domainname, extraHosts } = request;
    const addresses = attachments.flatMap((attachment) => attachment.addresses);
    const gateway = hostNetwork ? "127.0.0.1" : addresses.find((address) => address.gateway !== undefined)?.gateway;
    return renderHostsFile({
      ...(hostNetwork && { hostText: await readIfThere(this.#hostFiles.hosts) }),
      hostname,
      ...(domainname !== undefined && { domainname }),
      addresses: addresses.map(({ address }) => address),
      extraHosts,
      ...(gateway !== undefined && { gateway }),
    });
  }

  async #resolvConf(request: NetworkFilesRequest): Promise<ResolvConf> {
    const { attachments, dns, dnsSearch, dnsOptions } = request;
    const asked = { nameservers: dns, search: dnsSearch, options: dnsOptions };
    const host = parseResolvConf(await readIfThere(this.#hostFiles.resolvConf));
    if (request.hostNetwork) return hostResolvConf(host, asked);
    const uplink = isResolvedStub(host) ? parseResolvConf(await readIfThere(this.#hostFiles.resolvedUplink)) : host;
    return sandboxResolvConf({
      host: uplink.nameservers.length > 0 ? uplink : host,
      network: {
        nameservers: attachments.flatMap((attachment) => attachment.dns.nameservers),
        search: attachments.flatMap((attachment) => attachment.dns.search),
        options: attachments.flatMap((attachment) => attachment.dns.options),
      },
      asked,
      ipv6: attachments.some(({ addresses }) => addresses.some(({ address }) => address.includes(":"))),
    });
  }
}

async function readIfThere(file: string): Promise<string> {
  return (await ifThere(readFile(file, "utf8"))) ?? "";
}

/** Keeps the inode, which containers have mounted; never empty in between, and untouched when nothing changes. */
async function writeInPlace(file: string, text: string): Promise<void> {
  await using handle = await open(file, "a+", 0o644);
  if ((await handle.readFile("utf8")) === text) return;
  await using writer = await open(file, "r+");
  const bytes = Buffer.from(text);
  await writer.write(bytes, 0, bytes.length, 0);
  await writer.truncate(bytes.length);
  await writer.chmod(0o644);
}
