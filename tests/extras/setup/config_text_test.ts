/** Tests the config that the answers of a setup make. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configTextOf, secretFiles } from "../../../src/extras/setup/answers/config_text.ts";
import {
  nextStep,
  type SetupState,
  wholeAnswers,
} from "../../../src/extras/setup/answers/state.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { FINISHED, GUILD, OTHER, OWNER } from "./answers.ts";

const text = (base: string | undefined, state: SetupState): string => {
  const answers = wholeAnswers(state);
  assert.ok(answers);
  const edited = configTextOf(base, answers);
  assert.equal(edited.kind, "edited");
  return edited.kind === "edited" ? edited.text : "";
};

const valueOf = async (written: string): Promise<Record<string, unknown>> => {
  const parsed = await parseConfig({ file: "config.jsonc", text: written });
  assert.deepEqual(parsed.problems.filter(({ severity }) => severity === "error"), []);
  return { ...parsed.written };
};

describe("[O3] configTextOf()", () => {
  it("writes a config with a comment at each answer", async () => {
    const written = text(undefined, FINISHED);
    assert.deepEqual(await valueOf(written), {
      channels: {
        discord: {
          token: { file: "discord_token" },
          guilds: { [GUILD.id]: { channels: { "1420000000000000002": {} } } },
          dm: { allowFrom: [OWNER.id] },
        },
      },
      agents: { defaults: { model: "openai/gpt-5-mini" } },
      models: {
        providers: {
          openai: {
            kind: "openai-compatible",
            apiKey: { file: "openai_api_key" },
            prices: { "gpt-5-mini": { input: 0.25, output: 2 } },
          },
        },
      },
      budgets: { total: { moneyPerDay: 2 } },
    });
    for (const comment of ["Harbour: these channels only", "#help", "@ana", "Dollars for each"]) {
      assert.match(written, new RegExp(`// .*${comment}`));
    }
    assert.ok(!written.includes("sk-") && !written.includes("TOKEN"));
  });

  it("changes only its own keys of a config, and keeps all comments", async () => {
    const base = `{
  // mine
  "log": { "level": "debug" }, // loud
  "channels": { "discord": {
    "token": "old", // to be replaced
    "guilds": { "9420000000000000001": {} },
    "dm": { "allowFrom": ["9420000000000000002"] }
  } }
}
`;
    const written = text(base, FINISHED);
    for (const comment of ["// mine", "// loud", "// to be replaced"]) {
      assert.ok(written.includes(comment), comment);
    }
    const { log, channels } = await valueOf(written);
    assert.deepEqual(log, { level: "debug" });
    assert.deepEqual(channels, {
      discord: {
        token: { file: "discord_token" },
        guilds: {
          "9420000000000000001": {},
          [GUILD.id]: { channels: { "1420000000000000002": {} } },
        },
        dm: { allowFrom: ["9420000000000000002", OWNER.id] },
      },
    });
  });

  it("gives the same text for the same answers", () => {
    const once = text(undefined, FINISHED);
    assert.equal(text(once, FINISHED), once);
  });

  it("opens all channels again, and keeps the server's other keys", async () => {
    const places = [{ ...GUILD, channels: "all" as const }];
    const listed = text(undefined, FINISHED)
      .replace(`"${GUILD.id}": {`, `"${GUILD.id}": {\n          "requireMention": false,`);
    const written = text(listed, { ...FINISHED, places });
    const { channels } = await valueOf(written);
    assert.deepEqual(Object(channels).discord.guilds, { [GUILD.id]: { requireMention: false } });
  });

  it("closes all servers if there is none", async () => {
    const { channels } = await valueOf(text(undefined, { ...FINISHED, places: [] }));
    assert.deepEqual(Object(channels).discord.guilds, {});
  });

  it("names another owner than the application's", async () => {
    const { commands } = await valueOf(text(undefined, { ...FINISHED, owner: OTHER }));
    assert.deepEqual(commands, { ownerAllowFrom: [OTHER.id] });
  });

  it("refuses a config with a syntax error", () => {
    const answers = wholeAnswers(FINISHED);
    assert.ok(answers);
    assert.equal(configTextOf("{ nonsense", answers).kind, "refused");
  });
});

describe("[O3] secretFiles()", () => {
  it("has the token and the model's key", () => {
    const answers = wholeAnswers(FINISHED);
    assert.ok(answers);
    assert.deepEqual(secretFiles(answers), [
      { name: "discord_token", text: "TOKEN" },
      { name: "openai_api_key", text: "sk-test" },
    ]);
  });
});

describe("[O3] nextStep()", () => {
  const { token, bot, intents, places, owner, model } = FINISHED;
  const steps: readonly (readonly [state: SetupState, step: string])[] = [
    [{}, "token"],
    [{ bot }, "token"],
    [{ token, bot: bot && { ...bot, needsCodeGrant: true } }, "codeGrant"],
    [{ token, bot }, "intents"],
    [{ token, bot, intents }, "servers"],
    [{ token, bot, intents, places: [GUILD] }, "channels"],
    [{ token, bot, intents, places: [] }, "owner"],
    [{ token, bot, intents, places, owner }, "model"],
    [{ token, bot, intents, places, owner, model }, "limit"],
    [{ token, bot, intents, places, owner, model: "none" }, "write"],
    [FINISHED, "write"],
  ];
  for (const [state, step] of steps) {
    it(`asks for ${step} after ${Object.keys(state).join(", ") || "nothing"}`, () => {
      assert.equal(nextStep(state), step);
    });
  }
});
