import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { abortableResponse } from "../../../src/lib/network/abortable_response.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";

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
