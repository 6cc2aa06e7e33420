// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { ContainerView, PodView } from "../../../../core/hooks/hook-views.ts";
import { ContainerAdjustmentSchema, Field } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { type Claim, Ownership } from "../adjust/ownership.ts";
import { DefaultValidator, type ValidatorRules } from "./default-validator.ts";

interface Case {
  readonly claim?: Claim;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly profile?: NonNullable<ContainerView["seccompProfile"]>["type"];
}

/** Validates one container that the plugin "p" has adjusted. */
function validate(rules: ValidatorRules, { claim, annotations = {}, profile }: Case): void {
  const ownership = new Ownership();
  if (claim !== undefined) ownership.claim("c", claim, "p");
  const container = { id: "c", name: "main", ...(profile && { seccompProfile: { type: profile } }) } as ContainerView;
  new DefaultValidator(rules).validate({
    pod: { annotations } as unknown as PodView,
    container,
    adjustment: create(ContainerAdjustmentSchema),
    ownership,
    plugins: [
      { base: "here", closed: false },
      { base: "gone", closed: true },
    ],
  });
}

const refused: readonly (readonly [ValidatorRules, Case])[] = [
  [{ rejectOciHooks: true }, { claim: { field: Field.OciHooks } }],
  [{ rejectNamespaces: true }, { claim: { field: Field.Namespace, entry: "pid" } }],
  [{ rejectSysctl: true }, { claim: { field: Field.Sysctl, entry: "s" } }],
  [{ rejectUnconfinedSeccomp: true }, { claim: { field: Field.SeccompPolicy } }],
  [{ rejectUnconfinedSeccomp: true }, { claim: { field: Field.SeccompPolicy }, profile: "unconfined" }],
  [{ rejectRuntimeDefaultSeccomp: true }, { claim: { field: Field.SeccompPolicy }, profile: "runtime-default" }],
  [{ rejectCustomSeccomp: true }, { claim: { field: Field.SeccompPolicy }, profile: "localhost" }],
];

void test("what a rule forbids is refused, and nothing without the rule or the adjustment", () => {
  for (const [rules, given] of refused) {
    assert.throws(
      () => validate(rules, given),
      { code: "failed-precondition", message: /: p$/ },
      JSON.stringify(rules),
    );
    validate({}, given);
    const { claim: _, ...nothing } = given;
    validate(rules, nothing);
  }
  validate({ rejectCustomSeccomp: true }, { claim: { field: Field.SeccompPolicy }, profile: "runtime-default" });
});

void test("plugins can be required on the node, by a pod, for a container, and be done without", () => {
  const key = "required-plugins.noderesource.dev";
  validate({ requiredPlugins: ["here"] }, {});
  assert.throws(() => validate({ requiredPlugins: ["here", "gone"] }, {}), { message: /not here: gone$/ });
  for (const list of ["[absent]", '["here", "absent"]', "- here\n- absent", "absent"]) {
    assert.throws(() => validate({}, { annotations: { [key]: list } }), { message: /not here: absent$/ }, list);
  }
  validate({}, { annotations: { [key]: "[absent]", [`${key}/container.main`]: "[here]" } });
  const relaxed = { requiredPlugins: ["gone"], tolerateMissingAnnotation: "relax" };
  validate(relaxed, { annotations: { "relax/pod": "true" } });
  assert.throws(() => validate(relaxed, { annotations: { relax: "false" } }));
});
