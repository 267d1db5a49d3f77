import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { inflateSync } from "node:zlib";
import { createEncoder, parseCompression } from "../../../simulator/gateway/compression.ts";

describe("[G8] parseCompression()", () => {
  const cases: readonly [string | null, string | undefined][] = [
    [null, "none"],
    ["", "none"],
    ["zlib-stream", "zlib-stream"],
    ["zstd-stream", "zstd-stream"],
    ["zlib", undefined],
  ];
  for (const [text, compression] of cases) {
    it(`${text} is ${compression}`, () => assert.equal(parseCompression(text), compression));
  }
});

describe("[G8] createEncoder()", () => {
  it("sends plain text at once", () => {
    const sent: (string | Uint8Array)[] = [];
    const encoder = createEncoder("none", (data) => sent.push(data));
    encoder.write("one");
    encoder.after(() => sent.push("then"));
    assert.deepEqual(sent, ["one", "then"]);
  });

  it("zlib: one frame for each payload, each ended by Discord's suffix, all one stream", async () => {
    const sent: Uint8Array[] = [];
    const encoder = createEncoder("zlib-stream", (data) => {
      if (typeof data !== "string") sent.push(data);
    });
    const texts = ["one", "two", "x".repeat(200_000), ""];
    for (const text of texts.slice(0, 3)) encoder.write(text);
    await new Promise<void>((resolve) => encoder.after(resolve));
    encoder.stop();
    assert.equal(sent.length, 3);
    for (const frame of sent) {
      assert.deepEqual([...frame.subarray(-4)], [0x00, 0x00, 0xff, 0xff]);
    }
    const whole = inflateSync(Buffer.concat(sent), { finishFlush: 2 }); // Z_SYNC_FLUSH: it has no end
    assert.equal(whole.toString(), texts.join(""));
  });

  it("sends nothing after stop()", async () => {
    const sent: unknown[] = [];
    const encoder = createEncoder("zlib-stream", (data) => sent.push(data));
    encoder.write("one");
    encoder.stop();
    encoder.after(() => sent.push("late"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sent, []);
  });
});
