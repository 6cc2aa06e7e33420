// SPDX-License-Identifier: Apache-2.0
// Images, as a program sees them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  type CredentialsSchema,
  type HistoryStep,
  type Image,
  ImageService,
  type LoadedImage,
  type PullEnded,
  type PulledImage,
  type PushedImage,
  type RunningPull,
  type TransferProgress,
} from "../../src/gen/berth/engine/v1/image_pb.js";
import type { CallOptions } from "./containers.ts";
import { BerthError } from "./errors.ts";
import { responsesOf } from "./responses.ts";

export type RegistryCredentials = MessageInitShape<typeof CredentialsSchema>;

export interface TransferOptions extends CallOptions {
  readonly credentials?: RegistryCredentials | undefined;
  /** Called for each change, in order. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** What happens to a pull that is watched; the last of each is "ended". */
export type PullNews =
  | { readonly kind: "started"; readonly pull: RunningPull }
  | { readonly kind: "progress"; readonly pull: RunningPull; readonly progress: TransferProgress }
  | { readonly kind: "ended"; readonly pull: RunningPull; readonly failure?: BerthError };

export class Images {
  readonly #client: Client<typeof ImageService>;

  constructor(transport: Transport) {
    this.#client = createClient(ImageService, transport);
  }

  async list(
    options: CallOptions & {
      readonly filters?: Readonly<Record<string, readonly string[]>>;
      readonly reference?: string;
    } = {},
  ): Promise<readonly Image[]> {
    const filters = Object.fromEntries(
      Object.entries(options.filters ?? {}).map(([key, values]) => [key, { values: [...values] }]),
    );
    return (await this.#client.list({ filters, reference: options.reference ?? "" }, call(options))).images;
  }

  async inspect(image: string, options: CallOptions = {}): Promise<Image> {
    const response = await this.#client.inspect({ image }, call(options));
    if (response.image === undefined) throw new BerthError("internal", `the daemon sent no image for ${image}`);
    return response.image;
  }

  /** How it came to be, newest step first. */
  async history(image: string, options: CallOptions = {}): Promise<readonly HistoryStep[]> {
    return (await this.#client.history({ image }, call(options))).steps;
  }

  async pull(
    reference: string,
    options: TransferOptions & { readonly platform?: string | undefined } = {},
  ): Promise<PulledImage> {
    const events = this.#client.pull(
      {
        reference,
        ...(options.platform !== undefined && { platform: options.platform }),
        ...(options.credentials !== undefined && { credentials: options.credentials }),
      },
      call(options),
    );
    for await (const { event } of events) {
      if (event.case === "progress") options.onProgress?.(event.value);
      else if (event.case === "image") return event.value;
    }
    throw new BerthError("unavailable", `the daemon ended the pull of ${reference}`);
  }

  /** The pulls that run now, whoever asked for them. */
  async runningPulls(options: CallOptions = {}): Promise<readonly RunningPull[]> {
    const pulls = new Map<string, RunningPull>();
    for await (const { pull } of this.#client.watchPulls({ once: true }, call(options))) {
      if (pull !== undefined) pulls.set(pull.id, pull);
    }
    return [...pulls.values()];
  }

  /**
   * Follows running pulls, and those that begin meanwhile, until none is left; leaving early does not disturb them.
   * not-found when a reference is given and no pull of it runs.
   */
  async *watchPulls(options: CallOptions & { readonly reference?: string | undefined } = {}): AsyncGenerator<PullNews> {
    const request = { reference: options.reference ?? "" };
    for await (const { pull, event } of responsesOf(options.signal, (call) => this.#client.watchPulls(request, call))) {
      if (pull === undefined) continue;
      if (event.case === "started") yield { kind: "started", pull };
      else if (event.case === "progress") yield { kind: "progress", pull, progress: event.value };
      else if (event.case === "ended") yield { kind: "ended", pull, ...failureOf(event.value) };
    }
  }

  async push(reference: string, options: TransferOptions = {}): Promise<PushedImage> {
    const events = this.#client.push(
      { reference, ...(options.credentials !== undefined && { credentials: options.credentials }) },
      call(options),
    );
    for await (const { event } of events) {
      if (event.case === "progress") options.onProgress?.(event.value);
      else if (event.case === "image") return event.value;
    }
    throw new BerthError("unavailable", `the daemon ended the push of ${reference}`);
  }

  async tag(source: string, target: string, options: CallOptions = {}): Promise<void> {
    await this.#client.tag({ source, target }, call(options));
  }

  async remove(
    image: string,
    options: CallOptions & { readonly force?: boolean } = {},
  ): Promise<{ readonly untagged: readonly string[]; readonly deleted: readonly string[] }> {
    return await this.#client.remove({ image, force: options.force ?? false }, call(options));
  }

  /** A tar that docker load and OCI tools read. */
  async *save(images: readonly string[], options: CallOptions = {}): AsyncGenerator<Uint8Array> {
    const request = { images: [...images] };
    for await (const { chunk } of responsesOf(options.signal, (call) => this.#client.save(request, call))) yield chunk;
  }

  /** archive: what save or docker save wrote. */
  async load(archive: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<readonly LoadedImage[]> {
    async function* requests() {
      for await (const chunk of archive) yield { chunk };
    }
    return (await this.#client.load(requests(), call(options))).images;
  }

  /** Makes an image of one layer from a root filesystem as a tar; its id. */
  async import(
    archive: AsyncIterable<Uint8Array>,
    options: CallOptions & {
      readonly reference?: string | undefined;
      readonly changes?: readonly string[];
      readonly message?: string | undefined;
      readonly platform?: string | undefined;
    } = {},
  ): Promise<string> {
    const open = {
      reference: options.reference ?? "",
      changes: [...(options.changes ?? [])],
      message: options.message ?? "",
      ...(options.platform !== undefined && { platform: options.platform }),
    };
    async function* requests() {
      yield { request: { case: "open" as const, value: open } };
      for await (const chunk of archive) yield { request: { case: "chunk" as const, value: chunk } };
    }
    return (await this.#client.import(requests(), call(options))).id;
  }

  /** Tries credentials against a registry; a token to keep instead of the password, or "". */
  async checkCredentials(
    registry: string,
    credentials: RegistryCredentials,
    options: CallOptions = {},
  ): Promise<string> {
    return (await this.#client.checkCredentials({ registry, credentials }, call(options))).identityToken;
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function failureOf({ errorCode, error }: PullEnded): { failure?: BerthError } {
  return errorCode === "" ? {} : { failure: new BerthError(errorCode, error, { isFromDaemon: true }) };
}
