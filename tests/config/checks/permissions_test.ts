import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  auditFolders,
  auditPermissions,
  type FileFacts,
  type FolderFacts,
} from "../../../src/config/checks/permissions.ts";

const FILE = "/etc/barnacle/config.jsonc";
const SELF = { uid: 1000, gid: 1000 };
const ROOT = { uid: 0, gid: 0 };
const OWN: FileFacts = {
  path: FILE,
  mode: 0o600,
  uid: 1000,
  gid: 1000,
  self: SELF,
  holdsSecret: true,
  isConfig: true,
};

const cases: readonly (readonly [string, Partial<FileFacts>, readonly string[]])[] = [
  ["a private file", {}, []],
  ["a private file of root", { uid: 0, gid: 0 }, []],
  ["a file that its own group reads", { mode: 0o640 }, []],
  ["a file that its own group writes", { mode: 0o660 }, []],
  ["a secret that another group reads", { mode: 0o640, gid: 50 }, ["warning"]],
  ["root's, read by a group", { mode: 0o640, uid: 0, gid: 50, self: ROOT }, []],
  ["root's, read by all", { mode: 0o644, uid: 0, gid: 50, self: ROOT }, ["warning"]],
  ["root's file that another group reads", { mode: 0o640, uid: 0, gid: 50 }, ["warning"]],
  ["a secret that every user can read", { mode: 0o604 }, ["warning"]],
  ["a secret that every user can search", { mode: 0o601 }, ["warning"]],
  ["a file without a secret that every user can read", { mode: 0o644, holdsSecret: false }, []],
  ["a file that every user can write", { mode: 0o602, holdsSecret: false }, ["error"]],
  ["a secret that every user can write", { mode: 0o666 }, ["error", "warning"]],
  ["a file that another group writes", { mode: 0o620, gid: 50 }, ["error"]],
  ["a file of another user", { uid: 1001 }, ["error"]],
  ["a secret file of another user, which is not the config", { uid: 1001, isConfig: false }, []],
  ["bits above the permissions", { mode: 0o100600 }, []],
];
for (const [name, facts, severities] of cases) {
  it(`[C8] [SEC-R11] auditPermissions() › says ${severities.join(" and ") || "nothing"} of ${name}`, () => {
    const found = auditPermissions({ ...OWN, ...facts });
    assert.deepEqual(found.map(({ severity }) => severity), severities);
    for (const { hint } of found) assert.match(hint ?? "", /^ch(?:mod|own) /);
  });
}

const FOLDER: FolderFacts = {
  path: "/etc/barnacle",
  mode: 0o40700,
  uid: 1000,
  gid: 1000,
  isDirect: true,
};
const ABOVE: FolderFacts = { ...FOLDER, path: "/etc", isDirect: false };

describe("[SEC-R11] auditFolders()", () => {
  const cases: readonly (readonly [string, FolderFacts, readonly string[]])[] = [
    ["a private folder", FOLDER, []],
    ["a folder of root", { ...FOLDER, uid: 0, gid: 0, mode: 0o40755 }, []],
    ["a folder that its own group writes", { ...FOLDER, mode: 0o40770 }, []],
    ["a folder that another group reads", { ...FOLDER, gid: 50, mode: 0o40750 }, []],
    ["a folder that another group writes", { ...FOLDER, gid: 50, mode: 0o40770 }, ["error"]],
    ["a folder that every user writes", { ...FOLDER, mode: 0o40777 }, ["error"]],
    ["a folder of another user", { ...FOLDER, uid: 1001 }, ["error"]],
    ["a folder of another user that every user writes", { ...FOLDER, uid: 1001, mode: 0o40707 }, [
      "error",
      "error",
    ]],
    ["a sticky folder that every user writes", { ...FOLDER, uid: 0, mode: 0o41777 }, ["warning"]],
    ["a sticky folder of another user", { ...FOLDER, uid: 1001, mode: 0o41777 }, [
      "error",
      "warning",
    ]],
    ["a sticky folder that another group writes", { ...FOLDER, gid: 50, mode: 0o41770 }, [
      "warning",
    ]],
    ["a folder above that every user writes", { ...ABOVE, mode: 0o40777 }, ["error"]],
    ["a sticky folder above that every user writes", { ...ABOVE, mode: 0o41777 }, []],
    ["a folder above that a trusted group writes", { ...ABOVE, gid: 50, mode: 0o42775 }, []],
    ["a folder above of another user", { ...ABOVE, uid: 65_534, mode: 0o40755 }, []],
  ];
  for (const [name, folder, severities] of cases) {
    it(`reports ${severities.join(" and ") || "nothing"} of ${name}`, () => {
      const problems = auditFolders(FILE, [folder], SELF);
      assert.deepEqual(problems.map(({ severity }) => severity), severities);
      for (const { file, message, hint } of problems) {
        assert.equal(file, FILE);
        assert.ok(message.includes(folder.path), message);
        assert.match(hint ?? "", /^(?:ch(?:mod|own) .* or --insecure-permissions|move the config)/);
      }
    });
  }

  it("reports each folder", () => {
    const open = { mode: 0o40777 };
    assert.equal(
      auditFolders(FILE, [{ ...FOLDER, ...open }, { ...ABOVE, ...open }], SELF).length,
      2,
    );
  });
});
