// SPDX-License-Identifier: Apache-2.0

import type { Event } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { list, text } from "../flags.ts";
import { parseTemplate } from "../format/go-template/template.ts";
import { type Fields, struct, toJson } from "../format/go-template/values.ts";
import { filterRequest, formatFlag } from "../list-flags.ts";
import { writeTo } from "../process-session.ts";
import { formatLocalNano, parseTimeFlag } from "../times.ts";

export const command = defineCommand({
  usage: "events [OPTIONS]",
  description: "Get real time events from the daemon",
  flags: {
    filter: list("Filter output based on conditions provided", { short: "f", placeholder: "filter" }),
    format: formatFlag,
    since: text("Show all events created since timestamp"),
    until: text("Stream events until this timestamp"),
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags }, context) {
    const format = formatterFor(flags.format);
    const events = context.client().system.events({
      sinceNano: parseTimeFlag(flags.since),
      untilNano: parseTimeFlag(flags.until),
      filters: filterRequest(flags.filter),
      signal: context.signal,
    });
    for await (const event of events) await writeTo(context.stdout, `${format(event)}\n`);
    return 0;
  },
});

/** The text of one event, without its newline. */
export function formatterFor(format: string | undefined): (event: Event) => string {
  if (format === undefined || format === "") return formatEvent;
  if (format === "json") return (event) => toJson(eventFields(event));
  const template = parseTemplate(format);
  return (event) => template.execute(eventFields(event));
}

/** "2026-… container start 3f2a… (image=busybox, name=x)". */
function formatEvent({ timeNano, type, action, id, attributes }: Event): string {
  const names = Object.keys(attributes).sort();
  const details = names.length === 0 ? "" : ` (${names.map((name) => `${name}=${attributes[name]}`).join(", ")})`;
  return `${formatLocalNano(timeNano)} ${type} ${action} ${id}${details}`;
}

function eventFields({ type, action, id, attributes, timeNano }: Event): Fields {
  return struct("*events.Message", {
    ...(type === "container" && { status: action, id, from: attributes["image"] ?? "" }),
    Type: type,
    Action: action,
    Actor: struct("events.Actor", { ID: id, Attributes: attributes }),
    scope: "local",
    time: Number(timeNano / 1_000_000_000n),
    timeNano,
    // A template's names for what JSON spells small; methods stay out of the JSON.
    Status: () => action,
    ID: () => id,
    From: () => attributes["image"] ?? "",
    Scope: () => "local",
    Time: () => Number(timeNano / 1_000_000_000n),
    TimeNano: () => timeNano,
  });
}
