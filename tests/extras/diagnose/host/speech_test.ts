import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WebSocketServer } from "ws";
import { startModelServer } from "../../../../simulator/model/server.ts";
import type { BotConfig } from "../../../../src/config/config.ts";
import { checkSpeech, judgeCallPlaces } from "../../../../src/extras/diagnose/host/speech.ts";
import { startSpeechServer } from "../../../support/model/speech_server.ts";
import { loadTestConfig } from "../../../support/config.ts";
import { channelId, guildId } from "../../../support/discord/builders.ts";

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

describe("[V1] judgeCallPlaces()", () => {
  const lacks = (permission: string) => [{ permission, deniedBy: "@everyone" }];
  const guild = { id: guildId("1"), name: "reef", risky: [] };
  const channels = [
    { id: channelId("1"), name: "deck", missing: [], callMissing: [] },
    { id: channelId("2"), name: "bridge", missing: [], callMissing: lacks("Speak") },
    { id: channelId("3"), name: "hold", missing: lacks("View Channel") },
    { id: channelId("4"), name: "text", missing: lacks("Add Reactions") },
  ];
  const rows:
    readonly (readonly [id: string, status: string | undefined, why: RegExp, more?: object])[] = [
      ["1", undefined, /^$/],
      ["2", "fail", /cannot talk in #bridge: it lacks Speak \(@everyone\)$/],
      ["3", "fail", /cannot talk in #hold: it lacks View Channel/],
      ["4", "fail", /^#text is no voice channel$/],
      ["9", "fail", /sees no channel 9 in/],
      ["9", undefined, /^$/, { unread: "no answer in time" }],
    ];
  for (const [id, status, why, more] of rows) {
    it(`judges the channel ${id} of \`voice.autoJoin\`${more ? ", unread" : ""}`, () => {
      const guilds = [{ ...guild, details: { channels } }, { ...guild, ...more }];
      const [found, ...others] = judgeCallPlaces([channelId(id)], guilds, true);
      assert.deepEqual([found?.status, others], [status, []]);
      assert.match(found?.why ?? "", why);
    });
  }

  it("leaves a channel that the bot does not see to the other accounts", () =>
    assert.deepEqual(judgeCallPlaces([channelId("9")], [guild], false), []));
});
