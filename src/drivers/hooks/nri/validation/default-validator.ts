// SPDX-License-Identifier: Apache-2.0
// What plugins may not do on this node, whoever they are, and which of them must be there. The rules and the annotation
// are those of the validator that comes with NRI.

import { failedPrecondition, invalidArgument } from "../../../../base/errors.ts";
import type { ContainerView, PodView } from "../../../../core/hooks/hook-views.ts";
import { type ContainerAdjustment, Field } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { Ownership } from "../adjust/ownership.ts";

/** Everything is allowed and nobody is required, unless it is said. */
export interface ValidatorRules {
  readonly rejectOciHooks?: boolean;
  readonly rejectRuntimeDefaultSeccomp?: boolean;
  readonly rejectUnconfinedSeccomp?: boolean;
  readonly rejectCustomSeccomp?: boolean;
  readonly rejectNamespaces?: boolean;
  readonly rejectSysctl?: boolean;
  /** Names without index. */
  readonly requiredPlugins?: readonly string[];
  /** The key of an annotation of pods; with the value "true" no plugin is required. */
  readonly tolerateMissingAnnotation?: string;
}

/** A container's annotation, of its pod, that lists more required plugins as YAML or JSON. */
const requiredPluginsAnnotation = "required-plugins.noderesource.dev";

export interface ValidatorInput {
  readonly pod: PodView;
  readonly container: ContainerView;
  readonly adjustment: ContainerAdjustment;
  readonly ownership: Ownership;
  readonly plugins: readonly { readonly base: string; readonly closed: boolean }[];
}

export class DefaultValidator {
  readonly #rules: ValidatorRules;

  constructor(rules: ValidatorRules) {
    this.#rules = rules;
  }

  /** failed-precondition when a rule is broken, with the plugin that broke it. */
  validate(input: ValidatorInput): void {
    const rules = this.#rules;
    if (rules.rejectOciHooks === true) refuse(input, Field.OciHooks, "OCI hooks");
    if (this.#guardsSeccomp(input.container)) refuse(input, Field.SeccompPolicy, "the seccomp policy");
    if (rules.rejectNamespaces === true) refuse(input, Field.Namespace, "namespaces");
    if (rules.rejectSysctl === true) refuse(input, Field.Sysctl, "sysctls");
    this.#requirePlugins(input);
  }

  #guardsSeccomp({ seccompProfile }: ContainerView): boolean {
    const rules = this.#rules;
    switch (seccompProfile?.type) {
      case "runtime-default":
        return rules.rejectRuntimeDefaultSeccomp === true;
      case "localhost":
        return rules.rejectCustomSeccomp === true;
      case "unconfined":
      case undefined:
        return rules.rejectUnconfinedSeccomp === true;
    }
  }

  #requirePlugins({ pod, container, plugins }: ValidatorInput): void {
    const { tolerateMissingAnnotation: key, requiredPlugins = [] } = this.#rules;
    if (key !== undefined && annotationFor(pod, container, key) === "true") return;
    const listed = annotationFor(pod, container, requiredPluginsAnnotation);
    const required = [...requiredPlugins, ...(listed === undefined ? [] : parseNames(listed))];
    const present = new Set(plugins.filter(({ closed }) => !closed).map(({ base }) => base));
    const missing = required.filter((name) => !present.has(name));
    if (missing.length > 0) throw failedPrecondition(`required NRI plugins are not here: ${missing.join(", ")}`);
  }
}

function refuse({ ownership, container }: ValidatorInput, field: Field, what: string): void {
  const owners = new Set(ownership.ownersOf(container.id, field).values());
  if (owners.size === 0) return;
  throw failedPrecondition(`NRI plugins may not adjust ${what} here: ${[...owners].join(", ")}`);
}

/** The annotation for this container, for its pod, or without any of them, in this order. */
function annotationFor({ annotations }: PodView, { name }: ContainerView, key: string): string | undefined {
  return annotations[`${key}/container.${name}`] ?? annotations[`${key}/pod`] ?? annotations[key];
}

/** A list in YAML's flow style, which JSON is, or a line for each. */
function parseNames(text: string): readonly string[] {
  const words = text
    .replaceAll(/[[\]"',]/g, " ")
    .split("\n")
    .flatMap((line) => line.replace(/^\s*-\s+/, "").split(/\s+/))
    .filter((word) => word !== "");
  if (words.length === 0) throw invalidArgument(`no list of NRI plugins: ${text}`);
  return words;
}
