import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { readSyscalls } from "./syscall_log.ts";

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

const FILE = hex("/data/barnacle.db");
const LINK = "TCP:[127.0.0.1:50058->127.0.0.1:43483]";
const link = { name: "127.0.0.1:50058->127.0.0.1:43483", remotePort: 43_483 };

describe("readSyscalls()", () => {
  const rows: readonly (readonly [string, string, readonly object[]])[] = [
    ["a page", `7 pwrite64(9<${FILE}>, "${hex("ab")}", 2, 4096) = 2`, [
      { kind: "write", path: "/data/barnacle.db", at: 4_096, data: Buffer.from("ab") },
    ]],
    ["a short write", `7 pwrite64(9<${FILE}>, "${hex("ab")}", 2, 0) = 1`, [
      { kind: "write", path: "/data/barnacle.db", at: 0, data: Buffer.from("a") },
    ]],
    ["a sync", `7 fdatasync(9<${FILE}>) = 0`, [{ kind: "sync", path: "/data/barnacle.db" }]],
    ["a truncation", `7 ftruncate(9<${FILE}>, 24) = 0`, [
      { kind: "truncate", path: "/data/barnacle.db", size: 24 },
    ]],
    [
      "a new file",
      `7 openat(AT_FDCWD<${hex("/")}>, "${FILE}", O_RDWR|O_CREAT, 0600) = 9<${FILE}>`,
      [{ kind: "create", path: "/data/barnacle.db" }],
    ],
    ["a file that is only read", `7 openat(AT_FDCWD<2>, "${FILE}", O_RDONLY) = 9<${FILE}>`, []],
    ["the end of a file", `7 unlink("${FILE}") = 0`, [
      { kind: "unlink", path: "/data/barnacle.db" },
    ]],
    ["a request", `7 sendto(18<${LINK}>, "${hex("GET")}", 3, MSG_NOSIGNAL, NULL, 0) = 3`, [
      { kind: "sent", link, data: Buffer.from("GET") },
    ]],
    [
      "a request in pieces",
      `7 writev(18<${LINK}>, [{iov_base="${hex("GE")}", iov_len=2}, {iov_base="${
        hex("T")
      }", iov_len=1}], 2) = 3`,
      [{ kind: "sent", link, data: Buffer.from("GET") }],
    ],
    ["a look that takes nothing", `7 recvfrom(18<${LINK}>, "${hex("a")}", 1, MSG_PEEK) = 1`, []],
    ["a call that failed", `7 sendto(18<${LINK}>, "${hex("a")}", 1, 0) = -1 EPIPE (Broken)`, []],
    ["a line of the log", `7 write(1<${hex("pipe:[1]")}>, "${hex("a")}", 1) = 1`, []],
    ["the end of a thread", "7 +++ exited with 0 +++", []],
  ];
  for (const [title, line, expected] of rows) {
    it(title, () => assert.deepEqual(readSyscalls(line), expected));
  }

  it("places sent bytes at the beginning of a call, and a sync at its end", () => {
    const log = [
      `1 fsync(9<${FILE}> <unfinished ...>`,
      `2 sendto(18<${LINK}>, "${hex("GET")}", 3, 0, NULL, 0 <unfinished ...>`,
      `1 <... fsync resumed>) = 0`,
      `2 <... sendto resumed>) = 3`,
    ].join("\n");
    assert.deepEqual(readSyscalls(log).map(({ kind }) => kind), ["sent", "sync"]);
  });

  it("refuses a log with missing bytes", () => {
    const line = `7 pwrite64(9<${FILE}>, "${hex("ab")}"..., 4096, 0) = 4096`;
    assert.throws(() => readSyscalls(line), /raise its -s/);
  });
});
