// SPDX-License-Identifier: Apache-2.0
// make demo: an image's whole way, from a tar to a registry and back into a running container, with the commands that a
// user would type and the time that each takes. Everything it makes lies under one temporary directory and under names of
// its own, and is gone at the end, also after a failure or Ctrl-C.

import path from "node:path";
import { Interrupted, Stage, StepFailed } from "./demo/stage.ts";

const checkout = path.join(import.meta.dirname, "..");
const greeting = "hello from a container";

/** What a user would do, in this order. */
async function tell(stage: Stage): Promise<void> {
  await stage.startDaemon();
  const registry = await stage.startRegistry();
  const image = `${registry}/demo/busybox:1`;
  const port = await stage.freePort();
  const rootfs = await stage.makeRootfs(greeting);

  stage.say("An image of this machine's own busybox, made here and pushed:");
  const changes = `--change 'CMD ["httpd", "-f", "-v", "-h", "/srv"]' --change 'EXPOSE 80'`;
  await stage.run(`tar -C ${rootfs} -c . | bin/berth import ${changes} - ${image}`);
  await stage.run(`bin/berth push ${image}`);
  await stage.run(`bin/berth rmi ${image}`);
  await stage.run("bin/berth images --quiet", { output: /^$/ });

  stage.say("Pulled back, and run with a network, a memory limit and a published port:");
  await stage.run(`bin/berth pull ${image}`);
  await stage.run(`bin/berth run --rm ${image} sh -c 'echo this is $(hostname), process $$'`, {
    output: /^this is [0-9a-f]{12}, process 1$/m,
  });
  await stage.run(`bin/berth run -d --init --name web --memory 64m -p 127.0.0.1:${port}:80 ${image}`);
  await stage.run("bin/berth ps", { output: /\bweb\b/ });
  await stage.fetch(`http://127.0.0.1:${port}/`, greeting);
  await stage.run("bin/berth exec web ip -4 -o addr show dev eth0", {
    output: new RegExp(`inet ${stage.subnetPrefix}`),
  });
  const limit = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null";
  await stage.run(`bin/berth exec web sh -c '${limit}'`, { output: /^67108864$/m, mayExit: [0, 1] });
  await stage.run("bin/berth logs web", { output: /response:200/ });

  stage.say("Stopped and removed:");
  await stage.run("bin/berth stop web");
  await stage.run("bin/berth rm web");
  await stage.run(`bin/berth rmi ${image}`);
}

const started = performance.now();
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => interruption.abort(new Interrupted(name)));
}
const stage = new Stage(checkout, { signal: interruption.signal });
try {
  await stage.open();
  await tell(stage);
} catch (error) {
  await stage.showDaemonLog();
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
  const isExpected = error instanceof Interrupted || error instanceof StepFailed;
  console.error(`demo: ${isExpected ? error.message : error instanceof Error ? error.stack : String(error)}`);
}
const left = await stage.close();
if (left.length > 0) {
  console.error(`demo: left behind, remove it by hand: ${left.join(", ")}`);
  process.exitCode ||= 1;
} else {
  console.log("\nNothing is left: no process, mount, interface, cgroup or file.");
}
if (process.exitCode === undefined) {
  console.log(
    `The demo took ${((performance.now() - started) / 1000).toFixed(1)} s. Go on with the README's first session.`,
  );
}
