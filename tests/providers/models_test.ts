import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createPlaces } from "../../src/lib/places.ts";
import { createModel } from "../../src/providers/models.ts";
import { silenceMsOf } from "../../src/providers/settings.ts";
import { fakeFetch, restoreFetch, settingsFor } from "../support/model/model_server.ts";

afterEach(restoreFetch);

describe("createModel()", () => {
  it("[L1] has an id of provider and model", () => {
    const model = createModel(settingsFor({ baseUrl: "http://127.0.0.1:1" }));
    assert.equal(model.id, "local/barnacle-script");
  });

  it("[L1] refuses an invalid baseUrl at once, not at the first request", () => {
    assert.throws(() => createModel(settingsFor({ baseUrl: "localhost" })), TypeError);
  });

  const silence: readonly [baseUrl: string, silenceSec: number | undefined, sec: number][] = [
    ["https://ai.example/v1", undefined, 60],
    ["http://192.168.1.7:11434", undefined, 600],
    ["http://ollama:11434", undefined, 600],
    ["http://ollama:11434", 30, 30],
    ["https://ai.example/v1", 1_800, 1_800],
  ];
  for (const [baseUrl, silenceSec, sec] of silence) {
    it(`[T1] waits at most ${sec} s for ${baseUrl}, with silenceSec ${silenceSec}`, () => {
      const { provider } = settingsFor({ baseUrl });
      assert.equal(silenceMsOf({ ...provider, silenceSec }), sec * 1_000);
    });
  }

  for (const [host, told] of [["127.0.0.1", [true, false]], ["ai.example", [false]]] as const) {
    it(`[R8a] tells from when to when ${host} reads the request`, async () => {
      const heard: boolean[] = [];
      const fetch = () => {
        const body = new ReadableStream({
          pull(controller) {
            assert.ok(!heard.includes(false), "before the first byte");
            controller.enqueue(new TextEncoder().encode(": hello\n\n"));
            controller.close();
          },
        });
        return Promise.resolve(new Response(body));
      };
      const settings = settingsFor({ baseUrl: `http://${host}` });
      const request = { system: "", messages: [], onReading: (is: boolean) => void heard.push(is) };
      fakeFetch(fetch);
      const answer = createModel(settings)
        .generate(request, new AbortController().signal);
      await assert.rejects(Array.fromAsync(answer));
      assert.deepEqual(heard, told);
    });
  }

  it("sends no request before iteration", () => {
    let asked = 0;
    const fetch = () => {
      asked++;
      return Promise.reject(new Error("asked"));
    };
    fakeFetch(fetch);
    const model = createModel(settingsFor({ baseUrl: "http://127.0.0.1:1" }));
    model.generate({ system: "", messages: [] }, new AbortController().signal);
    assert.equal(asked, 0);
  });

  it("[SEC-R25] gives the room back once an answer begins", async () => {
    const chunk = 'data: {"choices":[{"index":0,"delta":{"content":"so"}}]}\n\n';
    const fetch = () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(chunk)),
      });
      return Promise.resolve(
        new Response(body, { headers: { "content-type": "text/event-stream" } }),
      );
    };
    const settings = settingsFor({ baseUrl: "http://127.0.0.1:1" });
    fakeFetch(fetch);
    const model = createModel(settings, createPlaces(10));
    const stop = new AbortController();
    for (let request = 0; request < 3; request++) {
      const images = [{ mediaType: "image/png", data: new Uint8Array(6) }] as const;
      const messages = [{ role: "user", text: "", images }] as const;
      const answer = model.generate({ system: "", messages }, stop.signal)[Symbol.asyncIterator]();
      assert.equal((await answer.next()).done, false); // it never ends
    }
    stop.abort();
  });

  it("[SEC-R25] sends images only while there is room for them, and texts at once", async () => {
    const answers: (() => void)[] = [];
    const fetch = () => {
      const { promise, resolve } = Promise.withResolvers<Response>();
      answers.push(() => resolve(new Response(null, { status: 400 })));
      return promise;
    };
    const settings = settingsFor({ baseUrl: "http://127.0.0.1:1" });
    fakeFetch(fetch);
    const model = createModel(settings, createPlaces(10));
    const ask = (bytes: number) => {
      const image = { mediaType: "image/png", data: new Uint8Array(bytes) } as const;
      const messages = [{ role: "user", text: "", images: bytes > 0 ? [image] : [] }] as const;
      const answer = model.generate({ system: "", messages }, new AbortController().signal);
      return assert.rejects(Array.fromAsync(answer));
    };
    const asked = [ask(0), ask(6)];
    while (answers.length < 2) await setImmediate();
    asked.push(ask(6), ask(0));
    while (answers.length < 3) await setImmediate();
    await setImmediate();
    assert.equal(answers.length, 3);
    for (const end of answers) end();
    while (answers.length < 4) await setImmediate();
    answers[3]?.();
    await Promise.all(asked);
  });
});
