// SPDX-License-Identifier: Apache-2.0
// The daemon as systemd runs it: its socket is open before it starts, and it tells when it is ready and when it stops.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, suite, test } from "node:test";
import { promisify } from "node:util";
import { eventually, startDaemon } from "../../support/daemon.ts";
import { runContainer } from "../../support/run-container.ts";

const checkout = path.join(import.meta.dirname, "../../..");

/**
 * Plays the manager for the command that follows --state DIR: opens DIR/berth.sock as descriptor 3 and becomes the
 * command, while a child writes down what it is told at DIR/../notify until its parent is gone.
 */
const manager = `
import os, select, socket, sys
command = sys.argv[1:]
state = command[command.index("--state") + 1]
os.makedirs(state, 0o711, exist_ok=True)
api, told = state + "/berth.sock", os.path.dirname(state) + "/notify"
for name in (api, told):
    if os.path.exists(name): os.unlink(name)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(told)
daemon = os.getpid()
if os.fork() == 0:
    with open(told + ".log", "a") as log:
        while True:
            if select.select([notify], [], [], 0.1)[0]:
                log.write(notify.recv(4096).decode() + "\\n")
                log.flush()
            elif os.getppid() != daemon: os._exit(0)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(api)
listener.listen(64)
os.dup2(listener.fileno(), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(daemon), LISTEN_FDS="1", LISTEN_FDNAMES="api", NOTIFY_SOCKET=told)
os.execvp(command[0], command)
`;

suite("under a service manager", async () => {
  const daemon = await startDaemon({ after }, { wrapper: ["python3", "-c", manager] });
  const told = async () => await readFile(path.join(daemon.directory, "notify.log"), "utf8");
  const inode = async () => (await stat(path.join(daemon.state, "berth.sock"))).ino;

  test("serves on the socket that it was given, and says that it is ready", async () => {
    const { ino } = await stat(path.join(daemon.state, "berth.sock"));
    await eventually("READY=1", async () => (await told()).includes("READY=1"));
    assert.match(await told(), new RegExp(`^READY=1\nMAINPID=${daemon.pid}\n`));
    // Made by the manager and not by the daemon, which would have given it another mode.
    assert.equal(await inode(), ino);
    assert.equal((await stat(path.join(daemon.state, "berth.sock"))).mode & 0o777, 0o755);
  });

  test("keeps the socket and the variables from shims and containers, which would take them for theirs", async () => {
    await daemon.importBusybox();
    const { stdout } = await runContainer(daemon.client, "env");
    assert.doesNotMatch(stdout, /LISTEN_|NOTIFY_SOCKET/);
    const { id } = await daemon.client.containers.create({ image: "busybox:latest", command: ["sleep", "1000"] });
    await daemon.client.containers.start(id);
    const listener = await readlink(`/proc/${daemon.pid}/fd/3`);
    assert.match(listener, /^socket:/);
    assert.deepEqual(await holdersOf(listener), [daemon.pid]);
    await daemon.client.containers.remove(id, { force: true });
  });

  test("says that it stops, ends with 0, and leaves the manager's socket and the containers alone", async () => {
    const { id } = await daemon.client.containers.create({ image: "busybox:latest", command: ["sleep", "1000"] });
    await daemon.client.containers.start(id);
    const [before, running] = [await inode(), (await daemon.client.containers.inspect(id)).state];
    await daemon.stop();
    await eventually("STOPPING=1", async () => (await told()).includes("STOPPING=1"));
    assert.equal(await inode(), before);
    await daemon.start();
    assert.equal(running?.status, "running");
    assert.deepEqual((await daemon.client.containers.inspect(id)).state, running);
    await daemon.client.containers.remove(id, { force: true });
    assert.equal((await told()).match(/READY=1/g)?.length, 2);
  });
});

/** The processes that have this open: "socket:[1234]". */
async function holdersOf(target: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const holders = await Promise.all(
    pids.map(async (pid) => {
      try {
        const names = await readdir(`/proc/${pid}/fd`);
        const targets = await Promise.all(names.map(async (name) => await readlink(`/proc/${pid}/fd/${name}`)));
        return targets.includes(target);
      } catch {
        return false; // it ended, or closed one, meanwhile
      }
    }),
  );
  return pids.filter((_, index) => holders[index]);
}

test("the unit files are what systemd accepts", async (t) => {
  try {
    await promisify(execFile)("systemd-analyze", ["--version"]);
  } catch {
    t.skip("no systemd-analyze here");
    return;
  }
  const directory = await mkdtemp(path.join(tmpdir(), "berth-units-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const [service, socket] = ["berth.service", "berth.socket"].map((name) => path.join(directory, name));
  assert(service !== undefined && socket !== undefined);
  const text = await readFile(path.join(checkout, "packaging/berth.service"), "utf8");
  assert.match(text, /^ExecStart=\/usr\/bin\/berth daemon$/m);
  // It wants the program to be there.
  await writeFile(service, text.replaceAll("/usr/bin/berth", path.join(checkout, "bin/berth")));
  await copyFile(path.join(checkout, "packaging/berth.socket"), socket);
  const { stdout, stderr } = await promisify(execFile)("systemd-analyze", ["verify", service, socket]);
  assert.equal(`${stdout}${stderr}`, "");
});
