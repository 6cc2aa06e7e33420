// SPDX-License-Identifier: Apache-2.0
// The client: one connection to a daemon and what can be done over it.

import { ContainerFiles } from "./container-files.ts";
import { Containers } from "./containers.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { Pods } from "./pods.ts";
import { Storage } from "./storage.ts";
import { System } from "./system.ts";
import { type Connection, defaultHost, openConnection } from "./transport.ts";
import { Volumes } from "./volumes.ts";

export interface ClientOptions {
  /** unix:///path/of/socket; BERTH_HOST when undefined, else unix:///run/berth/berth.sock. */
  readonly host?: string | undefined;
}

/** Owned by the caller. The connection is made with the first call; closing it ends all streams. */
export class BerthClient implements Disposable {
  readonly host: string;
  readonly containers: Containers;
  readonly containerFiles: ContainerFiles;
  readonly images: Images;
  readonly networks: Networks;
  readonly pods: Pods;
  readonly storage: Storage;
  readonly system: System;
  readonly volumes: Volumes;
  readonly #connection: Connection;

  constructor(options: ClientOptions = {}) {
    this.host = options.host ?? process.env["BERTH_HOST"] ?? defaultHost;
    this.#connection = openConnection(this.host);
    this.containers = new Containers(this.#connection.transport);
    this.containerFiles = new ContainerFiles(this.#connection.transport);
    this.images = new Images(this.#connection.transport);
    this.networks = new Networks(this.#connection.transport);
    this.pods = new Pods(this.#connection.transport);
    this.storage = new Storage(this.#connection.transport);
    this.system = new System(this.#connection.transport);
    this.volumes = new Volumes(this.#connection.transport);
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
