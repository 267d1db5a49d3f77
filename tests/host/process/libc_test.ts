import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { librariesOf, loadLibc } from "../../../src/host/process/libc.ts";

describe("loadLibc()", () => {
  it("[X1] calls functions with numbers and with bytes", async () => {
    const libc = await loadLibc({
      abs: { parameters: ["i32"], result: "i32" },
      strnlen: { parameters: ["buffer", "usize"], result: "isize" },
    });
    assert.equal(libc("abs")(-7), 7);
    assert.equal(libc("strnlen")(new TextEncoder().encode("barnacle\0more"), 100), 8);
    assert.equal(libc("strnlen")(new TextEncoder().encode("barnacle"), 3), 3);
  });

  it("[X1] fails to load if one of the functions is missing", async () => {
    const loading = loadLibc({ barnacle_has_none: { parameters: [], result: "i32" } });
    await assert.rejects(loading, { name: "LibcUnavailableError", message: /C library/ });
  });
});

const CASES: readonly (readonly [platform: string, arch: string, names: readonly string[]])[] = [
  ["linux", "x64", ["libc.so.6", "libc.musl-x86_64.so.1"]],
  ["linux", "arm64", ["libc.so.6", "libc.musl-aarch64.so.1"]],
  ["darwin", "arm64", ["libSystem.B.dylib"]],
  ["win32", "x64", ["kernel32.dll"]],
  ["aix", "ppc64", []],
];
for (const [platform, arch, names] of CASES) {
  it(`[X1] librariesOf() › names the C library of ${platform} ${arch}`, () => {
    assert.deepEqual(librariesOf(platform, arch), names);
  });
}
