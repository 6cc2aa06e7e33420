// SPDX-License-Identifier: Apache-2.0
// What a cgroup read from and wrote to block devices.

/** Counts of one block device since the cgroup was made. */
export interface DeviceTraffic {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Finished requests. */
  readonly reads: number;
  readonly writes: number;
}

type Counts = { -readonly [key in Exclude<keyof DeviceTraffic, "major" | "minor">]: number };

/** io.stat of version 2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6"; a device may have no counts. */
export function parseIoStat(text: string): readonly DeviceTraffic[] {
  return text.split("\n").flatMap((line) => {
    const [device = "", ...fields] = line.trim().split(" ");
    const numbers = deviceNumbers(device);
    if (numbers === undefined) return [];
    const counts = new Map(fields.map((field) => field.split("=") as [string, string]));
    const count = (name: string) => Number(counts.get(name) ?? 0);
    return {
      ...numbers,
      readBytes: count("rbytes"),
      writtenBytes: count("wbytes"),
      reads: count("rios"),
      writes: count("wios"),
    };
  });
}

/** blkio.throttle.io_service_bytes and io_serviced of version 1: "8:0 Read 1"; totals are left out. */
export function parseBlkio(serviceBytes: string, serviced: string): readonly DeviceTraffic[] {
  const devices = new Map<string, Counts>();
  const add = (text: string, fields: { readonly Read: keyof Counts; readonly Write: keyof Counts }) => {
    for (const line of text.split("\n")) {
      const [device = "", operation, count] = line.trim().split(" ");
      if (operation !== "Read" && operation !== "Write") continue;
      const counts = devices.get(device) ?? { readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 };
      counts[fields[operation]] = Number(count);
      devices.set(device, counts);
    }
  };
  add(serviceBytes, { Read: "readBytes", Write: "writtenBytes" });
  add(serviced, { Read: "reads", Write: "writes" });
  return Array.from(devices).flatMap(([device, counts]) => {
    const numbers = deviceNumbers(device);
    return numbers === undefined ? [] : { ...numbers, ...counts };
  });
}

function deviceNumbers(device: string): { readonly major: number; readonly minor: number } | undefined {
  const match = /^(\d+):(\d+)$/.exec(device);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}
