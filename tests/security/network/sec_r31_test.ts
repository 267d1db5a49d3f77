/** A web page in a browser on the bot's machine. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { startHttpServer } from "../../../src/host/http_server.ts";
import { appOf } from "../../support/bot/health.ts";
import { talk } from "../../support/network/raw_client.ts";

const PATHS = ["/livez", "/readyz", "/healthz", "/metrics", "/status"];

/** Headers of requests that a page of another site can cause. */
const FOREIGN: readonly (readonly [what: string, headers: string])[] = [
  ["a rebound name", "Host: evil.example"],
  ["a rebound name with the port", "Host: evil.example:8787"],
  ["a name that begins like ours", "Host: localhost.evil.example"],
  ["an address that begins like ours", "Host: 127.0.0.1.evil.example"],
  ["any address", "Host: 0.0.0.0"],
  ["another address of this machine", "Host: 127.0.0.2"],
  ["any address in IPv6", "Host: [::]"],
  ["a number", "Host: 2130706433"],
  ["a name with a dot behind", "Host: localhost."],
  ["a user before the name", "Host: localhost@evil.example"],
  ["two names", "Host: localhost, evil.example"],
  ["no name", "Host: "],
  ["a page's origin", "Host: localhost\r\nOrigin: https://evil.example"],
  ["no origin", "Host: localhost\r\nOrigin: null"],
  ["a file's origin", "Host: localhost\r\nOrigin: file://"],
  ["an origin that begins like ours", "Host: localhost\r\nOrigin: http://localhost.evil.example"],
  ["an origin with our name as user", "Host: localhost\r\nOrigin: http://localhost@evil.example"],
  ["no URL", "Host: localhost\r\nOrigin: localhost"],
  ["a cross-site request", "Host: localhost\r\nSec-Fetch-Site: cross-site"],
  ["the same without an origin of its own", "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site"],
];

/** A value that is no host at all. */
const NO_NAME = /^Host: .*[@,]|^Host: $/;

it("[SEC-R31] a request that another site's page causes › gets 403 before any handler, or 400 if it names no host, in more than 25 forms", async () => {
  let reached = 0;
  const app = appOf({ snapshot: () => assert.fail(`handler ${reached += 1}`) });
  const server = await startHttpServer({ port: 0 }, app);
  try {
    for (const [index, [what, headers]] of FOREIGN.entries()) {
      const paths = index === 0 ? PATHS : [PATHS[index % PATHS.length] ?? ""];
      for (const method of index < 3 ? ["GET", "POST", "DELETE"] : ["GET"]) {
        for (const path of paths) {
          const request = `${method} ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`;
          const answer = await talk(server.port, request);
          assert.match(answer, /^HTTP\/1\.1 40[03] /, `${what}: ${answer}`);
          if (/^HTTP\/1\.1 400 /.test(answer)) {
            assert.match(headers, NO_NAME); // the server's own parser refuses it
            continue;
          }
          assert.match(answer, /content-security-policy: default-src '(?:self|none)'/i, what);
          assert.match(answer, /frame-ancestors 'none'/i);
          assert.doesNotMatch(answer, /access-control-allow/i);
        }
      }
    }
    assert.equal(reached, 0);
    const own = await talk(
      server.port,
      "POST /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert.match(own, /^HTTP\/1\.1 405 /);
  } finally {
    await server.close();
  }
});
