// SPDX-License-Identifier: Apache-2.0
// Users and groups of a container, resolved in the image's own /etc/passwd and /etc/group (passwd(5), group(5)). The
// files' texts are given; nothing is read here and nothing of the host's users is ever used.

import { invalidArgument } from "../../base/errors.ts";

/** Who a process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, without doubles. */
  readonly additionalGids: readonly number[];
  /** From passwd; "/" when the user is not in it. */
  readonly home: string;
}

export interface UserRequest {
  /** "", "name", "uid", "name:group", "uid:gid", …; empty is uid 0. */
  readonly user: string;
  /** Names in the group file, or numbers. */
  readonly groupAdd: readonly string[];
  /** Which memberships of the group file count; undefined is Docker's way: all, when no group was named. */
  readonly policy?: "merge" | "strict";
  /** The text of the image's /etc/passwd; empty when it has none. */
  readonly passwd: string;
  /** The text of the image's /etc/group; empty when it has none. */
  readonly group: string;
}

/** invalid-argument for a name that is not in the files and for a number outside 0 to 2147483647. */
export function resolveUser(request: UserRequest): ResolvedUser {
  const [userName, groupName] = splitOnce(request.user, ":");
  const entry = parsePasswd(request.passwd).find((user) =>
    matches(user.name, user.uid, userName === "" ? "0" : userName),
  );
  const uid = entry?.uid ?? numericId(userName === "" ? "0" : userName);
  if (uid === undefined) throw invalidArgument(`unable to find user ${userName}: no matching entries in passwd file`);
  const groups = parseGroup(request.group);
  const gid = groupName === "" ? (entry?.gid ?? 0) : findGroup(groups, groupName);
  const counts = request.policy ?? (groupName === "" ? "merge" : "strict");
  const memberOf =
    counts === "merge" && entry !== undefined ? groups.filter((group) => group.members.includes(entry.name)) : [];
  return {
    uid: checkRange(uid),
    gid: checkRange(gid),
    additionalGids: [
      ...new Set([
        gid,
        ...memberOf.map((group) => checkRange(group.gid)),
        ...request.groupAdd.map((name) => findGroup(groups, name)),
      ]),
    ],
    home: entry === undefined || entry.home === "" ? "/" : entry.home,
  };
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Lines that are malformed are no entries: a bad number must never become 0. */
function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name, , uidText, gidText, , home]) => {
    const [uid, gid] = [parseNumber(uidText), parseNumber(gidText)];
    return name === undefined || name === "" || uid === undefined || gid === undefined
      ? []
      : [{ name, uid, gid, home: home ?? "" }];
  });
}

function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name, , gidText, members]) => {
    const gid = parseNumber(gidText);
    return name === undefined || name === "" || gid === undefined
      ? []
      : [{ name, gid, members: (members ?? "").split(",").map((member) => member.trim()) }];
  });
}

function fieldsOf(text: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function findGroup(groups: readonly GroupEntry[], wanted: string): number {
  const gid = groups.find((group) => matches(group.name, group.gid, wanted))?.gid ?? numericId(wanted);
  if (gid === undefined) throw invalidArgument(`unable to find group ${wanted}: no matching entries in group file`);
  return checkRange(gid);
}

/** By name or by number: the first line that fits either way, as Docker does. */
function matches(name: string, id: number, wanted: string): boolean {
  return name === wanted || parseNumber(wanted) === id;
}

function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A number that need not be in the files; -1 and the like are refused by their range. */
function numericId(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? checkRange(Number(text)) : undefined;
}

const maximumId = 2_147_483_647;

function checkRange(id: number): number {
  if (id < 0 || id > maximumId) throw invalidArgument(`uids and gids must be in range 0-${maximumId}`);
  return id;
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
