import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLoopback } from "../../src/lib/loopback.ts";

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
    it(`does not take ${JSON.stringify(address)} for it`, () => {
      assert.equal(isLoopback(address), false);
    });
  }
});
