import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBody, readPieces, type WholeBody } from "../../../src/lib/network/read_body.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";

const { signal } = new AbortController();
const upTo = (maxBytes: number): WholeBody => ({
  maxBytes,
  tooLarge: () => new Error("too large"),
  signal,
});

/** A body that never ends. */
function createEndless() {
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (isCancelled = true),
  });
  return { stream, isCancelled: () => isCancelled };
}

describe("readBody()", () => {
  it("reads all pieces in order", async () => {
    const { body } = new Response("low tide");
    assert.equal(new TextDecoder().decode(await readBody(body, upTo(8))), "low tide");
  });

  it("reads no body as nothing", async () => {
    assert.equal((await readBody(null, upTo(8))).length, 0);
  });

  it("ends a longer body at once, and cancels it", async () => {
    const { stream, isCancelled } = createEndless();
    await assert.rejects(readBody(stream, upTo(25)), { message: "too large" });
    assert.ok(isCancelled());
  });
});

describe("readPieces()", () => {
  it("cancels the body once it has enough", async () => {
    const { stream, isCancelled } = createEndless();
    let bytes = 0;
    await readPieces(stream, signal, (piece) => {
      bytes += piece.length;
      return bytes < 25;
    });
    assert.equal(bytes, 30);
    assert.ok(isCancelled());
  });

  for (const beginning of ["", "low "]) {
    it(`ends with the signal's reason, even if the body after "${beginning}" ignores it`, async () => {
      const { stream, isCancelled } = createSilentBody(beginning);
      const stop = new AbortController();
      const reading = readPieces(stream, stop.signal, () => {});
      setTimeout(() => stop.abort(new Error("enough")));
      await assert.rejects(reading, { message: "enough" });
      assert.ok(isCancelled());
    });
  }

  it("reads nothing after an abort", async () => {
    const { stream, isCancelled } = createEndless();
    const reading = readPieces(stream, AbortSignal.abort(new Error("enough")), () => assert.fail());
    await assert.rejects(reading, { message: "enough" });
    assert.ok(isCancelled());
  });

  it("passes on the error of a broken connection", async () => {
    const stream = new ReadableStream({ pull: () => Promise.reject(new Error("reset")) });
    await assert.rejects(readPieces(stream, signal, () => {}), { message: "reset" });
  });
});
