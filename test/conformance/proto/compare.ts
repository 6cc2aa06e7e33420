// SPDX-License-Identifier: Apache-2.0
// Compares the protobuf descriptors in src/gen with those of the Go modules that define the interfaces: every message,
// field, enum value and method must have the same name, number, type, cardinality and markers.
// A package in `complete` must be there whole. Of the others we declare what we speak: a message, enum or service that
// we have must be whole, one that we lack is no difference.
// node test/conformance/proto/compare.ts [file]: reads the lines of main.go from the file, or runs it with Go; prints
// each difference and exits 1 when there is one.

import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type DescEnum, type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** What one line of main.go says about a message, field, enum value or method; kind and name identify it. */
export interface Descriptor {
  readonly kind: "message" | "field" | "value" | "method";
  /** The full protobuf name; an enum value's is that of its enum, a dot and its own. */
  readonly name: string;
  readonly [attribute: string]: string | number | boolean;
}

const complete = ["runtime.v1", "nri.pkg.api.v1alpha1"];
/** Packages of ours that nobody else defines. */
const own = "berth.";
const generated = path.join(import.meta.dirname, "../../../src/gen");

/** The descriptors of the Go modules, from main.go. */
export function readTheirs(file?: string): readonly Descriptor[] {
  const text =
    file === undefined
      ? execFileSync("go", ["run", "."], { cwd: import.meta.dirname, encoding: "utf8", maxBuffer: 64 << 20 })
      : readFileSync(file, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Descriptor);
}

/** The descriptors of every file in src/gen that has a counterpart elsewhere. */
export async function readOurs(): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for (const name of globSync("**/*_pb.js", { cwd: generated }).sort()) {
    const exported = (await import(pathToFileURL(path.join(generated, name)).href)) as Record<string, DescFile>;
    const file = Object.values(exported).find((value) => value.kind === "file");
    if (file !== undefined && !file.proto.package.startsWith(own)) found.push(...describeFile(file));
  }
  return found;
}

function describeFile(file: DescFile): readonly Descriptor[] {
  return [
    ...file.messages.flatMap(describeMessage),
    ...file.enums.flatMap(describeEnum),
    ...file.services.flatMap((service) =>
      service.methods.map((method) => ({
        kind: "method" as const,
        name: `${service.typeName}.${method.name}`,
        input: method.input.typeName,
        output: method.output.typeName,
        clientStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        serverStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        deprecated: method.deprecated,
      })),
    ),
  ];
}

function describeMessage(message: DescMessage): readonly Descriptor[] {
  return [
    { kind: "message", name: message.typeName, deprecated: message.deprecated },
    ...message.fields.map(describeField),
    ...message.nestedMessages.flatMap(describeMessage),
    ...message.nestedEnums.flatMap(describeEnum),
  ];
}

function describeEnum(desc: DescEnum): readonly Descriptor[] {
  return desc.values.map((value) => ({
    kind: "value",
    name: `${desc.typeName}.${value.name}`,
    number: value.number,
    deprecated: value.deprecated,
  }));
}

function describeField(field: DescField): Descriptor {
  return {
    kind: "field",
    name: `${field.parent.typeName}.${field.name}`,
    number: field.number,
    json: field.jsonName,
    presence:
      field.fieldKind !== "list" && field.fieldKind !== "map" && field.presence !== FeatureSet_FieldPresence.IMPLICIT,
    packed: field.fieldKind === "list" && field.packed,
    deprecated: field.deprecated,
    redacted: field.proto.options?.debugRedact ?? false,
    type: fieldType(field),
    ...(field.oneof === undefined ? {} : { oneof: field.oneof.name }),
  };
}

function fieldType(field: DescField): string {
  const type = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  if (field.fieldKind === "map") return `map<${scalarName(field.mapKey)}, ${type}>`;
  return field.fieldKind === "list" ? `repeated ${type}` : type;
}

function scalarName(scalar: ScalarType | undefined): string {
  return scalar === undefined ? "" : (ScalarType[scalar]?.toLowerCase() ?? "");
}

/** Every difference as a line for people, in the order of names; empty when ours is what theirs is. */
export function compare(theirs: readonly Descriptor[], ours: readonly Descriptor[]): readonly string[] {
  const key = (descriptor: Descriptor) => `${descriptor.kind} ${descriptor.name}`;
  const theirsByKey = new Map(theirs.map((descriptor) => [key(descriptor), descriptor]));
  const oursByKey = new Map(ours.map((descriptor) => [key(descriptor), descriptor]));
  const wholes = new Set(ours.map(wholeOf));
  const differences: string[] = [];
  for (const [name, descriptor] of oursByKey) {
    const other = theirsByKey.get(name);
    if (other === undefined) differences.push(`${name}: not in the published interface`);
    else differences.push(...compareAttributes(name, other, descriptor));
  }
  for (const [name, descriptor] of theirsByKey) {
    const expected = wholes.has(wholeOf(descriptor)) || complete.some((each) => descriptor.name.startsWith(`${each}.`));
    if (expected && !oursByKey.has(name)) differences.push(`${name}: missing in ours`);
  }
  return differences.sort();
}

/** The message, enum or service that must be whole because we have this part of it. */
function wholeOf({ kind, name }: Descriptor): string {
  return kind === "message" ? name : name.slice(0, name.lastIndexOf("."));
}

function compareAttributes(name: string, theirs: Descriptor, ours: Descriptor): readonly string[] {
  const attributes = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  return [...attributes]
    .filter((attribute) => theirs[attribute] !== ours[attribute])
    .map((attribute) => `${name}: ${attribute} is ${ours[attribute]} in ours, ${theirs[attribute]} in theirs`);
}

if (import.meta.main) {
  const ours = await readOurs();
  const differences = compare(readTheirs(process.argv[2]), ours);
  for (const difference of differences) console.error(difference);
  console.log(`${ours.length} descriptors compared, ${differences.length} differences`);
  if (differences.length > 0) process.exitCode = 1;
}
