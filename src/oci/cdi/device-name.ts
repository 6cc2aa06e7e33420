// SPDX-License-Identifier: Apache-2.0
// Names of devices in the Container Device Interface (SPEC.md, "Kind" and "Devices"): "vendor.com/class=name".

import { invalidArgument } from "../../base/errors.ts";

const kindPart = /^[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const namePart = /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

/** Whether it is "vendor/class". */
export function isKind(text: string): boolean {
  const [vendor = "", name = "", ...more] = text.split("/");
  return more.length === 0 && kindPart.test(vendor) && kindPart.test(name);
}

/** Whether it may stand after the "=". */
export function isDeviceName(text: string): boolean {
  return namePart.test(text);
}

/** The name as it is; invalid-argument when it is no full one. */
export function checkDeviceName(text: string): string {
  const index = text.indexOf("=");
  if (index >= 0 && isKind(text.slice(0, index)) && isDeviceName(text.slice(index + 1))) return text;
  throw invalidArgument(`invalid CDI device name ${JSON.stringify(text)}: it is vendor/class=name`);
}

const annotationPrefix = "cdi.k8s.io/";

/** The devices of all annotations that name some, several in one apart by commas. */
export function cdiDevicesOfAnnotations(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(annotationPrefix))
    .flatMap(([, value]) => value.split(",").map(checkDeviceName));
}
