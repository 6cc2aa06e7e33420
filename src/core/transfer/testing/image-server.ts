// SPDX-License-Identifier: Apache-2.0
// A registry with one image under every name, which serves its layers as a test tells it to.

import type { IncomingMessage, ServerResponse } from "node:http";
import { type FakeServer, startFakeServer } from "../../../drivers/registry/http/testing/fake-server.ts";
import { blobOf, imageOf, type SampleBlob } from "../../../drivers/registry/http/testing/sample-image.ts";
import { mediaTypes } from "../../../oci/image/descriptor.ts";

/** Answers a layer's request; false leaves it to the server. */
export type LayerAnswer = (layer: number, request: IncomingMessage, response: ServerResponse) => boolean;

export interface ImageServer extends AsyncDisposable {
  /** A reference to the image. */
  readonly name: string;
  readonly layers: readonly SampleBlob[];
  readonly server: FakeServer;
  /** The Range headers of the requests for a layer, in order. */
  layerRequests(layer: number): readonly (string | undefined)[];
}

export async function startImageServer(contents: readonly Uint8Array[], answer: LayerAnswer): Promise<ImageServer> {
  const layers = contents.map((bytes) => blobOf(bytes, mediaTypes.ociLayer));
  const { config, manifest } = imageOf(layers);
  const server = await startFakeServer((request, response) => {
    const url = request.url ?? "";
    if (url.includes("/manifests/")) {
      const headers = {
        "content-type": manifest.descriptor.mediaType,
        "docker-content-digest": manifest.descriptor.digest,
      };
      response.writeHead(200, { ...headers, "content-length": manifest.bytes.byteLength }).end(manifest.bytes);
      return;
    }
    const position = layers.findIndex(({ descriptor }) => url.endsWith(descriptor.digest));
    if (position >= 0 && answer(position, request, response)) return;
    const { bytes } = layers[position] ?? config;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` };
    response.writeHead(start > 0 ? 206 : 200, { ...(start > 0 && range), "content-length": bytes.byteLength - start });
    response.end(bytes.subarray(start));
  });
  return {
    name: `${server.host}/app:v1`,
    layers,
    server,
    layerRequests: (layer) =>
      server.seen
        .filter(({ url }) => url.endsWith(layers[layer]?.descriptor.digest ?? " "))
        .map(({ headers }) => headers.range),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}
