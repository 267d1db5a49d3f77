import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditPermissions, type FileFacts } from "../../../src/config/checks/permissions.ts";

const OWN: FileFacts = {
  path: "/etc/barnacle/config.jsonc",
  mode: 0o600,
  uid: 1000,
  gid: 1000,
  self: { uid: 1000, gid: 1000 },
  holdsSecret: true,
  isConfig: true,
};

describe("[C8] [SEC-R11] auditPermissions()", () => {
  const cases: readonly (readonly [
    name: string,
    facts: Partial<FileFacts>,
    severities: readonly string[],
  ])[] = [
    ["a private file", {}, []],
    ["a private file of root", { uid: 0, gid: 0 }, []],
    ["a file that its own group reads", { mode: 0o640 }, []],
    ["a file that its own group writes", { mode: 0o660 }, []],
    ["a secret that another group reads", { mode: 0o640, gid: 50 }, ["warning"]],
    ["root's file that root lets a group read", {
      mode: 0o640,
      uid: 0,
      gid: 50,
      self: { uid: 0, gid: 0 },
    }, []],
    ["root's file that every user can read", {
      mode: 0o644,
      uid: 0,
      gid: 50,
      self: { uid: 0, gid: 0 },
    }, ["warning"]],
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
    it(`says ${severities.join(" and ") || "nothing"} of ${name}`, () => {
      const found = auditPermissions({ ...OWN, ...facts });
      assert.deepEqual(found.map(({ severity }) => severity), severities);
      for (const { hint } of found) assert.match(hint ?? "", /^ch(?:mod|own) /);
    });
  }
});

describe("[C8] [SEC-R11] auditPermissions() over every mode", () => {
  const SELF = 1000;
  const owners = [["self", SELF], ["root", 0], ["another", 1001]] as const;
  const groups = [["own", SELF], ["another", 50]] as const;
  const kinds = [
    { isConfig: true, holdsSecret: true },
    { isConfig: true, holdsSecret: false },
    { isConfig: false, holdsSecret: true },
  ];

  /** The specification's paragraph, word for word. */
  function expected(mode: number, uid: number, gid: number, kind: typeof kinds[number]): object {
    const [, group = 0, others = 0] = mode.toString(8).padStart(3, "0").split("").map(Number);
    const isForeignGroup = gid !== SELF;
    const othersRead = others !== 0 || (isForeignGroup && [4, 5, 6, 7].includes(group));
    const othersWrite = [2, 3, 6, 7].includes(others) ||
      (isForeignGroup && [2, 3, 6, 7].includes(group));
    const isStrangers = uid !== 0 && uid !== SELF;
    return {
      errors: kind.isConfig ? Number(isStrangers) + Number(othersWrite) : 0,
      warnings: Number(kind.holdsSecret && othersRead),
    };
  }

  for (const [owner, uid] of owners) {
    for (const [group, gid] of groups) {
      it(`holds for 512 modes of a file of ${owner}, with ${group} group`, () => {
        for (const kind of kinds) {
          for (let mode = 0; mode <= 0o777; mode += 1) {
            const found = auditPermissions({ ...OWN, ...kind, mode, uid, gid });
            const count = (severity: string) =>
              found.filter((problem) => problem.severity === severity).length;
            assert.deepEqual(
              { errors: count("error"), warnings: count("warning") },
              expected(mode, uid, gid, kind),
              `mode ${mode.toString(8)}, ${JSON.stringify(kind)}`,
            );
          }
        }
      });
    }
  }
});
