// SPDX-License-Identifier: Apache-2.0
// All services of the engine API on one router.

import type { ConnectRouter } from "@connectrpc/connect";
import type { Engine } from "../../core/lifecycle/engine.ts";
import { ContainerFilesService } from "../../gen/berth/engine/v1/container_files_pb.js";
import { ContainerService } from "../../gen/berth/engine/v1/container_pb.js";
import { ImageService } from "../../gen/berth/engine/v1/image_pb.js";
import { NetworkService } from "../../gen/berth/engine/v1/network_pb.js";
import { PodService } from "../../gen/berth/engine/v1/pod_pb.js";
import { StorageService } from "../../gen/berth/engine/v1/storage_pb.js";
import { SystemService } from "../../gen/berth/engine/v1/system_pb.js";
import { VolumeService } from "../../gen/berth/engine/v1/volume_pb.js";
import { containerFilesService } from "./container-files/service.ts";
import { containerService } from "./containers/service.ts";
import { type ImageTransfer, imageService } from "./images/service.ts";
import { networkService } from "./networks/service.ts";
import { podService } from "./pods/service.ts";
import { type StorageFacts, storageService } from "./storage/service.ts";
import { type SystemFacts, systemService } from "./system/service.ts";
import { volumeService } from "./volumes/service.ts";

export interface EngineApiDeps extends SystemFacts, StorageFacts {
  readonly engine: Engine;
  readonly transfer: ImageTransfer;
}

export function engineRoutes({ engine, transfer, ...facts }: EngineApiDeps): (router: ConnectRouter) => void {
  return (router) => {
    router.service(ContainerService, containerService(engine));
    router.service(ContainerFilesService, containerFilesService(engine, transfer.archives));
    router.service(ImageService, imageService(engine, transfer));
    router.service(NetworkService, networkService(engine));
    router.service(PodService, podService(engine));
    router.service(StorageService, storageService(engine, facts));
    router.service(SystemService, systemService(engine, facts));
    router.service(VolumeService, volumeService(engine));
  };
}
