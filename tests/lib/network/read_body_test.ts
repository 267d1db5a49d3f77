import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBody } from "../../../src/lib/network/read_body.ts";

const tooLarge = () => new Error("too large");

describe("readBody()", () => {
  it("reads all pieces in order", async () => {
    const { body } = new Response("low tide");
    assert.equal(new TextDecoder().decode(await readBody(body, 8, tooLarge)), "low tide");
  });

  it("reads no body as nothing", async () => {
    assert.equal((await readBody(null, 8, tooLarge)).length, 0);
  });

  it("ends a longer body at once, and cancels it", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => void (isCancelled = true),
    });
    await assert.rejects(readBody(endless, 25, tooLarge), { message: "too large" });
    assert.ok(isCancelled);
  });
});
