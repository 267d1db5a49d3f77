import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostOf, portOf } from "../../../src/lib/network/url_address.ts";

describe("[G15] hostOf() and portOf()", () => {
  const rows: readonly [url: string, host: string, port: number][] = [
    ["https://discord.com/api", "discord.com", 443],
    ["wss://gateway.discord.gg/?v=10", "gateway.discord.gg", 443],
    ["http://192.0.2.7", "192.0.2.7", 80],
    ["ws://localhost", "localhost", 80],
    ["ws://localhost:443", "localhost", 443],
    ["https://[::1]:8443", "::1", 8443],
    ["http://[2001:db8::1]/", "2001:db8::1", 80],
  ];
  for (const [url, host, port] of rows) {
    it(`find ${host}, port ${port} in ${url}`, () => {
      assert.equal(hostOf(new URL(url)), host);
      assert.equal(portOf(new URL(url)), port);
    });
  }
});
