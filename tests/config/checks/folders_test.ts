import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditFolders, type FolderFacts } from "../../../src/config/checks/permissions.ts";

const FILE = "/etc/barnacle/config.jsonc";
const SELF = { uid: 1000, gid: 1000 };
const OWN: FolderFacts = {
  path: "/etc/barnacle",
  mode: 0o40700,
  uid: 1000,
  gid: 1000,
  isDirect: true,
};
const ABOVE: FolderFacts = { ...OWN, path: "/etc", isDirect: false };

describe("[SEC-R11] auditFolders()", () => {
  const cases: readonly (readonly [string, FolderFacts, readonly string[]])[] = [
    ["a private folder", OWN, []],
    ["a folder of root", { ...OWN, uid: 0, gid: 0, mode: 0o40755 }, []],
    ["a folder that its own group writes", { ...OWN, mode: 0o40770 }, []],
    ["a folder that another group reads", { ...OWN, gid: 50, mode: 0o40750 }, []],
    ["a folder that another group writes", { ...OWN, gid: 50, mode: 0o40770 }, ["error"]],
    ["a folder that every user writes", { ...OWN, mode: 0o40777 }, ["error"]],
    ["a folder of another user", { ...OWN, uid: 1001 }, ["error"]],
    ["a folder of another user that every user writes", { ...OWN, uid: 1001, mode: 0o40707 }, [
      "error",
      "error",
    ]],
    ["a sticky folder that every user writes", { ...OWN, uid: 0, mode: 0o41777 }, ["warning"]],
    ["a sticky folder of another user", { ...OWN, uid: 1001, mode: 0o41777 }, ["error", "warning"]],
    ["a sticky folder that another group writes", { ...OWN, gid: 50, mode: 0o41770 }, ["warning"]],
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
    assert.equal(auditFolders(FILE, [{ ...OWN, ...open }, { ...ABOVE, ...open }], SELF).length, 2);
  });
});
