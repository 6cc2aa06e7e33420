// SPDX-License-Identifier: Apache-2.0
// What the driver remembers of each attachment: <directory>/<network>/<sandboxId>-<ifname>.json. A record is written
// before the first plugin runs (without a result) and again when the last one has answered, so that whatever a crash
// left behind has a record to be taken away by.

import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { AttachRequest, PortMapping } from "../../../core/networks/network-driver.ts";
import { writeDurably } from "../../../host/files/durable.ts";
import type { CniResult, NetworkConfiguration } from "./cni-documents.ts";

export interface AttachmentRecord {
  /** The request with the host ports that were chosen. */
  readonly request: AttachRequest;
  /** The configuration as it was then; it may be changed or gone when the attachment ends. */
  readonly configuration: NetworkConfiguration;
  readonly cniVersion: string;
  /** Undefined while ADD runs, and after a crash in it. */
  readonly result?: CniResult;
}

/** All records in memory, each change on disk first. */
export class AttachmentRecords {
  readonly #directory: string;
  readonly #records = new Map<string, AttachmentRecord>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads what is there; a file that cannot be read is reported and left alone. */
  static async load(directory: string, logger: Logger): Promise<AttachmentRecords> {
    const records = new AttachmentRecords(directory);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      for (const name of await readdir(directory, { recursive: true })) {
        if (!name.endsWith(".json") || path.basename(name).startsWith(".")) continue;
        const file = path.join(directory, name);
        try {
          records.#records.set(name, parseRecord(await readFile(file, "utf8")));
        } catch (error) {
          logger.error({ file, error }, "a network attachment's record cannot be read");
        }
      }
    } catch (error) {
      throw toEngineError(error, `read the network attachments in ${directory}`);
    }
    return records;
  }

  all(): readonly AttachmentRecord[] {
    return [...this.#records.values()];
  }

  find(sandboxId: string, network: string): AttachmentRecord | undefined {
    return this.all().find(({ request }) => request.sandboxId === sandboxId && request.network === network);
  }

  /** Host ports of all attachments. */
  ports(): readonly PortMapping[] {
    return this.all().flatMap(({ request }) => request.ports);
  }

  async put(record: AttachmentRecord): Promise<void> {
    const name = nameOf(record);
    try {
      await mkdir(path.dirname(path.join(this.#directory, name)), { recursive: true, mode: 0o700 });
      await writeDurably(path.join(this.#directory, name), JSON.stringify(record), 0o600);
    } catch (error) {
      throw toEngineError(error, `remember the attachment of sandbox ${record.request.sandboxId}`);
    }
    this.#records.set(name, record);
  }

  async remove(record: AttachmentRecord): Promise<void> {
    const name = nameOf(record);
    const file = path.join(this.#directory, name);
    try {
      await rm(file, { force: true });
    } catch (error) {
      throw toEngineError(error, `forget the attachment of sandbox ${record.request.sandboxId}`);
    }
    this.#records.delete(name);
  }
}

function nameOf({ request }: AttachmentRecord): string {
  return path.join(request.network, `${request.sandboxId}-${request.interfaceName}.json`);
}

/** Written by this file alone, so only its outline is checked. */
function parseRecord(text: string): AttachmentRecord {
  const record = JSON.parse(text) as Partial<AttachmentRecord>;
  if (typeof record.request?.sandboxId !== "string" || !Array.isArray(record.configuration?.plugins)) {
    throw new TypeError("not an attachment's record");
  }
  return record as AttachmentRecord;
}
