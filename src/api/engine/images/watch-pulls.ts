// SPDX-License-Identifier: Apache-2.0
// Looking on while images are pulled.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EngineError } from "../../../base/errors.ts";
import { recordName } from "../../../core/images/image-index.ts";
import type { PullNews, RunningPulls } from "../../../core/transfer/running-pulls.ts";
import type { WatchPullsRequest, WatchPullsResponseSchema } from "../../../gen/berth/engine/v1/image_pb.js";
import { familiarName, parseReference } from "../../../oci/reference/reference.ts";
import { toProgressMessage } from "./message.ts";

export async function* watchPulls(
  pulls: RunningPulls,
  request: WatchPullsRequest,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<MessageInitShape<typeof WatchPullsResponseSchema>> {
  const reference = request.reference === "" ? undefined : recordName(parseReference(request.reference));
  if (reference !== undefined && !pulls.list().some((pull) => pull.reference === reference)) {
    throw new EngineError("not-found", `no pull of ${familiarName(parseReference(reference))} is running`);
  }
  for await (const news of pulls.watch({ reference, once: request.once, signal })) {
    const { id, reference: name, platform, startedAt } = news.pull;
    yield { pull: { id, reference: name, platform, startedAt: timestampFromMs(startedAt) }, event: eventOf(news) };
  }
}

function eventOf(news: PullNews): NonNullable<MessageInitShape<typeof WatchPullsResponseSchema>["event"]> {
  switch (news.kind) {
    case "started":
      return { case: "started", value: {} };
    case "progress":
      return { case: "progress", value: toProgressMessage(news.progress) };
    case "ended":
      return { case: "ended", value: { errorCode: news.failure?.code ?? "", error: news.failure?.message ?? "" } };
  }
}
