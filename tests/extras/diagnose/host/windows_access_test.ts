/** Tests who may read a folder on Windows, from access lists as `icacls /save` writes them. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { checkAccess, strangersIn } from "../../../../src/extras/diagnose/host/windows_access.ts";

const OWN = "S-1-5-21-1004336348-1177238915-682003330-1001";
const OTHER = "S-1-5-21-1004336348-1177238915-682003330-1002";
const PRIVATE = `D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;${OWN})`;

describe("[X2] strangersIn()", () => {
  const LISTS:
    readonly (readonly [what: string, sddl: string, names: readonly string[] | undefined])[] = [
      ["a folder of a profile", `data\r\n${PRIVATE}\r\n`, []],
      ["one that everyone may read", `${PRIVATE}(A;OICI;0x1200a9;;;WD)`, ["everyone"]],
      ["one below C:\\", `${PRIVATE}(A;OICIID;FR;;;BU)(A;ID;FA;;;AU)`, [
        "all users of this machine",
        "each account that can log on",
      ]],
      ["one of a second person, twice", `D:(A;;FA;;;${OTHER})(A;OICI;FR;;;${OTHER})`, [OTHER]],
      ["entries for new files only", `${PRIVATE}(A;OICIIO;FA;;;BU)(A;OICIIO;GA;;;CO)`, []],
      ["a refusal", `D:(D;OICI;FA;;;WD)(A;OICI;FA;;;${OWN})`, []],
      ["no list, which allows all", "D:NO_ACCESS_CONTROL", ["everyone"]],
      ["an empty list", "D:P", []],
      ["another text", "Successfully processed 1 files", undefined],
      ["nothing", "", undefined],
    ];
  for (const [what, sddl, names] of LISTS) {
    it(`reads ${what}`, () => assert.deepEqual(strangersIn(sddl, OWN), names));
  }
});

describe("[X2] checkAccess()", () => {
  /** A Windows whose folder has this list. */
  const windows = (sddl: string, sid = OWN) => (file: string, args: readonly string[]) => {
    const [, , saved = ""] = args;
    if (file === "icacls") writeFileSync(saved, `data\r\n${sddl}\r\n`, "utf16le");
    return Promise.resolve(file === "whoami" ? `"pc\\ada","${sid}"\r\n` : "");
  };

  it("passes for a private folder", async () => {
    const { status, id } = await checkAccess("C:\\data", windows(PRIVATE));
    assert.deepEqual([id, status], ["host.access", "pass"]);
  });

  it("names others, and the command that keeps them out", async () => {
    const found = await checkAccess("C:\\my data", windows(`${PRIVATE}(A;;FR;;;BU)`));
    assert.equal(found.status, "warn");
    assert.equal(found.why, "others may use C:\\my data: all users of this machine");
    assert.match(found.fix ?? "", /^icacls "C:\\my data" \/inheritance:r /);
  });

  it("says so if Windows does not tell", async () => {
    const failing = () => Promise.reject(new Error("no icacls"));
    for (const run of [failing, windows("nothing"), windows(PRIVATE, "none")]) {
      assert.equal((await checkAccess("C:\\data", run)).status, "skipped");
    }
  });
});
