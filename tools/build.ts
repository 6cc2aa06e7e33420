// SPDX-License-Identifier: Apache-2.0
// Bundles the programs into dist/: cli.mjs, daemon.mjs and the daemon's workers. Packages with native code stay outside
// of the bundles and are loaded from node_modules.

import { readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };

// Beside the old ones, which stay until the new ones are whole.
const fresh = path.join(root, "dist.new");
rmSync(fresh, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: {
    cli: "src/cli/main.ts",
    daemon: "src/daemon/main.ts",
    "workers/namespaces": "src/daemon/workers/namespaces.ts",
    "workers/overlay-snapshotter": "src/daemon/workers/overlay-snapshotter.ts",
  },
  outdir: fresh,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  // The command's less used parts load when they are used.
  splitting: true,
  platform: "node",
  target: "node24",
  format: "esm",
  sourcemap: "linked",
  external: ["lmdb", "koffi", "pino"],
  define: { BERTH_VERSION: JSON.stringify(version) },
  banner: {
    js: 'import { createRequire as berthCreateRequire } from "node:module"; const require = berthCreateRequire(import.meta.url);',
  },
  logLevel: "warning",
});
rmSync(path.join(root, "dist"), { recursive: true, force: true });
renameSync(fresh, path.join(root, "dist"));
