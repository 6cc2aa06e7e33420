// SPDX-License-Identifier: Apache-2.0
// One request with the patience of the retry policy: what comes back is an answer, whatever its status, or unavailable.

import type { Endpoint } from "./endpoint.ts";
import { connectionError } from "./http-errors.ts";
import { isRetriedStatus, isTransient, pause, type RetryPolicy } from "./retry.ts";
import { type HttpRequest, type HttpResponse, headerOf, type Transport } from "./transport.ts";

export interface RequesterOptions {
  readonly transport: Transport;
  readonly policy: RetryPolicy;
}

export class Requester {
  readonly #transport: Transport;
  readonly policy: RetryPolicy;

  constructor({ transport, policy }: RequesterOptions) {
    this.#transport = transport;
    this.policy = policy;
  }

  /** A streamed body is sent once: whoever opened the upload starts it over. A mirror that is down is not waited for. */
  async send(endpoint: Endpoint, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const isOnce = endpoint.isMirror || (request.body !== undefined && "open" in request.body);
    const attempts = isOnce ? 1 : this.policy.attempts;
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attempts;
      let retryAfter: string | undefined;
      try {
        const response = await this.#transport.send(endpoint, request, signal);
        if (isLast || !isRetriedStatus(response.status)) return response;
        retryAfter = headerOf(response, "retry-after");
        await response.body.dump();
      } catch (error) {
        if (isLast || signal.aborted || !isTransient(error)) throw connectionError(request.url.host, error, signal);
      }
      await pause(this.policy, attempt, { retryAfter, signal });
    }
  }
}
