// SPDX-License-Identifier: Apache-2.0
// Makes the programs in dist/: cli.blob, the command as a startup snapshot of Node; daemon.mjs and its workers. Packages
// with native code stay outside of the bundles and are loaded from node_modules.

import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build } from "esbuild";
import { lazyBuiltins } from "./lazy-builtins.ts";

const root = path.join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };

// Beside the old ones, which stay until the new ones are whole.
const fresh = path.join(root, "dist.new");
rmSync(fresh, { recursive: true, force: true });

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  // proto-loader: grpc-js names it, and loads it only for what we do not use.
  external: ["lmdb", "koffi", "pino", "@grpc/proto-loader"],
  logLevel: "warning",
} satisfies BuildOptions;

await build({
  ...common,
  entryPoints: {
    daemon: "src/daemon/main.ts",
    "workers/namespaces": "src/daemon/workers/namespaces.ts",
    "workers/overlay-snapshotter": "src/daemon/workers/overlay-snapshotter.ts",
  },
  outdir: fresh,
  outExtension: { ".js": ".mjs" },
  format: "esm",
  define: { BERTH_VERSION: JSON.stringify(version) },
  banner: {
    js: 'import { createRequire as berthCreateRequire } from "node:module"; const require = berthCreateRequire(import.meta.url);',
  },
});

// A snapshot is made of one CommonJS script.
const script = path.join(fresh, "cli.cjs");
await build({
  ...common,
  entryPoints: ["src/cli/snapshot.ts"],
  outfile: script,
  format: "cjs",
  plugins: [lazyBuiltins],
  define: { BERTH_VERSION: JSON.stringify(version), "import.meta.dirname": "berthProgramDirectory" },
  // Where the program lies is known only when it runs: bin/berth names it as the script.
  banner: {
    js: 'Object.defineProperty(globalThis, "berthProgramDirectory", { get: () => require("node:path").dirname(process.argv[1]) });',
  },
});
execFileSync(process.execPath, ["--snapshot-blob", path.join(fresh, "cli.blob"), "--build-snapshot", script], {
  stdio: "inherit",
});

rmSync(path.join(root, "dist"), { recursive: true, force: true });
renameSync(fresh, path.join(root, "dist"));
