// SPDX-License-Identifier: Apache-2.0
// Answers a registry's challenges: Basic, and bearer tokens from its token service (distribution's token and OAuth2
// specifications). Tokens are kept for as long as they live, separately for each registry, scope and user.
//
// As with Docker, the token service may be on any host, since a registry could ask for the password itself. But it is
// never spoken to over plain HTTP, unless the registry itself is and the service is on the same host; and a scope is
// asked for as the operation needs it, never as a challenge would widen it.

import { createHash } from "node:crypto";
import { EngineError } from "../../../base/errors.ts";
import { deadlineSignal, raceSignal } from "../../../base/lifetime.ts";
import type { RegistryCredentials } from "../../../core/transfer/registry.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { deniedError, readRegistryError } from "./http-errors.ts";
import type { Requester } from "./requester.ts";
import type { HttpResponse } from "./transport.ts";

/** Who wants what: the scopes are those of the token specification, repository:<path>:<actions>. */
export interface Grant {
  readonly scopes: readonly string[];
  readonly credentials: RegistryCredentials | undefined;
}

interface Token {
  readonly value: string;
  readonly expiresAt: number;
  /** A refresh token, where the service was asked for one. */
  readonly identityToken: string | undefined;
}

type BearerChallenge = Extract<Challenge, { scheme: "bearer" }>;

const tokenDeadlineMs = 60_000;
const defaultLifetimeSeconds = 60;
const maximumTokenBytes = 1024 * 1024;
const clientId = "berth";

export class Authorizer {
  readonly #requester: Requester;
  readonly #challenges = new Map<string, Challenge>();
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** The Authorization header for a request, or undefined for an anonymous one or before the first challenge. */
  async header(endpoint: Endpoint, grant: Grant, signal: AbortSignal): Promise<string | undefined> {
    const credentials = usable(endpoint, grant.credentials);
    if (credentials?.registryToken !== undefined) return `Bearer ${credentials.registryToken}`;
    const challenge = this.#challenges.get(challengeKey(endpoint, grant));
    if (challenge === undefined) return undefined;
    if (challenge.scheme === "basic") return basicHeader(credentials);
    return `Bearer ${(await this.#token(endpoint, challenge, { ...grant, credentials }, signal)).value}`;
  }

  /** Takes note of a 401; false when there is nothing to answer it with. The token that was refused is forgotten. */
  learn(endpoint: Endpoint, grant: Grant, response: HttpResponse): boolean {
    const credentials = usable(endpoint, grant.credentials);
    const challenge = parseChallenge(response.headers["www-authenticate"]);
    if (challenge === undefined || credentials?.registryToken !== undefined) return false;
    this.#challenges.set(challengeKey(endpoint, grant), challenge);
    if (challenge.scheme === "basic") return basicHeader(credentials) !== undefined;
    this.#tokens.delete(tokenKey(endpoint, challenge, { ...grant, credentials }));
    return true;
  }

  /** Asks the token service for a refresh token; undefined where the registry has none to give. */
  async identityToken(endpoint: Endpoint, credentials: RegistryCredentials, signal: AbortSignal) {
    const challenge = this.#challenges.get(challengeKey(endpoint, { scopes: [], credentials }));
    if (challenge?.scheme !== "bearer") return undefined;
    return (await this.#token(endpoint, challenge, { scopes: [], credentials }, signal)).identityToken;
  }

  async #token(endpoint: Endpoint, challenge: BearerChallenge, grant: Grant, signal: AbortSignal): Promise<Token> {
    const key = tokenKey(endpoint, challenge, grant);
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const token = await raceSignal(known, signal);
      if (token.expiresAt > Date.now()) return token;
    }
    // Several requests share one token, so the fetch has a deadline of its own and outlives whoever asked first.
    const fetched = this.#fetchToken(endpoint, challenge, grant, deadlineSignal(tokenDeadlineMs, "a registry token"));
    this.#tokens.set(key, fetched);
    fetched.catch(() => {
      // The failure reaches everyone who awaits the promise; here it only must not be remembered.
      if (this.#tokens.get(key) === fetched) this.#tokens.delete(key);
    });
    return await raceSignal(fetched, signal);
  }

  async #fetchToken(endpoint: Endpoint, challenge: BearerChallenge, grant: Grant, signal: AbortSignal): Promise<Token> {
    const { realm } = challenge;
    checkRealm(endpoint, realm);
    const scopes = scopesFor(endpoint, challenge, grant.scopes);
    const request = tokenRequest(challenge, scopes, grant.credentials);
    // The realm's own origin is home, so that its Authorization header goes there and nowhere else.
    const service: Endpoint = { ...endpoint, base: new URL(realm.origin), headers: {} };
    const response = await this.#requester.send(service, request, signal);
    if (response.status !== 200) {
      const detail = await readRegistryError(response);
      if (response.status >= 500 || response.status === 429) {
        throw new EngineError("unavailable", `token service ${realm.host}: ${detail}`);
      }
      throw deniedError(response.status === 403 ? 403 : 401, realm.host, detail);
    }
    return readToken(realm, await readLimited(response));
  }
}

function basicHeader(credentials: RegistryCredentials | undefined): string | undefined {
  if (credentials?.username === undefined || credentials.password === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

/** A mirror is not the registry that the credentials are for. */
function usable(endpoint: Endpoint, credentials: RegistryCredentials | undefined): RegistryCredentials | undefined {
  return endpoint.isMirror ? undefined : credentials;
}

function checkRealm(endpoint: Endpoint, realm: URL): void {
  const isSecure = realm.protocol === "https:";
  const isSamePlainHost =
    realm.protocol === "http:" && endpoint.base.protocol === "http:" && realm.hostname === endpoint.base.hostname;
  if (isSecure || isSamePlainHost) return;
  throw new EngineError(
    "unauthenticated",
    `registry ${endpoint.base.host} wants a token from ${realm.origin}, which is not secured by https`,
  );
}

/** Where a mirror keeps the repository under another name, its challenge is the only one to know it. */
function scopesFor(endpoint: Endpoint, challenge: BearerChallenge, scopes: readonly string[]): readonly string[] {
  if (!endpoint.overridePath || challenge.scope === undefined) return scopes;
  const wanted = new Set(scopes.flatMap((scope) => actionsOf(scope)));
  return challenge.scope.split(" ").flatMap((scope) => {
    const actions = actionsOf(scope).filter((action) => wanted.has(action));
    return actions.length === 0 ? [] : [`${scope.slice(0, scope.lastIndexOf(":"))}:${actions.join(",")}`];
  });
}

function actionsOf(scope: string): readonly string[] {
  return scope.slice(scope.lastIndexOf(":") + 1).split(",");
}

function tokenRequest(
  challenge: BearerChallenge,
  scopes: readonly string[],
  credentials: RegistryCredentials | undefined,
) {
  const service = challenge.service === undefined ? {} : { service: challenge.service };
  if (credentials?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credentials.identityToken,
      client_id: clientId,
      ...service,
      ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    });
    return {
      method: "POST" as const,
      url: challenge.realm,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: { bytes: new TextEncoder().encode(form.toString()) },
    };
  }
  const url = new URL(challenge.realm);
  for (const [name, value] of Object.entries(service)) url.searchParams.set(name, value);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const authorization = basicHeader(credentials);
  if (authorization !== undefined) {
    url.searchParams.set("account", credentials?.username ?? "");
    url.searchParams.set("client_id", clientId);
    if (scopes.length === 0) url.searchParams.set("offline_token", "true");
  }
  return { method: "GET" as const, url, authorization };
}

function readToken(realm: URL, text: string): Token {
  let answer: Readonly<Record<string, unknown>> = {};
  try {
    answer = (JSON.parse(text) ?? {}) as typeof answer;
  } catch (error) {
    throw new EngineError("unavailable", `token service ${realm.host} did not answer with JSON`, { cause: error });
  }
  const value = answer["token"] ?? answer["access_token"];
  if (typeof value !== "string" || value === "") {
    throw new EngineError("unavailable", `token service ${realm.host} answered without a token`);
  }
  const lifetime = Number(answer["expires_in"] ?? defaultLifetimeSeconds);
  const refresh = answer["refresh_token"];
  return {
    value,
    // A tenth less, so that a token does not end on its way.
    expiresAt: Date.now() + (lifetime > 0 ? lifetime : defaultLifetimeSeconds) * 900,
    identityToken: typeof refresh === "string" && refresh !== "" ? refresh : undefined,
  };
}

async function readLimited(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maximumTokenBytes) throw new EngineError("resource-exhausted", "the registry's token is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function challengeKey(endpoint: Endpoint, grant: Grant): string {
  return [endpoint.base.href, ...(endpoint.overridePath ? grant.scopes : [])].join("\n");
}

function tokenKey(endpoint: Endpoint, challenge: BearerChallenge, { scopes, credentials }: Grant): string {
  const user = credentials === undefined ? "" : createHash("sha256").update(JSON.stringify(credentials)).digest("hex");
  const scope = endpoint.overridePath ? (challenge.scope ?? "") : "";
  return [endpoint.base.origin, challenge.realm.href, challenge.service ?? "", scope, ...scopes, user].join("\n");
}
