import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toIntents } from "../../../src/discord/gateway/read/intents.ts";
import { loadTestConfig } from "../../support/config.ts";
import { problemLines } from "../support.ts";

const near = { kind: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" };
const withVoice = (voice: object, audio: object = {}) =>
  JSON.stringify({
    channels: { discord: { token: "x".repeat(60) } },
    agents: { defaults: { model: "near/llama" } },
    models: { providers: { near } },
    voice,
    audio,
  });
const SPEECH = { transcribe: "near/ear", speak: "near/mouth" };

describe("[V1] voice", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      "no server that hears",
      withVoice({}, { speak: "near/a" }),
      /Without audio\.transcribe, the bot joins/,
    ],
    ["no server that speaks", withVoice({}, { transcribe: "near/a" }), /Without audio\.speak/],
    ["realtime without a model", withVoice({ mode: "realtime" }), /"realtime" needs "realtime"/],
    [
      "a model of an unknown provider",
      withVoice({ mode: "realtime", realtime: "far/talk" }),
      /voice\.realtime: .*unknown provider: "far"/,
    ],
    ["a channel by its name", withVoice({ autoJoin: ["deck"] }, SPEECH), /Expected a Discord id/],
    ["a pause that ends each word", withVoice({ pauseMs: 10 }, SPEECH), /voice\.pauseMs/],
  ];
  for (const [what, text, told] of cases) {
    it(`tells ${what}`, async () => {
      assert.match((await problemLines(text)).join("\n"), told);
    });
  }

  it("asks for the intent of voice states, which reconnects, only if it is there", async () => {
    const bits = async (keys: object) => {
      const { discord: { gateway } } = await loadTestConfig({}, {
        audio: SPEECH,
        models: { providers: { near } },
        ...keys,
      });
      return toIntents("agent_recommended", gateway.reactions).bits & (1 << 7);
    };
    assert.equal(await bits({}), 0);
    assert.equal(await bits({ voice: {} }), 1 << 7);
  });
});
