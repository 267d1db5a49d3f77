/** Tests command lines that `barnacle demo` refuses before it starts anything. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demo } from "../../../src/cli/demo/demo.ts";
import { EXIT } from "../../../src/cli/shared/exit_code.ts";
import { recordingIo } from "../io.ts";

describe("[O5] demo()", () => {
  it("refuses --config with --script, whose scenes have configs of their own", async () => {
    const io = recordingIo({});
    const flags = { config: "config.jsonc", json: false, port: 8787, script: true };
    assert.equal(await demo(flags, io), EXIT.usage);
    assert.match(io.stderr.join("\n"), /--script .+ --config/);
  });
});
