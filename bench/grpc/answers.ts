// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import {
  type Container,
  ContainerSchema,
  ContainerState,
  ListContainersResponseSchema,
  VersionResponseSchema,
} from "../../src/gen/runtime/v1/api_pb.js";

/** As many as the kubelet allows pods on a node. */
const containerCount = 110;

export async function version() {
  return await Promise.resolve(
    create(VersionResponseSchema, {
      version: "0.1.0",
      runtimeName: "berth",
      runtimeVersion: "0.1.0",
      runtimeApiVersion: "v1",
    }),
  );
}

/** Made anew for each call, as an engine does from its records. */
export async function listContainers() {
  const containers = Array.from({ length: containerCount }, (_, index) => container(index));
  return await Promise.resolve(create(ListContainersResponseSchema, { containers }));
}

/** What the kubelet writes on a container of a pod. */
function container(index: number): Container {
  const image = `sha256:${"9".repeat(64)}`;
  return create(ContainerSchema, {
    id: index.toString(16).padStart(64, "c"),
    podSandboxId: index.toString(16).padStart(64, "5"),
    metadata: { name: `container-${index}`, attempt: 0 },
    image: { image, userSpecifiedImage: "registry.example/tools/agnhost:2.47" },
    imageRef: image,
    imageId: image,
    state: ContainerState.CONTAINER_RUNNING,
    createdAt: 1_790_000_000_000_000_000n + BigInt(index),
    labels: {
      "io.kubernetes.container.name": `container-${index}`,
      "io.kubernetes.pod.name": `deployment-5d9c7b8f6-${index}`,
      "io.kubernetes.pod.namespace": "kube-system",
      "io.kubernetes.pod.uid": "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
    },
    annotations: {
      "io.kubernetes.container.hash": "6f1d2a3b",
      "io.kubernetes.container.restartCount": "0",
      "io.kubernetes.container.terminationMessagePath": "/dev/termination-log",
      "io.kubernetes.container.terminationMessagePolicy": "File",
      "io.kubernetes.pod.terminationGracePeriod": "30",
      "io.kubernetes.container.ports": '[{"name":"http","containerPort":8080,"protocol":"TCP"}]',
    },
  });
}
