import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import {
  holdsSocket,
  isHeldByUser,
  namesListenedOn,
  openFilesOf,
  type SocketTables,
} from "../../../src/host/locks/socket_holder.ts";

const TABLE = `Num       RefCount Protocol Flags    Type St Inode Path
000000007841ce4f: 00000002 00000000 00010000 0001 01 635990 @barnacle-1
000000007841ce50: 00000003 00000000 00000000 0001 03 635991 @barnacle-1
000000007841ce51: 00000002 00000000 00010000 0001 01 635992 /run/barnacle-1
000000007841ce52: 00000002 00000000 00010000 0001 01 635993 @barnacle-12
000000007841ce53: 00000003 00000000 00000000 0001 03 635994
`;

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

function tables(files: readonly string[]): SocketTables {
  return { sockets: () => TABLE, filesOf: () => files, pidsOf: () => [12] };
}

describe("[G11] holdsSocket()", () => {
  it("finds the listening process by its open file", () => {
    assert.equal(holdsSocket(12, "barnacle-1", tables(["/dev/null", "socket:[635990]"])), true);
  });

  const OTHERS: readonly (readonly [who: string, files: readonly string[]])[] = [
    ["with no socket", ["/dev/null", "pipe:[635990]"]],
    ["that has only connected to it", ["socket:[635991]"]],
    ["with a socket at a path of that name", ["socket:[635992]"]],
    ["with a name that only begins so", ["socket:[635993]"]],
    ["with a number that only begins so", ["socket:[6359901]"]],
  ];
  for (const [who, files] of OTHERS) {
    it(`does not accept a process ${who}`, () => {
      assert.equal(holdsSocket(12, "barnacle-1", tables(files)), false);
    });
  }

  it("does not accept a process that has ended", () => {
    const gone = { ...tables([]), filesOf: failing("ENOENT") };
    assert.equal(holdsSocket(12, "barnacle-1", gone), false);
  });

  it("returns undefined for another user's process, and without /proc", () => {
    const others = { ...tables([]), filesOf: failing("EACCES") };
    assert.equal(holdsSocket(12, "barnacle-1", others), undefined);
    const none = { ...tables([]), sockets: failing("ENOENT") };
    assert.equal(holdsSocket(12, "barnacle-1", none), undefined);
  });
});

describe("[O1] openFilesOf()", { skip: process.platform !== "linux" }, () => {
  it("lists the files, and leaves out one that was closed meanwhile", () => {
    assert.ok(openFilesOf(process.pid).length > 2);
    assert.deepEqual(openFilesOf(process.pid, failing("ENOENT")), []);
  });

  it("does not take a process with hidden files for one without files", () => {
    assert.throws(() => openFilesOf(process.pid, failing("EACCES")), { code: "EACCES" });
  });
});

describe("[G11] isHeldByUser()", () => {
  const pidsOf = (uid: number) => uid === 7 ? [3, 12] : [3];
  const listing: SocketTables = {
    ...tables([]),
    filesOf: (pid) => pid === 12 ? ["socket:[635990]"] : [],
    pidsOf,
  };

  it("looks through all processes of the user, and no others", () => {
    assert.equal(isHeldByUser(7, "barnacle-1", listing), true);
    assert.equal(isHeldByUser(8, "barnacle-1", listing), false);
    assert.equal(isHeldByUser(undefined, "barnacle-1", listing), false);
  });

  it("is false without /proc", () => {
    assert.equal(isHeldByUser(7, "barnacle-1", { ...listing, pidsOf: failing("ENOENT") }), false);
  });
});

describe("[X2] namesListenedOn()", () => {
  it("lists each matching name once, without clients and paths", () => {
    const twice = `${TABLE}0: 00000002 00000000 00010000 0001 01 635999 @barnacle-1\n`;
    const names = namesListenedOn(/^barnacle-\d$/, { sockets: () => twice });
    assert.deepEqual(names, ["barnacle-1"]);
  });

  it("lists none without /proc", () => {
    assert.deepEqual(namesListenedOn(/x/, { sockets: failing("ENOENT") }), []);
  });
});
