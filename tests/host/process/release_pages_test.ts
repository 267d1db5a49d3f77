import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { loadReleasePages } from "../../../src/host/process/release_pages.ts";

/** Kilobytes of this program's code in memory. */
function codeKb(): number {
  const path = readlinkSync("/proc/self/exe");
  const mappings = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-)/m);
  const code = mappings.find((text) =>
    /^\S+ r-xp/.test(text) && text.split("\n")[0]?.endsWith(path)
  );
  return Number(/^Rss: +(\d+) kB/m.exec(code ?? "")?.[1]);
}

describe("loadReleasePages()", () => {
  it("gives pages of the program's code back, and the program goes on", {
    skip: process.platform !== "linux" && "only Linux has /proc",
  }, async () => {
    const release = await loadReleasePages();
    const before = codeKb();
    release();
    const after = codeKb();
    assert.ok(after < before, `${after} kB after ${before} kB`);
    release();
  });
});
