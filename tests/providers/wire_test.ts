import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { ModelError } from "../../src/core/model.ts";
import { createWire, type Wire } from "../../src/providers/wire.ts";
import { fakeFetch, restoreFetch } from "../support/model/model_server.ts";
import { createSilentBody } from "../support/network/silent_body.ts";

afterEach(restoreFetch);

type Fetch = typeof globalThis.fetch;

function wireOver(fetch: Fetch, silenceMs = 10_000, signal = new AbortController().signal) {
  fakeFetch(fetch);
  return createWire({ modelId: "p/m", secrets: ["sk-canary-1"], silenceMs }, signal);
}

const ask = (wire: Wire) => wire.send("http://x", { method: "POST" });

async function readAll(wire: Wire): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = await wire.read(); bytes; bytes = await wire.read()) {
    text += decoder.decode(bytes);
  }
  return text;
}

/**
 * A body that sends `pieces` pieces, each after `everyMs` milliseconds, and then ends if `ends`.
 */
function body(pieces: number, everyMs: number, ends: boolean): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    async pull(controller) {
      if (pieces-- === 0) return ends ? controller.close() : await new Promise(() => {});
      await new Promise((resolve) => timer = setTimeout(resolve, everyMs));
      controller.enqueue(new TextEncoder().encode("data"));
    },
    cancel: () => clearTimeout(timer),
  });
}

/** A body that never ends. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_024)) });
}

/** A `fetch` whose signal ends a running body, as the real one does. */
const answering = (make: () => ReadableStream<Uint8Array>): Fetch => (_, init) => {
  const reader = make().getReader();
  return Promise.resolve(
    new Response(
      new ReadableStream({
        start(controller) {
          init?.signal?.addEventListener("abort", () => {
            controller.error(init.signal?.reason);
            void reader.cancel();
          });
        },
        async pull(controller) {
          const { done, value } = await reader.read();
          if (init?.signal?.aborted) return;
          if (done) controller.close();
          else controller.enqueue(value);
        },
      }),
    ),
  );
};

describe("[T1] createWire()", () => {
  it("limits each silence, not the whole answer", async () => {
    const wire = wireOver(answering(() => body(6, 400, true)), 1_500);
    await ask(wire);
    assert.equal(await readAll(wire), "data".repeat(6));
    assert.equal(wire.failure(), undefined);
  });

  for (
    const [when, pieces] of [["before the first byte", 0], ["after the first bytes", 2]] as const
  ) {
    it(`gives up on a silence ${when}, and names its length`, async () => {
      const wire = wireOver(answering(() => body(pieces, 1, false)), 60);
      await ask(wire);
      await assert.rejects(() => readAll(wire), { kind: "timeout" });
      assert.equal(wire.failure()?.kind, "timeout");
      assert.equal(wire.failure()?.message, "p/m sent nothing for 0.06 s");
    });
  }

  it("takes no time in which the process is stopped for silence", async () => {
    const wire = wireOver(answering(() => body(1, 1_300, true)), 1_000);
    const reading = ask(wire).then(() => readAll(wire));
    await new Promise((resolve) => setTimeout(resolve, 10));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200);
    assert.equal(await reading, "data");
  });

  it("gives up on a server that never answers", async () => {
    const wire = wireOver(
      (_, init) =>
        new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        }),
      30,
    );
    await assert.rejects(() => ask(wire), { kind: "timeout" });
  });

  it("follows no redirect, which would send the key to another server", async () => {
    let redirect: string | undefined;
    const wire = wireOver((_, init) => {
      redirect = init?.redirect;
      return Promise.resolve(
        new Response(null, { status: 302, headers: { Location: "http://y" } }),
      );
    });
    await assert.rejects(() => ask(wire), { kind: "redirected", redirectedTo: "y (http)" });
    assert.equal(redirect, "manual");
  });

  it("keeps the first failure", async () => {
    const wire = wireOver(() => Promise.resolve(new Response("{}", { status: 429 })));
    await assert.rejects(() => ask(wire));
    await assert.rejects(() => ask(wire));
    assert.equal(wire.failure()?.kind, "rate_limited");
  });

  it("rejects with the caller's reason after an abort, and reports no failure", async () => {
    const reason = new Error("enough");
    const stop = new AbortController();
    const wire = wireOver(answering(() => body(99, 5, false)), undefined, stop.signal);
    await ask(wire);
    stop.abort(reason);
    await assert.rejects(() => readAll(wire), (thrown) => thrown === reason);
    assert.equal(wire.failure(), undefined);
  });

  it("ends and closes a body that ignores its signal", async () => {
    const short = 60;
    const late = createSilentBody("data");
    const wire = wireOver(() => Promise.resolve(new Response(late.stream)), short);
    await ask(wire);
    await assert.rejects(() => readAll(wire), { kind: "timeout" });
    assert.ok(late.isCancelled());

    const refusal = createSilentBody("no");
    const refused = wireOver(
      () => Promise.resolve(new Response(refusal.stream, { status: 500 })),
      short,
    );
    await assert.rejects(() => ask(refused), { kind: "timeout" });
    assert.ok(refusal.isCancelled());

    const stop = new AbortController();
    const stopped = createSilentBody();
    const mine = wireOver(
      () => Promise.resolve(new Response(stopped.stream)),
      undefined,
      stop.signal,
    );
    await ask(mine);
    const reading = assert.rejects(() => mine.read(), { message: "enough" });
    stop.abort(new Error("enough"));
    await reading;
    assert.ok(stopped.isCancelled());

    const unread = createSilentBody();
    const closed = wireOver(() => Promise.resolve(new Response(unread.stream)));
    await ask(closed);
    closed.close();
    assert.ok(unread.isCancelled());
  });

  it("reads only the beginning of a refusal", async () => {
    const wire = wireOver(() => Promise.resolve(new Response(endless(), { status: 500 })));
    await assert.rejects(() => ask(wire), ModelError);
  });

  it("rejects a web page with a hint", async () => {
    const page = { headers: { "Content-Type": "Text/HTML; charset=utf-8" } };
    const wire = wireOver(() => Promise.resolve(new Response("<html>", page)));
    await assert.rejects(() => ask(wire), { kind: "web_page", message: /web page/ });
  });

  it("rejects an answer without a body as `not_an_answer`", async () => {
    const wire = wireOver(() => Promise.resolve(new Response(null, { status: 200 })));
    await assert.rejects(() => ask(wire), { kind: "not_an_answer" });
  });

  it("waits no longer than shortenTimeout() allows", async () => {
    const wire = wireOver(answering(() => body(1, 1, false)));
    await ask(wire);
    await wire.read();
    wire.shortenTimeout(30);
    await assert.rejects(() => wire.read(), { kind: "timeout" });
  });

  it("closes a released connection that sends more and more bytes", async () => {
    let signal: AbortSignal | null | undefined;
    const answer = answering(() => body(Infinity, 50, false));
    const wire = wireOver((input, init) => {
      signal = init?.signal;
      return answer(input, init);
    });
    await ask(wire);
    wire.release();
    wire.close(); // without effect after a release
    assert.equal(signal?.aborted, false);
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  });
});
