// SPDX-License-Identifier: Apache-2.0
// "--mount": comma-separated key=value pairs, quoted as in CSV where a value has a comma.

import { invalidArgument } from "../errors.ts";
import { parseBoolean } from "./boolean.ts";
import { parseByteSize } from "./byte-size.ts";
import { cleanPath } from "./clean-path.ts";
import { splitKeyValue } from "./key-value.ts";
import {
  type BindMountRequest,
  checkMountRequest,
  isMountPropagation,
  type MountPropagation,
  type MountRequest,
} from "./mount-request.ts";

interface Fields {
  type: string;
  source?: string;
  target?: string;
  readOnly: boolean;
  propagation?: MountPropagation;
  recursive: BindMountRequest["recursive"];
  createSource: boolean;
  noCopy: boolean;
  labels: Record<string, string>;
  sizeBytes?: number;
  mode?: number;
  tmpfsOptions: string[];
  /** The prefixes of the keys that were there: bind-, volume- or tmpfs-. */
  readonly families: Set<string>;
}

/** A source that starts with "./" or "../" is taken from the working directory. */
export function parseMountFlag(text: string, workingDirectory: string): MountRequest {
  const fields: Fields = {
    type: "volume",
    readOnly: false,
    recursive: "enabled",
    createSource: false,
    noCopy: false,
    labels: {},
    tmpfsOptions: [],
    families: new Set(),
  };
  for (const field of splitCsv(text)) readField(fields, field);
  if (fields.type === "") throw invalidArgument("type is required");
  if (fields.target === undefined || fields.target === "") throw invalidArgument("target is required");
  for (const family of fields.families) {
    if (family !== fields.type) {
      throw invalidArgument(`cannot mix '${family}-*' options with mount type '${fields.type}'`);
    }
  }
  return checkMountRequest(toRequest(fields, fields.target, workingDirectory));
}

const booleanKeys = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"];

function readField(fields: Fields, field: string): void {
  const [key, given] = splitKeyValue(field);
  if (given === undefined && !booleanKeys.includes(key)) {
    throw invalidArgument(`invalid field '${field}' must be a key=value pair`);
  }
  const family = /^(bind|volume|tmpfs)-/.exec(key)?.[1];
  if (family !== undefined) fields.families.add(family);
  const value = given ?? "true";
  const invalid = (hint = "") => invalidArgument(`invalid value for ${key}: ${value}${hint}`);
  const handler = Object.hasOwn(handlers, key) ? handlers[key] : undefined;
  if (handler === undefined) throw invalidArgument(`unexpected key '${key}' in '${field}'`);
  handler(fields, value, invalid);
}

type Handler = (fields: Fields, value: string, invalid: (hint?: string) => Error) => void;

function boolean(value: string, invalid: () => Error): boolean {
  const parsed = parseBoolean(value);
  if (parsed === undefined) throw invalid();
  return parsed;
}

const setSource: Handler = (fields, value) => {
  fields.source = value;
};
const setTarget: Handler = (fields, value) => {
  fields.target = value;
};
const setReadOnly: Handler = (fields, value, invalid) => {
  fields.readOnly = boolean(value, invalid);
};

const recursions: readonly string[] = ["enabled", "disabled", "writable", "readonly"];

const handlers: Readonly<Record<string, Handler>> = {
  type: (fields, value) => {
    fields.type = value.toLowerCase();
  },
  source: setSource,
  src: setSource,
  target: setTarget,
  dst: setTarget,
  destination: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  // For Docker Desktop; means nothing on Linux.
  consistency: () => {},
  "bind-propagation": (fields, value) => {
    const propagation = value.toLowerCase();
    if (!isMountPropagation(propagation)) throw invalidArgument(`invalid propagation mode: ${value}`);
    fields.propagation = propagation;
  },
  "bind-nonrecursive": (fields, value, invalid) => {
    if (boolean(value, invalid)) fields.recursive = "disabled";
  },
  "bind-recursive": (fields, value, invalid) => {
    if (!recursions.includes(value)) throw invalid(' (must be "enabled", "disabled", "writable", or "readonly")');
    fields.recursive = value as BindMountRequest["recursive"];
  },
  "bind-create-src": (fields, value, invalid) => {
    fields.createSource = boolean(value, invalid);
  },
  "volume-nocopy": (fields, value, invalid) => {
    fields.noCopy = boolean(value, invalid);
  },
  "volume-label": (fields, value) => {
    const [key, label = ""] = splitKeyValue(value);
    if (key !== "") fields.labels[key] = label;
  },
  "volume-driver": (_fields, value) => {
    if (value !== "" && value !== "local")
      throw invalidArgument(`volume driver "${value}" not found, only "local" is there`);
  },
  "tmpfs-size": (fields, value, invalid) => {
    try {
      fields.sizeBytes = parseByteSize(value);
    } catch {
      // Docker's text says the key and the value and leaves the reason out.
      throw invalid();
    }
  },
  "tmpfs-mode": (fields, value, invalid) => {
    if (!/^[0-7]{1,6}$/.test(value)) throw invalid();
    fields.mode = Number.parseInt(value, 8);
  },
  "tmpfs-options": (fields, value) => {
    fields.tmpfsOptions.push(...value.split(/[,:]/));
  },
};

function toRequest(fields: Fields, target: string, workingDirectory: string): MountRequest {
  const { type, source, readOnly } = fields;
  const base = { target, readOnly };
  switch (type) {
    case "bind":
      return {
        ...base,
        type,
        source: /^\.\.?(\/|$)/.test(source ?? "") ? cleanPath(`${workingDirectory}/${source}`) : (source ?? ""),
        recursive: fields.recursive,
        createSource: fields.createSource,
        ...(fields.propagation === undefined ? {} : { propagation: fields.propagation }),
      };
    case "volume":
      return {
        ...base,
        type,
        noCopy: fields.noCopy,
        ...(source === undefined || source === "" ? {} : { source }),
        ...(Object.keys(fields.labels).length === 0 ? {} : { labels: fields.labels }),
      };
    case "tmpfs":
      if (source !== undefined && source !== "") {
        throw invalidArgument('invalid mount config for type "tmpfs": field Source must not be specified');
      }
      return {
        ...base,
        type,
        options: fields.tmpfsOptions,
        ...(fields.sizeBytes === undefined ? {} : { sizeBytes: fields.sizeBytes }),
        ...(fields.mode === undefined ? {} : { mode: fields.mode }),
      };
    default:
      throw invalidArgument(`invalid mount config for type "${type}": mount type unknown`);
  }
}

/** One line of CSV: a field in double quotes may have commas, and "" for a quote. */
function splitCsv(text: string): readonly string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  for (let end = ","; end === ","; ) {
    const match = pattern.exec(text);
    if (match === null) throw invalidArgument(`invalid mount: bare or unfinished quote in '${text}'`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    end = match[3] ?? "";
  }
  return fields;
}
