import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPrivateHost } from "../../../src/lib/network/private_host.ts";

describe("[SEC-R9] isPrivateHost()", () => {
  const cases: readonly [hostname: string, isPrivate: boolean][] = [
    ["localhost", true],
    ["127.0.0.1", true],
    ["[::1]", true],
    ["10.1.2.3", true],
    ["172.16.0.1", true],
    ["172.32.0.1", false],
    ["192.168.178.20", true],
    ["100.100.1.1", true],
    ["169.254.1.1", true],
    ["[fd00::1]", true],
    ["[fe80::1]", true],
    ["[2001:db8::1]", false],
    ["8.8.8.8", false],
    ["ollama", true],
    ["server.lan", true],
    ["box.home.arpa", true],
    ["api.example.org", false],
    ["10.example.org", false],
  ];
  for (const [hostname, isPrivate] of cases) {
    it(`${hostname}: ${isPrivate}`, () => assert.equal(isPrivateHost(hostname), isPrivate));
  }
});
