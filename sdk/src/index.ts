// SPDX-License-Identifier: Apache-2.0
// The client of the Berth container engine.

export type { FileChange } from "../../src/gen/berth/engine/v1/container_files_pb.js";
export { FileChangeKind } from "../../src/gen/berth/engine/v1/container_files_pb.js";
export type {
  Container,
  ContainerConfig,
  ContainerPod,
  ContainerState,
  LogEntry,
  MountPoint,
  NetworkAttachment,
  PortMapping,
} from "../../src/gen/berth/engine/v1/container_pb.js";
export { OutputStream } from "../../src/gen/berth/engine/v1/container_pb.js";
export type {
  HistoryStep,
  Image,
  ImageDefaults,
  LoadedImage,
  PulledImage,
  PushedImage,
  RunningPull,
  TransferProgress,
} from "../../src/gen/berth/engine/v1/image_pb.js";
export type { Network, NetworkEndpoint } from "../../src/gen/berth/engine/v1/network_pb.js";
export type {
  Pod,
  PodContainer,
  PodDns,
  PodNamespace,
  PodNamespaces,
  UserNamespace,
} from "../../src/gen/berth/engine/v1/pod_pb.js";
export type { DiskUsageResponse, ImageUsage, UsageTotal } from "../../src/gen/berth/engine/v1/storage_pb.js";
export type { Event, InfoResponse, VersionResponse } from "../../src/gen/berth/engine/v1/system_pb.js";
export type { Volume } from "../../src/gen/berth/engine/v1/volume_pb.js";
export type { AttachedStreams } from "./attach.ts";
export { BerthClient, type ClientOptions } from "./client.ts";
export type { ContainerFiles } from "./container-files.ts";
export type {
  CallOptions,
  ContainerExit,
  ContainerOptions,
  Containers,
  ContainerWait,
  ExecOptions,
  LogOptions,
  WaitCondition,
} from "./containers.ts";
export { DockerConfig, defaultDockerConfigPath } from "./credentials/docker-config.ts";
export type { StoredCredentials } from "./credentials/stored-credentials.ts";
export { BerthError } from "./errors.ts";
export type { ExecStreams } from "./exec.ts";
export type { Images, PullNews, RegistryCredentials, TransferOptions } from "./images.ts";
export type { Networks } from "./networks.ts";
export type { Pods } from "./pods.ts";
export type { OutputChunk, ProcessInput } from "./process-stream.ts";
export type { Storage } from "./storage.ts";
export type { EventOptions, System } from "./system.ts";
export { defaultHost } from "./transport.ts";
export type { ListFilters, PruneResult, Volumes } from "./volumes.ts";
