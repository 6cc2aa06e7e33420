// SPDX-License-Identifier: Apache-2.0
// The JUnit report that ginkgo writes.

import { parseXml, XmlElement } from "@rgrove/parse-xml";

export interface SpecResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Of a failure or skip, as the report has it. */
  readonly message: string;
}

/** The specs of a report; set-up and tear-down of the suite count only when they failed. */
export function parseReport(xml: string): readonly SpecResult[] {
  const cases = elementsOf(parseXml(xml).root, "testcase").map(readCase);
  return cases.filter(({ name, outcome }) => name.startsWith("[It] ") || outcome === "failed");
}

function readCase(element: XmlElement): SpecResult {
  const name = (element.attributes["name"] ?? "").replace(/\s+/g, " ");
  const [failure] = ["failure", "error"].flatMap((tag) => elementsOf(element, tag));
  if (failure !== undefined) {
    const message = failure.attributes["message"] ?? failure.text;
    return { name, outcome: "failed", message: message.trim() };
  }
  const [skipped] = elementsOf(element, "skipped");
  if (skipped === undefined) return { name, outcome: "passed", message: "" };
  return { name, outcome: "skipped", message: (skipped.attributes["message"] ?? "").trim() };
}

/** All of this name, at any depth, in the order of the document. */
function elementsOf(element: XmlElement | null, name: string): readonly XmlElement[] {
  const children = (element?.children ?? []).filter((child) => child instanceof XmlElement);
  return children.flatMap((child) => [...(child.name === name ? [child] : []), ...elementsOf(child, name)]);
}
