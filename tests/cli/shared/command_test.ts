import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readStdin, STDIN_MAX_BYTES } from "../../../src/cli/shared/command.ts";

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(64 * 1_024);
}

describe("[R12] readStdin()", () => {
  it("reads text, also a letter that two chunks share", async () => {
    const bytes = new TextEncoder().encode("wörter");
    async function* halves(): AsyncGenerator<Uint8Array> {
      yield bytes.slice(0, 2);
      yield bytes.slice(2);
    }
    assert.equal(await readStdin(halves()), "wörter");
  });

  it("refuses an input without an end, and reads up to its bound", async () => {
    await assert.rejects(() => readStdin(endless()), { code: 2, message: /more than 1 MiB/ });
    async function* full(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(STDIN_MAX_BYTES);
    }
    assert.equal((await readStdin(full())).length, STDIN_MAX_BYTES);
  });
});
