// SPDX-License-Identifier: Apache-2.0
// The distribution's shim (Task service version 2 on Debian 12) with its runc.
import { testHandler } from "./testing/suite.ts";

testHandler({ name: "runc", driver: "shim", shim: "containerd-shim-runc-v2", binary: "runc", systemdCgroup: false });
