/** Tests `barnacle secret set` without a terminal; `tests/release/cli/setup_test.ts` has one. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setSecret } from "../../../src/features/setup/files.ts";
import { recordingIo } from "../../cli/io.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";

describe("[C5] barnacle secret set", () => {
  it("writes a file that only its owner reads, replaces it, and keeps no copy", async () => {
    const { flags, data } = createDataFixture({});
    const folder = join(data, "credentials");
    for (const text of ["first-of-two-secrets\n", "Bearer second\n"]) {
      const io = recordingIo({});
      assert.equal(await setSecret(flags, "home", io, () => Promise.resolve(text)), 0);
      assert.equal(readFileSync(join(folder, "home"), "utf8"), text);
      assert.ok(![...io.stdout, ...io.stderr].join().includes(text.trim()));
    }
    assert.deepEqual(readdirSync(folder), ["home"]);
    const modes = [folder, join(folder, "home")].map((path) => statSync(path).mode & 0o777);
    assert.deepEqual(modes, [0o700, 0o600]);
    removeDataFixtures();
  });

  const REFUSED: readonly (readonly [name: string, text: string])[] = [
    ["../home", "a-secret"],
    [".hidden", "a-secret"],
    ["a b", "a-secret"],
    ["home", " \n"],
    ["home", "two\nlines"],
  ];
  for (const [name, text] of REFUSED) {
    it(`refuses ${JSON.stringify(text)} as ${name}`, async () => {
      const { flags, data } = createDataFixture({});
      const io = recordingIo({});
      assert.equal(await setSecret(flags, name, io, () => Promise.resolve(text)), 2);
      assert.deepEqual(readdirSync(data), ["config.jsonc"]);
      assert.doesNotMatch(io.stderr.join(), /a-secret/);
      removeDataFixtures();
    });
  }
});
