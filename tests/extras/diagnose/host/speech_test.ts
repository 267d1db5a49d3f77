import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WebSocketServer } from "ws";
import { startModelServer } from "../../../../simulator/model/server.ts";
import type { BotConfig } from "../../../../src/config/config.ts";
import { checkSpeech } from "../../../../src/extras/diagnose/host/speech.ts";
import { startSpeechServer } from "../../../support/model/speech_server.ts";
import { loadTestConfig } from "../../../support/config.ts";

async function check(baseUrl: string, keys: object = { voice: {} }) {
  const config = await loadTestConfig({}, {
    models: { providers: { near: { kind: "openai-compatible", baseUrl } } },
    audio: { transcribe: "near/ear", speak: "near/mouth" },
    ...keys,
  });
  return await checkSpeech(config as unknown as BotConfig, {});
}

describe("checkSpeech()", () => {
  it("[O2] has the servers say words and hear them, once the libraries are loaded", async () => {
    const server = await startModelServer();
    try {
      const [finding, ...others] = await check(server.baseUrl);
      assert.deepEqual(others, []);
      assert.equal(finding?.status, "pass");
      assert.equal(
        finding?.why,
        `near/mouth said "One, two, three.", and near/ear heard "One, two, three."`,
      );
    } finally {
      await server.close();
    }
  });

  it("names a server that does not answer, in both modes", async () => {
    const realtime = { voice: { mode: "realtime", realtime: "near/talk" } };
    for (const keys of [undefined, realtime]) {
      const [finding] = await check("http://127.0.0.1:9/v1", keys);
      assert.equal(finding?.status, "fail");
      assert.match(finding?.why ?? "", /^the bot would neither hear nor speak: /);
    }
  });

  it("tells how a server refuses", async () => {
    const server = await startSpeechServer({ fails: 401 });
    try {
      const [finding] = await check(server.baseUrl);
      assert.match(finding?.why ?? "", /refused it: HTTP 401$/);
    } finally {
      await server.close();
    }
  });

  it("tells why a Realtime server refuses a connection that it has opened", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise<void>((resolve) => server.on("listening", () => resolve()));
    server.on(
      "connection",
      (link: { send: (text: string) => void }) =>
        link.send('{"type":"error","error":{"message":"no such model"}}'),
    );
    try {
      const { port } = server.address() as { readonly port: number };
      const keys = { voice: { mode: "realtime", realtime: "near/talk" } };
      const [finding] = await check(`http://127.0.0.1:${port}/v1`, keys);
      assert.deepEqual([finding?.status, /no such model/.test(finding?.why ?? "")], ["fail", true]);
    } finally {
      for (const client of server.clients ?? []) client.terminate();
      server.close();
    }
  });

  it("says nothing of a config without voice, or without its servers", async () => {
    assert.deepEqual(await check("http://127.0.0.1:9/v1", {}), []);
    assert.deepEqual(await check("http://127.0.0.1:9/v1", { voice: {}, audio: {} }), []);
  });
});
