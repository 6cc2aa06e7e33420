// SPDX-License-Identifier: Apache-2.0
// All commands: name, one line for the list, and the module, which is loaded only when it is chosen.

import type { Command } from "./command.ts";

/** A command, or a group of them (berth container ls). */
export interface CommandEntry {
  readonly summary: string;
  readonly load?: () => Promise<{ readonly command: Command }>;
  readonly group?: Readonly<Record<string, CommandEntry>>;
  /** Works without the daemon. */
  readonly isLocal?: boolean;
}

const run = { summary: "Create and run a new container from an image", load: () => import("./commands/run.ts") };
const exec = { summary: "Execute a command in a running container", load: () => import("./commands/exec.ts") };
const ps = { summary: "List containers", load: () => import("./commands/ps.ts") };
const pods = { summary: "List pods", load: () => import("./commands/pods.ts") };
const pull = { summary: "Download an image from a registry", load: () => import("./commands/pull.ts") };
const push = { summary: "Upload an image to a registry", load: () => import("./commands/push.ts") };
const images = { summary: "List images", load: () => import("./commands/images.ts") };
const login = { summary: "Authenticate to a registry", load: () => import("./commands/login.ts") };
const logout = { summary: "Log out from a registry", load: () => import("./commands/logout.ts"), isLocal: true };
const version = { summary: "Show the version information", load: () => import("./commands/version.ts") };
const info = { summary: "Display system-wide information", load: () => import("./commands/info.ts") };
const attach = {
  summary: "Attach local standard input, output, and error streams to a running container",
  load: () => import("./commands/attach.ts"),
};
const commit = {
  summary: "Create a new image from a container's changes",
  load: () => import("./commands/commit.ts"),
};
const create = { summary: "Create a new container", load: () => import("./commands/create.ts") };
const diff = {
  summary: "Inspect changes to files or directories on a container's filesystem",
  load: () => import("./commands/diff.ts"),
};
const events = { summary: "Get real time events from the daemon", load: () => import("./commands/events.ts") };
const history = { summary: "Show the history of an image", load: () => import("./commands/history.ts") };
const exportCommand = {
  summary: "Export a container's filesystem as a tar archive",
  load: () => import("./commands/export.ts"),
};
const importCommand = {
  summary: "Import the contents from a tarball to create an image",
  load: () => import("./commands/import.ts"),
};
const inspect = { summary: "Return low-level information on objects", load: () => import("./commands/inspect.ts") };
const inspectContainer = {
  summary: "Display detailed information on one or more containers",
  load: () => import("./commands/inspect-container.ts"),
};
const inspectImage = {
  summary: "Display detailed information on one or more images",
  load: () => import("./commands/inspect-image.ts"),
};
const kill = { summary: "Kill one or more running containers", load: () => import("./commands/kill.ts") };
const load = { summary: "Load an image from a tar archive or STDIN", load: () => import("./commands/load.ts") };
const logs = { summary: "Fetch the logs of a container", load: () => import("./commands/logs.ts") };
const pause = {
  summary: "Pause all processes within one or more containers",
  load: () => import("./commands/pause.ts"),
};
const port = {
  summary: "List port mappings or a specific mapping for the container",
  load: () => import("./commands/port.ts"),
};
const rename = { summary: "Rename a container", load: () => import("./commands/rename.ts") };
const restart = { summary: "Restart one or more containers", load: () => import("./commands/restart.ts") };
const rm = { summary: "Remove one or more containers", load: () => import("./commands/rm.ts") };
const rmi = { summary: "Remove one or more images", load: () => import("./commands/rmi.ts") };
const save = {
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  load: () => import("./commands/save.ts"),
};
const start = { summary: "Start one or more stopped containers", load: () => import("./commands/start.ts") };
const stop = { summary: "Stop one or more running containers", load: () => import("./commands/stop.ts") };
const tag = {
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  load: () => import("./commands/tag.ts"),
};
const top = { summary: "Display the running processes of a container", load: () => import("./commands/top.ts") };
const unpause = {
  summary: "Unpause all processes within one or more containers",
  load: () => import("./commands/unpause.ts"),
};
const update = {
  summary: "Update configuration of one or more containers",
  load: () => import("./commands/update.ts"),
};
const wait = {
  summary: "Block until one or more containers stop, then print their exit codes",
  load: () => import("./commands/wait.ts"),
};

const volumeLs = { summary: "List volumes", load: () => import("./commands/volume-ls.ts") };
const networkLs = { summary: "List networks", load: () => import("./commands/network-ls.ts") };

/** In the order of the help: first what is used most, then groups, then the rest. */
export const commandTable: Readonly<Record<string, CommandEntry>> = {
  run,
  exec,
  ps,
  pull,
  push,
  images,
  login,
  logout,
  version,
  info,
  daemon: { summary: "Run the daemon", load: () => import("./commands/daemon.ts"), isLocal: true },
  container: {
    summary: "Manage containers",
    group: {
      attach,
      commit,
      create,
      diff,
      exec,
      export: exportCommand,
      inspect: inspectContainer,
      kill,
      logs,
      ls: ps,
      list: ps,
      pause,
      port,
      prune: { summary: "Remove all stopped containers", load: () => import("./commands/container-prune.ts") },
      ps,
      rename,
      restart,
      rm,
      run,
      start,
      stop,
      top,
      unpause,
      update,
      wait,
    },
  },
  image: {
    summary: "Manage images",
    group: {
      history,
      import: importCommand,
      inspect: inspectImage,
      load,
      ls: images,
      list: images,
      prune: { summary: "Remove unused images", load: () => import("./commands/image-prune.ts") },
      pull,
      push,
      rm: rmi,
      save,
      tag,
    },
  },
  network: {
    summary: "Manage networks",
    group: {
      inspect: {
        summary: "Display detailed information on one or more networks",
        load: () => import("./commands/network-inspect.ts"),
      },
      ls: networkLs,
      list: networkLs,
      connect: refusedNetworkEntry("connect"),
      create: refusedNetworkEntry("create"),
      disconnect: refusedNetworkEntry("disconnect"),
      prune: refusedNetworkEntry("prune"),
      rm: refusedNetworkEntry("rm"),
    },
  },
  volume: {
    summary: "Manage volumes",
    group: {
      create: { summary: "Create a volume", load: () => import("./commands/volume-create.ts") },
      inspect: {
        summary: "Display detailed information on one or more volumes",
        load: () => import("./commands/volume-inspect.ts"),
      },
      ls: volumeLs,
      list: volumeLs,
      prune: { summary: "Remove unused local volumes", load: () => import("./commands/volume-prune.ts") },
      rm: { summary: "Remove one or more volumes", load: () => import("./commands/volume-rm.ts") },
    },
  },
  system: {
    summary: "Manage Berth",
    group: {
      df: { summary: "Show disk usage", load: () => import("./commands/system-df.ts") },
      events,
      info,
      prune: { summary: "Remove unused data", load: () => import("./commands/system-prune.ts") },
    },
  },
  config: {
    summary: "Show the daemon's configuration",
    group: {
      default: {
        summary: "Print the configuration file with all defaults",
        load: () => import("./commands/config-default.ts"),
        isLocal: true,
      },
    },
  },
  attach,
  commit,
  create,
  diff,
  events,
  export: exportCommand,
  history,
  import: importCommand,
  inspect,
  kill,
  load,
  logs,
  pause,
  pods,
  port,
  rename,
  restart,
  rm,
  rmi,
  save,
  start,
  stop,
  tag,
  top,
  unpause,
  update,
  wait,
};

function refusedNetworkEntry(name: string): CommandEntry {
  return {
    summary: "Not supported: says why",
    load: async () => ({ command: (await import("./commands/network-refused.ts")).refusedNetworkCommand(name) }),
    isLocal: true,
  };
}
