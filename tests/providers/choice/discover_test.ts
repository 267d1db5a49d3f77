import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { discoverLocalModel } from "../../../src/providers/choice/discover.ts";
import type { ProviderSettings } from "../../../src/providers/settings.ts";
import { fakeFetch, restoreFetch, withModelServer } from "../../support/model/model_server.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";

afterEach(restoreFetch);

const local = (id: string, port: number): ProviderSettings => ({
  id,
  kind: "openai-compatible",
  baseUrl: `http://127.0.0.1:${port}/v1`,
});
const SERVERS = [local("first", 1), local("second", 2)];

/** Answers by port. Other ports refuse connections. */
const discoverWith = (
  answers: Readonly<Record<number, () => Response | Promise<Response>>>,
  silenceMs?: number,
) => {
  fakeFetch(async (input) => {
    const { port, pathname, hostname } = new URL(String(input));
    assert.equal(hostname, "127.0.0.1");
    assert.equal(pathname, "/v1/models");
    const answer = answers[Number(port)];
    if (!answer) throw new TypeError("connection refused");
    return await answer();
  });
  return discoverLocalModel(SERVERS, silenceMs);
};
const listing = (...ids: string[]) => () => Response.json({ data: ids.map((id) => ({ id })) });

describe("[L2] discoverLocalModel()", () => {
  it("returns the first model of a running server", async () => {
    assert.deepEqual(
      await discoverWith({ 2: listing("llama3.2:3b", "qwen3") }),
      {
        provider: { id: "second", kind: "openai-compatible", baseUrl: "http://127.0.0.1:2/v1" },
        name: "llama3.2:3b",
      },
    );
  });

  it("prefers the first of two servers, even if it is slower", async () => {
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return listing("slow")();
    };
    const found = await discoverWith({ 1: slow, 2: listing("fast") });
    assert.equal(found?.name, "slow");
  });

  const useless: readonly [fault: string, answer: () => Response][] = [
    ["has no model", listing()],
    ["lists only models that cannot chat", listing("nomic-embed-text", "whisper-1", "kokoro-tts")],
    ["is some other web server", () => new Response("<html>", { status: 200 })],
    ["answers in another form", () => Response.json({ models: [] })],
    ["wants a key", () => Response.json({ data: [{ id: "x" }] }, { status: 401 })],
  ];
  for (const [fault, answer] of useless) {
    it(`skips a server that ${fault}`, async () => {
      const found = await discoverWith({ 1: answer, 2: listing("good") });
      assert.equal(found?.provider.id, "second");
    });
  }

  it("skips models that cannot chat", async () => {
    const found = await discoverWith({ 1: listing("nomic-embed-text", "llama3") });
    assert.equal(found?.name, "llama3");
  });

  it("returns `undefined` without a server", async () => {
    assert.equal(await discoverWith({}), undefined);
  });

  it("does not wait for a silent server", async () => {
    fakeFetch((_, init) =>
      new Promise((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason))
      )
    );
    assert.equal(await discoverLocalModel(SERVERS, 20), undefined);
    const { stream, isCancelled } = createSilentBody('{"data":');
    assert.equal(await discoverWith({ 2: () => new Response(stream) }, 20), undefined);
    assert.ok(isCancelled());
  });

  it("finds a real server", async () => {
    await withModelServer({}, async ({ port, baseUrl }) => {
      const patientMs = 60_000; // a busy machine takes longer than the second of a start
      const found = await discoverLocalModel([local("here", port)], patientMs);
      assert.deepEqual(found, {
        provider: { id: "here", kind: "openai-compatible", baseUrl },
        name: "barnacle-script",
      });
    });
  });
});
