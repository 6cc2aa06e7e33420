// SPDX-License-Identifier: Apache-2.0
// The images that critest v1.36.0 names in its constants. One is missing: test-image-digest, whose manifest would have to
// have the digest of the original.

import type { BaseTrees } from "./base-trees.ts";
import { FileTree } from "./file-tree.ts";

/** What the image says of how to run it, as in an image configuration. */
export interface RunConfig {
  readonly User?: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface ImageDefinition {
  /** Without the registry's domain: all mirrored domains end in one registry. */
  readonly repository: string;
  readonly tags: readonly string[];
  /** The lowest first. */
  readonly layers: readonly FileTree[];
  readonly config: RunConfig;
}

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** As Go calls this machine's processor. */
export const architecture = goArchitectures[process.arch] ?? process.arch;

export function defineImages(base: BaseTrees): readonly ImageDefinition[] {
  return [...e2eImages(base), ...criToolsImages(base), ...pauseImages(base)];
}

function e2eImages(base: BaseTrees): readonly ImageDefinition[] {
  const site = new FileTree().file("var/www/index.html", "<p>httpd</p>\n");
  return [
    image("e2e-test-images/busybox", "1.29-2", [base.busybox], { Cmd: ["sh"] }),
    image("e2e-test-images/nginx", "1.14-2", [base.busybox, base.nginx, nginxSite(80)], nginxConfig),
    image("e2e-test-images/httpd", "2.4.39-4", [base.busybox, site], {
      Cmd: ["sh", "-c", "echo httpd listens on port 80 && exec httpd -f -p 80 -h /var/www"],
    }),
    image("e2e-test-images/nonewprivs", "1.3", [new FileTree().file("nnp", base.nonewprivs, 0o4755)], {
      Entrypoint: ["/nnp"],
    }),
  ];
}

function criToolsImages({ busybox, nginx }: BaseTrees): readonly ImageDefinition[] {
  const name = (rest: string) => `k8s-staging-cri-tools/${rest}`;
  const users = {
    "user-uid": "1002",
    "user-username": "www-data",
    "user-uid-group": "1003:1004",
    "user-username-group": "www-data:1004",
  };
  const marked = (marker: string) => [busybox, new FileTree().file(marker, `${marker}\n`)];
  const files = (repository: string, marker: string, ...tags: readonly string[]) =>
    image(name(repository), tags, marked(marker), { Cmd: ["sh"] });
  return [
    image(name(`hostnet-nginx-${architecture}`), "latest", [busybox, nginx, nginxSite(12_003)], nginxConfig),
    ...Object.entries(users).map(([rest, User]) =>
      image(name(`test-image-${rest}`), "latest", [busybox], { User, Cmd: ["sh"] }),
    ),
    image(name("test-image-predefined-group"), "latest", [busybox, predefinedGroup], { User: "1000", Cmd: ["sh"] }),
    files("test-image-latest", "test-image-latest", "latest"),
    files("test-image-tag", "test-image-tag", "test"),
    files("test-image-tag", "test-image-tag-all", "all"),
    ...["1", "2", "3"].map((digit) => files(`test-image-${digit}`, `test-image-${digit}`, "latest")),
    files("test-image-tags", "test-image-tags", "1", "2", "3"),
  ];
}

/** The two versions have different digests. */
function pauseImages({ pause }: BaseTrees): readonly ImageDefinition[] {
  return ["3.9", "3.10"].map((version) =>
    image("pause", version, [new FileTree().file("pause", pause, 0o755)], {
      User: "65535:65535",
      Entrypoint: ["/pause"],
      Labels: { version },
    }),
  );
}

const nginxConfig: RunConfig = { Entrypoint: ["nginx"] };

/** In the foreground, everything that is logged on the standard streams. */
function nginxSite(port: number): FileTree {
  return (
    new FileTree()
      .file(
        "etc/nginx/nginx.conf",
        `daemon off;
pid /var/run/nginx.pid;
user www-data;
worker_processes 1;
error_log stderr;
events {}
http {
  access_log /dev/stdout;
  server {
    listen ${port};
    root /usr/share/nginx/html;
  }
}
`,
      )
      .file("usr/share/nginx/html/index.html", "<p>nginx</p>\n")
      // Compiled in: where it keeps requests' bodies, and opens its first log.
      .directory("var/lib/nginx")
      .directory("var/log/nginx")
  );
}

const predefinedGroup = new FileTree()
  .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndefault-user:x:1000:1000::/home/default-user:/bin/sh\n")
  .file("etc/group", "root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n");

function image(
  repository: string,
  tags: string | readonly string[],
  layers: readonly FileTree[],
  config: RunConfig,
): ImageDefinition {
  const all = typeof tags === "string" ? [tags] : tags;
  return { repository, tags: all, layers, config: { Env: [searchPath], ...config } };
}
