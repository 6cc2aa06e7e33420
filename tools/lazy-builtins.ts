// SPDX-License-Identifier: Apache-2.0
// An esbuild plugin for programs that become a startup snapshot. Node's modules that hold sockets, handles or state of the
// process cannot be in one: they are loaded when one of their exports is first looked at.

import type { Plugin } from "esbuild";

/** What a snapshot cannot hold. */
const stateful = new Set([
  "child_process", "crypto", "dgram", "dns", "fs", "fs/promises", "http", "http2", "https", "net", "readline",
  "readline/promises", "tls", "tty", "worker_threads", "zlib",
]); // biome-ignore format: a list

const namespace = "node-builtin";

export const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(build) {
    build.onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/, "");
      return process.getBuiltinModule(`node:${name}`) === undefined ? undefined : { path: name, namespace };
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: stateful.has(path) ? lazyModule(path) : `module.exports = ${load(path)};`,
    }));
  },
};

function lazyModule(name: string): string {
  const keys = Object.keys(process.getBuiltinModule(`node:${name}`) ?? {}).filter((key) => key !== "default");
  const getters = keys.map((key) => `get ${JSON.stringify(key)}() { return ${load(name)}[${JSON.stringify(key)}]; }`);
  return `module.exports = { __esModule: true, get default() { return ${load(name)}; }, ${getters.join(", ")} };`;
}

function load(name: string): string {
  return `process.getBuiltinModule(${JSON.stringify(`node:${name}`)})`;
}
