import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  hostOf,
  isHomeAddress,
  isLoopback,
  isLoopbackHost,
  isPrivateHost,
  isPublicAddress,
  portOf,
} from "../../../src/lib/network/addresses.ts";

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
  it(`[G15] hostOf() and portOf() › find ${host}, port ${port} in ${url}`, () => {
    assert.equal(hostOf(new URL(url)), host);
    assert.equal(portOf(new URL(url)), port);
  });
}

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
  it(`[G14] isLoopbackHost() › ${expected ? "takes" : "does not take"} ${url} for this machine`, () => {
    assert.equal(isLoopbackHost(new URL(url).hostname), expected);
  });
}

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

describe("[SEC-R23] isPublicAddress()", () => {
  const cases: readonly [address: string, isPublic: boolean][] = [
    ["93.184.216.34", true],
    ["8.8.8.8", true],
    ["172.15.255.255", true],
    ["172.32.0.1", true],
    ["192.0.1.1", true],
    ["100.63.255.255", true],
    ["100.128.0.1", true],
    ["223.255.255.255", true],
    ["2606:4700::6810:85e5", true],
    ["2a00:1450:4001::200e", true],
    ["0.0.0.0", false],
    ["0.1.2.3", false],
    ["10.0.0.1", false],
    ["100.64.0.1", false],
    ["100.100.100.200", false],
    ["127.0.0.1", false],
    ["127.255.255.254", false],
    ["168.63.129.16", false],
    ["169.254.169.254", false],
    ["172.16.0.1", false],
    ["172.31.255.255", false],
    ["192.0.0.192", false],
    ["192.0.2.1", false],
    ["192.88.99.1", false],
    ["192.168.1.1", false],
    ["198.18.0.1", false],
    ["198.19.255.255", false],
    ["198.51.100.1", false],
    ["203.0.113.1", false],
    ["224.0.0.1", false],
    ["239.255.255.250", false],
    ["240.0.0.1", false],
    ["255.255.255.255", false],
    ["::", false],
    ["::1", false],
    ["::127.0.0.1", false],
    ["::ffff:127.0.0.1", false],
    ["::ffff:7f00:1", false],
    ["::ffff:8.8.8.8", false],
    ["::ffff:0:127.0.0.1", false],
    ["64:ff9b::7f00:1", false],
    ["64:ff9b:1::1", false],
    ["100::1", false],
    ["2001::1", false],
    ["2001:db8::1", false],
    ["2002:7f00:1::", false],
    ["3fff::1", false],
    ["5f00::1", false],
    ["fc00::1", false],
    ["fd00:ec2::254", false],
    ["fe80::1", false],
    ["fe80::1%eth0", false],
    ["2606:4700::1%eth0", false],
    ["fec0::1", false],
    ["ff02::1", false],
    ["localhost", false],
    ["2130706433", false],
    ["", false],
  ];
  for (const [address, isPublic] of cases) {
    it(`${address}: ${isPublic}`, () => assert.equal(isPublicAddress(address), isPublic));
  }
});

describe("[SEC-R23] isHomeAddress()", () => {
  const home = ["127.0.0.1", "::1", "10.0.0.8", "192.168.1.2", "fd12:3456::1", "100.64.0.1"];
  const metadata =
    "169.254.169.254 100.100.100.200 168.63.129.16 fe80::a9fe:a9fe ::ffff:a9fe:a9fe ::ffff:10.0.0.8 " +
    "fd00:ec2::254 fd00:c1::a9fe:a9fe fd00:42::42 fd20:ce::254 64:ff9b::a9fe:a9fe ::a9fe:a9fe home.lan";
  it("is that of a service at home, and never where clouds have their metadata", () => {
    assert.deepEqual([...home, ...metadata.split(" ")].filter(isHomeAddress), home);
  });
});
