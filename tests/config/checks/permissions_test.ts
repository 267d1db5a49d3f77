import assert from "node:assert/strict";
import { it } from "node:test";
import { auditPermissions, type FileFacts } from "../../../src/config/checks/permissions.ts";

const ROOT = { uid: 0, gid: 0 };
const OWN: FileFacts = {
  path: "/etc/barnacle/config.jsonc",
  mode: 0o600,
  uid: 1000,
  gid: 1000,
  self: { uid: 1000, gid: 1000 },
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
