import assert from "node:assert/strict";
import { endianness } from "node:os";
import { describe, it } from "node:test";
import { isListener, listenerName, type TcpTables } from "../../../src/host/locks/tcp_listener.ts";
import { skipUnless } from "../../support/skip.ts";

const TCP =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 501 1
   1: 0100007F:2253 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 502 1
   2: 00000000:2254 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 503 1
   3: 0200007F:2254 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 504 1
   4: 0100007F:2255 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 505 1
   5: 0100007F:2255 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 506 1
`;
const TCP6 =
  `  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 00000000000000000000000001000000:2253 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 511 1
   1: 00000000000000000000000000000000:2256 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 512 1
   2: B80D0120000000000000000001000000:2257 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 513 1
`;

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

function tables(files: readonly string[], change: Partial<TcpTables> = {}): TcpTables {
  return {
    sockets: (family) => family === "tcp" ? TCP : TCP6,
    filesOf: () => files,
    uidOf: () => 1000,
    ...change,
  };
}

const CASES: readonly (readonly [
  what: string,
  address: string,
  files: readonly string[],
  expected: boolean | undefined,
])[] = [
  ["its own socket", "127.0.0.1:8787", ["/dev/null", "socket:[501]"], true],
  ["a socket of another process", "127.0.0.1:8787", ["socket:[511]"], false],
  ["an accepted connection", "127.0.0.1:8787", ["socket:[502]"], false],
  ["every IPv4 address", "127.0.0.1:8788", ["socket:[503]"], true],
  [
    "every IPv4 address, but another process has this one",
    "127.0.0.2:8788",
    ["socket:[503]"],
    false,
  ],
  ["an address that another process shares", "127.0.0.1:8789", ["socket:[505]"], false],
  ["loopback of IPv6", "[::1]:8787", ["socket:[511]"], true],
  ["every IPv6 address", "127.0.0.1:8790", ["socket:[512]"], true],
  ["a global IPv6 address", "[2001:db8::1]:8791", ["socket:[513]"], true],
  ["a port without listener", "127.0.0.1:9999", ["socket:[501]"], undefined],
];

describe(
  "[O7] isListener()",
  skipUnless(endianness() === "LE", "the tables here are little-endian"),
  () => {
    for (const [what, address, files, expected] of CASES) {
      it(`${expected} for ${what}`, () => {
        assert.equal(isListener(12, address, tables(files)), expected);
      });
    }

    it("false for a process that has ended", () => {
      const gone = tables([], { filesOf: failing("ENOENT") });
      assert.equal(isListener(12, "127.0.0.1:8787", gone), false);
    });

    it("compares the user if it may not see the open files", () => {
      const hidden = tables([], { filesOf: failing("EACCES") });
      assert.equal(isListener(12, "127.0.0.1:8787", hidden), true);
      assert.equal(isListener(12, "127.0.0.2:8788", hidden), false);
    });

    it("undefined without /proc; a machine without IPv6 has only one table", () => {
      const none = tables([], { sockets: failing("ENOENT") });
      assert.equal(isListener(12, "127.0.0.1:8787", none), undefined);
      const v4 = tables(["socket:[501]"], {
        sockets: (family) => family === "tcp" ? TCP : failing("ENOENT")(),
      });
      assert.equal(isListener(12, "127.0.0.1:8787", v4), true);
    });
  },
);

describe(
  "[O1] listenerName()",
  skipUnless(endianness() === "LE", "the tables here are little-endian"),
  () => {
    const named = (files: Readonly<Record<number, readonly string[]>>) => ({
      ...tables([]),
      filesOf: (pid: number) => files[pid] ?? failing("EACCES")(),
      pids: () => [1, 7, 9],
      nameOf: (pid: number) => pid === 9 ? "node" : "init",
    });

    it("names the program and its process", () => {
      assert.equal(listenerName(8_787, named({ 7: [], 9: ["socket:[501]"] })), "node (pid 9)");
    });

    it("names the user if the files of the process are hidden", () => {
      assert.equal(listenerName(8_787, named({})), "a process of user 1000");
    });

    it("names none if no process listens, or there are no tables", () => {
      assert.equal(listenerName(9_999, named({})), undefined);
      const without = { ...named({}), sockets: failing("ENOENT") };
      assert.equal(listenerName(8_787, without), undefined);
    });
  },
);
