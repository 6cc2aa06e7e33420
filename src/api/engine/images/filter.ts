// SPDX-License-Identifier: Apache-2.0
// The filters of docker images: values of one key are alternatives, but for label; different keys must all hold.

import { invalidArgument } from "../../../base/errors.ts";
import { labelMatches } from "../../../base/filter-values.ts";
import type { Image, ImageService } from "../../../core/images/image-service.ts";
import { familiarName, parseReference } from "../../../oci/reference/reference.ts";

type Test = (image: Image, value: string) => boolean;

export function imageFilter(
  filters: ReadonlyMap<string, readonly string[]>,
  images: ImageService,
): (image: Image) => boolean {
  const tests = Array.from(filters, ([key, values]) => {
    const test = testFor(key, values, images);
    return key === "label"
      ? (image: Image) => values.every((value) => test(image, value))
      : (image: Image) => values.some((value) => test(image, value));
  });
  return (image) => tests.every((test) => test(image));
}

function testFor(key: string, values: readonly string[], images: ImageService): Test {
  switch (key) {
    case "dangling":
      for (const value of values) {
        if (!/^(true|false|1|0)$/.test(value)) throw invalidArgument(`invalid filter 'dangling=${value}'`);
      }
      return (image, value) => (image.names.length === 0) === (value === "true" || value === "1");
    case "label":
      return (image, value) => labelMatches(image.config.config?.Labels ?? {}, value);
    case "reference":
      return (image, value) => matchesReference(image, value);
    case "before": {
      const limits = new Map(values.map((value) => [value, images.resolve(value).createdAt]));
      return (image, value) => image.createdAt < (limits.get(value) ?? 0);
    }
    case "since": {
      const limits = new Map(values.map((value) => [value, images.resolve(value).createdAt]));
      return (image, value) => image.createdAt > (limits.get(value) ?? 0);
    }
    default:
      throw invalidArgument(`invalid filter '${key}'`);
  }
}

/** A pattern with * and ? over familiar and full names, with or without the tag. */
export function matchesReference(image: Image, pattern: string): boolean {
  return image.names.some(nameMatcher(pattern));
}

/** The image with only those names that one of the patterns means; with all when there is no pattern. */
export function withMatchingNames(image: Image, patterns: readonly string[]): Image {
  if (patterns.length === 0) return image;
  const matchers = patterns.map(nameMatcher);
  return { ...image, names: image.names.filter((name) => matchers.some((matches) => matches(name))) };
}

function nameMatcher(pattern: string): (name: string) => boolean {
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")}$`,
  );
  return (name) => {
    const familiar = familiarName(parseReference(name));
    return [name, familiar].some((text) => expression.test(text) || expression.test(text.replace(/:[^:/]+$/, "")));
  };
}
