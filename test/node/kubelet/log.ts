// SPDX-License-Identifier: Apache-2.0
// What the kubelet logs, line by line, and which of it tells of an error that must not be.

export interface LogLine {
  /** Milliseconds of the epoch, or undefined of a line that continues another. */
  readonly time?: number;
  readonly severity?: "I" | "W" | "E" | "F";
  readonly text: string;
}

/** A time in which the test does something that the kubelet must notice. */
export interface Episode {
  readonly from: number;
  readonly until: number;
  /** What it may say of it. */
  readonly expected: RegExp;
}

/** While the engine is down. */
export const unreachable =
  /connection refused|connection error|code = Unavailable|cri\.sock: no such file or directory|connection reset|"Failed to ensure image" err="ImageInspectError"/;
/** While a container ends that is asked by probes. */
export const endingProbe =
  /("ExecSync cmd from runtime service failed"|"Probe errored").*(is not running|context canceled)/;
/** While the default handler cannot map users: pods that have a user namespace stay, but the kubelet would make no new one. */
export const withoutUserNamespaces = /hostUsers: false`, runtime does not support user namespaces/;

interface Explanation {
  readonly pattern: RegExp;
  readonly reason: string;
}

/** What a healthy engine gives no cause for, whatever severity the kubelet sees in it. */
const runtimeTrouble =
  /rpc error|RuntimeService|ImageService|Failed to \w+ ?.*[Ss]andbox|PLEG is not healthy|runtime is (down|not)|[Cc]ontainer runtime (is|status|network)|context deadline exceeded|ErrImage|ImageInspectError/;

/** Errors of the kubelet that are not the engine's. */
export const explanations: readonly Explanation[] = [
  {
    pattern: /with CrashLoopBackOff: .* pod=(crashing|completed|leaving|probed)-/,
    reason: "these pods have a container that ends, as the test wants it",
  },
  {
    pattern: /runtime status check may not have completed yet|pleg has yet to be successful/,
    reason: "the kubelet has just started and has not asked yet",
  },
  {
    pattern: /Stats initialization may not have completed yet|"Partial failure issuing cadvisor.ContainerInfoV2"/,
    reason: "cAdvisor, a part of the kubelet, has not counted yet",
  },
  {
    pattern: /no imagefs label for configured runtime/,
    reason: "cAdvisor knows the file systems of three engines by name, and of no other",
  },
  {
    pattern: /kubelet_nodecache\.go.*"failed to check if node is newer/,
    reason: "there is no API server to have a node from",
  },
  {
    pattern: /"Failed to read data from checkpoint" err="checkpoint is not found"/,
    reason: "devices were never given to pods here",
  },
  {
    pattern: /conn\.go:\d+\] "Error on socket receive" err="read tcp 127\.0\.0\.1:.*use of closed network connection"/,
    reason: "the kubelet closes the WebSocket of an exec while it still reads from it",
  },
  {
    pattern:
      /"Failed to set rlimit on max file handles"|with oom score"|analyzeLines\. OOM events will not be reported/,
    reason: "the machine does not let the kubelet raise its limits or its own priority, or read the kernel's log",
  },
];

/** klog's format: severity, month and day, time, pid, file; local time, and no year. */
const header = /^([IWEF])(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})\d* +\d+ (.*)$/;

export function parseLine(text: string, year = new Date().getFullYear()): LogLine {
  const match = header.exec(text);
  if (match === null) return { text };
  const [, severity, month, day, hours, minutes, seconds, milliseconds] = match;
  const parts = [month, day, hours, minutes, seconds, milliseconds].map(Number) as [number, number, ...number[]];
  const [monthNumber, dayNumber, hour = 0, minute = 0, second = 0, millisecond = 0] = parts;
  const time = new Date(year, monthNumber - 1, dayNumber, hour, minute, second, millisecond).getTime();
  return { time, severity: severity as "I" | "W" | "E" | "F", text };
}

/** Lines that nothing explains. */
export function unexplained(log: string, episodes: readonly Episode[]): readonly string[] {
  const removed = new Set<string>();
  const found: string[] = [];
  for (const line of log.split("\n").map((text) => parseLine(text))) {
    const id = /"RemoveContainer" containerID="(\w+)"/.exec(line.text)?.[1];
    if (id !== undefined) removed.add(id);
    if (isTrouble(line) && !isExplained(line, episodes) && !asksForRemoved(line, removed)) found.push(line.text);
  }
  return found;
}

function isTrouble({ severity, text }: LogLine): boolean {
  return severity === "E" || severity === "F" || runtimeTrouble.test(text);
}

function isExplained({ time, text }: LogLine, episodes: readonly Episode[]): boolean {
  if (explanations.some(({ pattern }) => pattern.test(text))) return true;
  return episodes.some(
    ({ from, until, expected }) => time !== undefined && from <= time && time <= until && expected.test(text),
  );
}

/** The kubelet's own parts do not know of each other's removals. */
function asksForRemoved({ text }: LogLine, removed: ReadonlySet<string>): boolean {
  const id = /code = NotFound desc = no such container: (\w+)/.exec(text)?.[1];
  return id !== undefined && removed.has(id);
}
