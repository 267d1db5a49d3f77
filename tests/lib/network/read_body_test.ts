import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  abortableResponse,
  readBody,
  readPieces,
  type WholeBody,
} from "../../../src/lib/network/fetch_plain.ts";
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

describe("abortableResponse()", () => {
  const { signal } = new AbortController();

  it("keeps the head and the body", async () => {
    const headers = { "content-type": "text/x-tide" };
    const response = abortableResponse(new Response("low", { status: 201, headers }), signal);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("content-type"), "text/x-tide");
    assert.equal(await response.text(), "low");
  });

  it("returns a response without a body unchanged", () => {
    const response = new Response(null, { status: 204 });
    assert.equal(abortableResponse(response, signal), response);
  });

  it("fails a running read with the signal's reason, even if the body ignores it", async () => {
    const { stream, isCancelled } = createSilentBody("low ");
    const stop = new AbortController();
    const reading = abortableResponse(new Response(stream), stop.signal).text();
    setTimeout(() => stop.abort(new Error("enough")));
    await assert.rejects(reading, { message: "enough" });
    assert.ok(isCancelled());
  });

  it("cancels the body with its own", async () => {
    const { stream, isCancelled } = createSilentBody("low ");
    const reader = abortableResponse(new Response(stream), signal).body?.getReader();
    assert.equal((await reader?.read())?.value?.length, 4);
    await reader?.cancel();
    assert.ok(isCancelled());
  });

  it("leaves no listener on a signal that outlives the response", async () => {
    let listeners = 0;
    const watched: AbortSignal = Object.assign(Object.create(signal), {
      throwIfAborted: () => {},
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    });
    abortableResponse(new Response("unread"), watched);
    await abortableResponse(new Response("read"), watched).text();
    assert.equal(listeners, 0);
  });
});
