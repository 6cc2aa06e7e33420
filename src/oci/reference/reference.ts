// SPDX-License-Identifier: Apache-2.0
// Image references as people type them ("busybox", "localhost:5000/app:1.2@sha256:…") and as the engine keeps them: with
// a domain and a path that are always there. The short forms mean what they mean to Docker: no domain is docker.io, and
// a path of one component there lives under library/. The grammar is that of the distribution project's references.

import { type Digest, isDigest } from "../../base/digest.ts";
import { invalidArgument } from "../../base/errors.ts";

/** A normalised reference; at least one of tag and digest says which image of the repository, none means undecided. */
export interface Reference {
  /** The registry's host, with its port if it has one: docker.io, localhost:5000, [::1]:5000. */
  readonly domain: string;
  /** The repository within the registry: library/busybox. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const defaultDomain = "docker.io";
const legacyDefaultDomain = "index.docker.io";
const officialPrefix = "library/";
const defaultTag = "latest";
const maximumNameLength = 255;
const maximumTextLength = 1024;

const domainPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const pathPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const identifierPattern = /^[a-f0-9]{64}$/;

/** Reads and normalises a reference; invalid-argument with Docker's texts when it is none. */
export function parseReference(text: string): Reference {
  if (identifierPattern.test(text)) {
    throw invalidArgument(
      `invalid reference format: invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    );
  }
  if (text.length > maximumTextLength) throw invalidFormat();
  const { domain, remainder } = splitDomain(text);
  const { path, tag, digest } = splitRemainder(remainder);
  if (path.toLowerCase() !== path) {
    throw invalidArgument(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  if (!domainPattern.test(domain) || !pathPattern.test(path)) throw invalidFormat();
  if (tag !== undefined && !tagPattern.test(tag)) throw invalidFormat();
  if (digest !== undefined && !isDigest(digest)) throw invalidFormat();
  if (domain.length + 1 + path.length > maximumNameLength) {
    throw invalidArgument(
      `invalid reference format: repository name must not be more than ${maximumNameLength} characters`,
    );
  }
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The same reference, with the tag latest when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: defaultTag };
}

/** The full text, docker.io/library/busybox:latest; parseReference gives the same reference back. */
export function formatReference(reference: Reference): string {
  return repositoryOf(reference) + suffixOf(reference);
}

/** The shortest text that means the same, as Docker shows it: busybox:latest. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== defaultDomain) return formatReference(reference);
  const unofficial = reference.path.startsWith(officialPrefix)
    ? reference.path.slice(officialPrefix.length)
    : undefined;
  for (const name of [unofficial, reference.path]) {
    if (name !== undefined && meansRepository(name, reference)) return name + suffixOf(reference);
  }
  return formatReference(reference);
}

/** The repository alone, docker.io/library/busybox. */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

/** Whether the short name leads back to the repository: docker.io/localhost/app must keep its domain. */
function meansRepository(name: string, reference: Reference): boolean {
  if (identifierPattern.test(name)) return false;
  const { domain, remainder } = splitDomain(name);
  return domain === reference.domain && remainder === reference.path;
}

/** The first component is a domain when it looks like one: localhost, a dot, a port, or an upper-case letter. */
function splitDomain(text: string): { readonly domain: string; readonly remainder: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const rest = text.slice(slash + 1);
  const isDomain = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const domain = !isDomain || first === legacyDefaultDomain ? defaultDomain : first;
  const remainder = isDomain ? rest : text;
  const isOfficial = domain === defaultDomain && !remainder.includes("/");
  return { domain, remainder: isOfficial ? officialPrefix + remainder : remainder };
}

function splitRemainder(remainder: string): { path: string; tag: string | undefined; digest: string | undefined } {
  const at = remainder.indexOf("@");
  const name = at < 0 ? remainder : remainder.slice(0, at);
  const digest = at < 0 ? undefined : remainder.slice(at + 1);
  const colon = name.indexOf(":");
  const path = colon < 0 ? name : name.slice(0, colon);
  return { path, tag: colon < 0 ? undefined : name.slice(colon + 1), digest };
}

function invalidFormat(): Error {
  return invalidArgument("invalid reference format");
}
