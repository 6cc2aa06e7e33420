// SPDX-License-Identifier: Apache-2.0
// What "rmi" may do, by Docker's rules: a name goes alone while others are left, an id goes with its names when they are
// of one repository, and force overrides all but a container. An image that a container uses is never deleted: with
// force it loses its names and stays as a dangling one, so that the container can still be started.

import { conflict, type EngineError } from "../../base/errors.ts";
import { shortId } from "../../base/ids.ts";
import { parseReference, repositoryOf } from "../../oci/reference/reference.ts";
import type { Image } from "./image.ts";
import { isDigestName } from "./image-index.ts";

/** A container that was made from an image. */
export interface ImageUser {
  readonly containerId: string;
  readonly running: boolean;
}

export interface RemovalRequest {
  /** As the user typed it. */
  readonly text: string;
  readonly image: Image;
  /** The recorded name that the text means; undefined when it is an id, or a digest that follows from a tag. */
  readonly name: string | undefined;
  /** All recorded names of the image but that of a dangling one. */
  readonly names: readonly string[];
  readonly force: boolean;
  readonly users: readonly ImageUser[];
}

export interface RemovalPlan {
  readonly untag: readonly string[];
  /** What happens to the image when its names are gone: it stays as it is, stays without a name, or is deleted. */
  readonly outcome: "keep" | "dangle" | "delete";
}

/** conflict with Docker's message when the rules forbid it. */
export function planRemoval(request: RemovalRequest): RemovalPlan {
  return request.name === undefined ? planById(request) : planByName(request, request.name);
}

function planByName({ text, image, names, force, users }: RemovalRequest, name: string): RemovalPlan {
  const [user] = users;
  if (!force && user !== undefined && isSingleReference(names)) {
    throw conflict(
      `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(user.containerId)} is using its referenced image ${shortId(image.id)}`,
    );
  }
  const untag = [name, ...orphanedDigestNames(name, names)];
  const isLast = untag.length === names.length;
  return { untag, outcome: !isLast ? "keep" : user === undefined ? "delete" : "dangle" };
}

function planById({ image, names, force, users }: RemovalRequest): RemovalPlan {
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    throw unable(image, "cannot be forced", `image is being used by running container ${shortId(running.containerId)}`);
  }
  if (!force && !isSingleReference(names)) {
    throw unable(image, "must be forced", "image is referenced in multiple repositories");
  }
  const [stopped] = users;
  if (stopped !== undefined && (!force || names.length === 0)) {
    const how = force ? "cannot be forced" : "must be forced";
    throw unable(image, how, `image is being used by stopped container ${shortId(stopped.containerId)}`);
  }
  return { untag: names, outcome: stopped === undefined ? "delete" : "dangle" };
}

function unable(image: Image, how: string, reason: string): EngineError {
  return conflict(`conflict: unable to delete ${shortId(image.id)} (${how}) - ${reason}`);
}

/** At most one tag, and digests of its repository only. */
function isSingleReference(names: readonly string[]): boolean {
  const tags = names.filter((name) => !isDigestName(name));
  return tags.length <= 1 && new Set(names.map(repositoryOfName)).size <= 1;
}

/** Digest names of a repository go with its last tag. */
function orphanedDigestNames(removed: string, names: readonly string[]): readonly string[] {
  if (isDigestName(removed)) return [];
  const repository = repositoryOfName(removed);
  const others = names.filter((name) => name !== removed && repositoryOfName(name) === repository);
  return others.every(isDigestName) ? others : [];
}

function repositoryOfName(name: string): string {
  return repositoryOf(parseReference(name));
}
