// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf } from "../../base/errors.ts";
import type { ContainerDefaults } from "../../oci/image/documents.ts";
import { parseImportChanges } from "./import-changes.ts";

const understood: readonly (readonly [changes: readonly string[], defaults: ContainerDefaults])[] = [
  [[], {}],
  [['CMD ["sh", "-c", "true"]'], { Cmd: ["sh", "-c", "true"] }],
  [["cmd echo  hello"], { Cmd: ["/bin/sh", "-c", "echo  hello"] }],
  [["CMD [ -f x ]"], { Cmd: ["/bin/sh", "-c", "[ -f x ]"] }],
  [['ENTRYPOINT ["/init"]', "CMD a", 'CMD ["b"]'], { Entrypoint: ["/init"], Cmd: ["b"] }],
  [['ENV A=1 B=\'two words\' C="three \\"q\\"" D=a\\ b'], { Env: ["A=1", "B=two words", 'C=three "q"', "D=a b"] }],
  [["ENV KEY the rest = value", "ENV KEY=new"], { Env: ["KEY=new"] }],
  [
    ["EXPOSE 80 443/TCP 53/udp", "EXPOSE 8000-8001"],
    { ExposedPorts: { "80/tcp": {}, "443/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
  ],
  [['LABEL a=b "c d"=e'], { Labels: { a: "b", "c d": "e" } }],
  [["USER 1000:1000"], { User: "1000:1000" }],
  [['VOLUME ["/a", "/b"]', "VOLUME /c /d"], { Volumes: { "/a": {}, "/b": {}, "/c": {}, "/d": {} } }],
  [["WORKDIR /a", "WORKDIR b/../c"], { WorkingDir: "/a/c" }],
  [["STOPSIGNAL SIGQUIT"], { StopSignal: "SIGQUIT" }],
  [["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  [
    ["HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f localhost"],
    { Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 90e9, Timeout: 5e8, Retries: 3 } },
  ],
  [['HEALTHCHECK CMD ["true"]'], { Healthcheck: { Test: ["CMD", "true"] } }],
  [["ONBUILD RUN make", "ONBUILD ADD . /src"], { OnBuild: ["RUN make", "ADD . /src"] }],
];

for (const [changes, defaults] of understood) {
  test(`understood: ${changes.join("; ")}`, () => assert.deepEqual(parseImportChanges(changes), defaults));
}

const refused: readonly (readonly [change: string, message: RegExp])[] = [
  ["", /is not a valid change command/],
  ["FROM busybox", /^FROM is not a valid change command/],
  ["constructor x", /^constructor is not a valid change command/],
  ["CMD", /^CMD requires at least one argument/],
  ["ENV novalue", /^ENV must have the form name=value, and novalue has not/],
  ["ENV =x", /ENV must have the form/],
  ["LABEL a='b", /unbalanced quotes/],
  ["EXPOSE 70000", /invalid containerPort: 70000/],
  ["EXPOSE 80/icmp", /invalid containerPort: 80\/icmp/],
  ["EXPOSE 90-80", /invalid containerPort/],
  ["STOPSIGNAL NOPE", /invalid signal: NOPE/],
  ['VOLUME [""]', /can not be an empty string/],
  ["HEALTHCHECK --interval=soon CMD x", /invalid duration "soon"/],
  ["HEALTHCHECK --color=red CMD x", /unknown flag/],
  ["HEALTHCHECK echo", /unknown type "echo" in HEALTHCHECK/],
  ["ONBUILD FROM x", /FROM is not allowed as an ONBUILD trigger/],
];

for (const [change, message] of refused) {
  test(`refused: ${change}`, () => {
    assert.throws(
      () => parseImportChanges([change]),
      (error: Error) => codeOf(error) === "invalid-argument" && message.test(error.message),
    );
  });
}
