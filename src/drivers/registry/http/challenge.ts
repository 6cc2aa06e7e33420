// SPDX-License-Identifier: Apache-2.0
// The WWW-Authenticate header of a registry (RFC 9110, 11.6.1): which scheme it wants, and where its tokens come from.

export type Challenge =
  | { readonly scheme: "basic" }
  | {
      readonly scheme: "bearer";
      readonly realm: URL;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

const schemePattern = /^\s*,?\s*([A-Za-z][\w-]*)(?=\s|$)(?!\s*=)/;
const parameterPattern = /^\s*,?\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/;

/** The challenge to answer: bearer before basic; undefined when none of the headers has one that we know. */
export function parseChallenge(headers: string | readonly string[] | undefined): Challenge | undefined {
  const list = headers === undefined ? [] : typeof headers === "string" ? [headers] : headers;
  const challenges = list.flatMap(splitChallenges);
  const bearer = challenges.find(({ scheme }) => scheme === "bearer")?.parameters;
  const realm = bearer === undefined ? null : URL.parse(bearer.get("realm") ?? "");
  if (bearer !== undefined && realm !== null) {
    return { scheme: "bearer", realm, service: bearer.get("service"), scope: bearer.get("scope") };
  }
  return challenges.some(({ scheme }) => scheme === "basic") ? { scheme: "basic" } : undefined;
}

interface RawChallenge {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

function splitChallenges(header: string): readonly RawChallenge[] {
  const challenges: RawChallenge[] = [];
  let rest = header;
  while (rest.trim() !== "") {
    const parameter = parameterPattern.exec(rest);
    const scheme = parameter === null ? schemePattern.exec(rest) : null;
    if (parameter !== null) {
      const value = parameter[2]?.replace(/\\(.)/g, "$1") ?? parameter[3] ?? "";
      challenges.at(-1)?.parameters.set((parameter[1] ?? "").toLowerCase(), value);
    } else if (scheme !== null) {
      challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: new Map() });
    } else {
      break;
    }
    rest = rest.slice((parameter ?? scheme)?.[0].length ?? rest.length);
  }
  return challenges;
}
