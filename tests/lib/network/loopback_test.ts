import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLoopback, isLoopbackHost } from "../../../src/lib/network/loopback.ts";

describe("[SEC-R30] isLoopback()", () => {
  for (
    const address of ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"]
  ) {
    it(`takes ${address} for loopback`, () => assert.equal(isLoopback(address), true));
  }
  const others = [
    "0.0.0.0",
    "::",
    "192.0.2.7",
    "128.0.0.1",
    "127.0.0.256",
    "127.0.0.1.example",
    "1127.0.0.1",
    "127.1",
    "::ffff:192.0.2.7",
    "::ffff:::1",
    "localhost",
    "",
    "127.0.0.1\n",
  ];
  for (const address of others) {
    it(`does not take ${JSON.stringify(address)} for loopback`, () => {
      assert.equal(isLoopback(address), false);
    });
  }
});

describe("[G14] isLoopbackHost()", () => {
  const hosts: readonly [url: string, isLoopback: boolean][] = [
    ["http://localhost:1", true],
    ["http://LOCALHOST", true],
    ["ws://127.9.9.9", true],
    ["http://[::1]:8080", true],
    ["http://localhost.example", false],
    ["http://127.0.0.1.example", false],
    ["http://192.0.2.7", false],
    ["http://[::]", false],
  ];
  for (const [url, expected] of hosts) {
    it(`${expected ? "takes" : "does not take"} ${url} for this machine`, () => {
      assert.equal(isLoopbackHost(new URL(url).hostname), expected);
    });
  }
});
