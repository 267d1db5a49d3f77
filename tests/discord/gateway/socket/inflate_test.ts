import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import zlib from "node:zlib";
import { createInflater } from "../../../../src/discord/gateway/socket/socket.ts";

async function frames(texts: readonly string[]): Promise<Buffer[]> {
  const stream = zlib.createDeflate();
  const flush = zlib.constants.Z_SYNC_FLUSH;
  const done: Buffer[] = [];
  let parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => void parts.push(part));
  for (const text of texts) {
    await new Promise<void>((resolve) =>
      stream.write(text, () => stream.flush(flush, () => resolve()))
    );
    done.push(Buffer.concat(parts));
    parts = [];
  }
  stream.destroy();
  return done;
}

/** Resolves with the texts once there are `count`. Deno reports errors only after the write. */
function inflate(all: readonly Buffer[], count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const texts: string[] = [];
    const inflater = createInflater({
      onText: (text) => void texts.push(text),
      onIdle() {
        if (texts.length < count) return;
        inflater.close();
        resolve(texts);
      },
      onError: reject,
    });
    for (const frame of all) inflater.push(frame);
  });
}

describe("[G8] createInflater()", () => {
  it("keeps 2,000 frames pushed at once whole and in order", async () => {
    const texts = Array.from(
      { length: 2_000 },
      (_, i) => `{"s":${i},"d":"${"x".repeat(i % 300)}"}`,
    );
    assert.deepEqual(await inflate(await frames(texts), 2_000), texts);
  });

  it("decompresses a text of 3 MB", async () => {
    const text = JSON.stringify(Array.from({ length: 300_000 }, (_, i) => i * 7919));
    const all = ["{}", text, "{}"];
    assert.deepEqual(await inflate(await frames(all), 3), all);
  });

  it("reports invalid data once", async () => {
    await assert.rejects(inflate([Buffer.from("not a compressed stream")], 9));
  });

  it("waits for the rest of a message in two frames", async () => {
    const [first, second] = await frames(["{}", '{"op":11}']);
    const halves = [second!.subarray(0, 3), second!.subarray(3)];
    assert.deepEqual(await inflate([first!, ...halves], 2), ["{}", '{"op":11}']);
  });

  const MIB = 1 << 20;
  const raw = (bytes: Buffer) =>
    zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  /** A block with one byte, which ends no message. */
  const BLOCK = Buffer.from([0, 1, 0, 0xfe, 0xff, 0x78]);
  const HEAD = Buffer.from([0x78, 0x9c]);

  it("[SEC-R25] accepts a message of 15 MiB, and reports one of 17", async () => {
    const [short, long] = [15, 17].map((size) => JSON.stringify("x".repeat(size * MIB)));
    const all = await frames([short ?? "", "{}"]);
    assert.deepEqual(await inflate(all, 2), [short, "{}"]);
    const tooLong = await frames([long ?? ""]);
    await assert.rejects(inflate(tooLong, 1), /longer than 16 MiB/);
  });

  it("[SEC-R25] reports a bomb before it is decompressed", async () => {
    const bomb = Buffer.concat([HEAD, ...Array<Buffer>(64).fill(raw(Buffer.alloc(16 * MIB)))]);
    assert.ok(bomb.length < 2 * MIB);
    await assert.rejects(inflate([bomb], 1), /longer than 16 MiB/);
  });

  it("[SEC-R25] reports a message of too many frames, or too many compressed bytes", async () => {
    const tiny = [HEAD, ...Array<Buffer>(5_000).fill(BLOCK)];
    await assert.rejects(inflate(tiny, 1), /longer than 16 MiB/);
    const empty = Buffer.concat(Array<Buffer>(100_000).fill(Buffer.from([0, 0, 0, 0xff, 0xff])));
    const nothing = [HEAD, ...Array<Buffer>(40).fill(Buffer.concat([empty, BLOCK]))];
    await assert.rejects(inflate(nothing, 1), /longer than 16 MiB/);
  });
});
