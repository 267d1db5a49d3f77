import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { readBootId, readPid } from "../../../src/host/process/boot.ts";

const UNIT = readFileSync(
  join(import.meta.dirname!, "..", "..", "..", "packaging", "systemd", "barnacle.service"),
  "utf8",
);

/** A `/proc` of the test's own; a file that it does not have is missing. */
function proc(files: Readonly<Record<string, string>>) {
  return (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
    return text;
  };
}

/** As the kernel writes it; field 22 is the 19th after the state. */
function stat(name: string, state: string, startTicks: string): string {
  const between = Array.from({ length: 18 }, (_, index) => index + 1).join(" ");
  return `12 (${name}) ${state} ${between} ${startTicks} 99 98 97\n`;
}

const SELF = { "/proc/self/stat": stat("x", "R", "1") };

describe("[G11] readPid()", () => {
  const CASES: readonly (readonly [name: string, files: Record<string, string>, facts: object])[] =
    [
      ["one that runs", { "/proc/12/stat": stat("barnacle", "S", "4711") }, {
        kind: "running",
        startTicks: 4711,
      }],
      ["one whose name looks like fields", { "/proc/12/stat": stat("a) Z 1 (b", "R", "4711") }, {
        kind: "running",
        startTicks: 4711,
      }],
      ["one that has ended, unasked", { "/proc/12/stat": stat("x", "Z", "4711") }, {
        kind: "gone",
      }],
      ["one that is being buried", { "/proc/12/stat": stat("x", "X", "4711") }, { kind: "gone" }],
      ["one that is not there", SELF, { kind: "gone" }],
      ["any process, without /proc", {}, { kind: "unknown" }],
      ["one of another kernel's form", { "/proc/12/stat": "12 (x) R 1 2" }, { kind: "unknown" }],
    ];
  for (const [name, files, facts] of CASES) {
    it(`recognises ${name}`, () => assert.deepEqual(readPid(12, proc(files)), facts));
  }

  it("tells this process from its child, in the same form each time", async () => {
    const child = spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    assert.ok(child.pid !== undefined);
    const own = readPid(process.pid);
    assert.equal(own.kind, "running");
    const other = readPid(child.pid);
    assert.deepEqual(readPid(child.pid), other);
    assert.notDeepEqual(other, own);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.deepEqual(readPid(child.pid), { kind: "gone" });
  });
});

describe("[G11] readBootId()", () => {
  it("reads the kernel's id, without its line break", () => {
    const path = "/proc/sys/kernel/random/boot_id";
    assert.equal(readBootId(proc({ [path]: "5f2c-1\n" })), "5f2c-1");
    assert.equal(readBootId(), readBootId());
    assert.match(readBootId() ?? "", /^[0-9a-f-]{36}$/);
  });

  it("reads the service manager's if the unit hides the kernel's", () => {
    const told = "5f2c00112233445566778899aabbccdd";
    assert.equal(readBootId(proc({}), { BARNACLE_BOOT_ID: told }), told);
    const kernel = { "/proc/sys/kernel/random/boot_id": "the kernel's" };
    assert.equal(readBootId(proc(kernel), { BARNACLE_BOOT_ID: told }), "the kernel's");
    assert.match(UNIT, /^Environment=BARNACLE_BOOT_ID=%b$/m);
  });

  it("returns nothing if neither exists, or the text is no id", () => {
    for (const told of [undefined, "", "%b", "${BOOT}", "5f2c"]) {
      assert.equal(readBootId(proc({}), { BARNACLE_BOOT_ID: told }), undefined);
    }
  });
});
