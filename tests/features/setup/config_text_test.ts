/** Tests the config that the answers of a setup make. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configTextOf, secretFiles } from "../../../src/features/setup/config_text.ts";
import {
  nextStep,
  presentIn,
  type SetupState,
  wholeAnswers,
} from "../../../src/features/setup/answers.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { loadedOf } from "../../config/support.ts";
import { FINISHED, GUILD, OTHER, OWNER } from "./support.ts";

const text = async (base: string | undefined, state: SetupState): Promise<string> => {
  const answers = wholeAnswers(state);
  assert.ok(answers);
  const files = {
    "credentials/discord_token": "token-of-krill",
    "credentials/openai_api_key": "sk-test",
  };
  const edited = configTextOf(base, answers, presentIn(await loadedOf(base, { files }), {}));
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
    const written = await text(undefined, FINISHED);
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
    assert.ok(!written.includes("sk-") && !written.includes("token-of-krill"));
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
    const written = await text(base, FINISHED);
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

  it("gives the same text for the same answers, also for a server and channels by name", async () => {
    const once = await text(undefined, FINISHED);
    assert.equal(await text(once, FINISHED), once);
    const named = once.replace(`"${GUILD.id}"`, '"Harbour"').replace(
      '"1420000000000000002": {}',
      '"help": { "requireMention": false }, "secret-place": {}',
    );
    assert.equal(await text(named, FINISHED), named);
  });

  it("takes out servers and channels that are no longer chosen, and no others", async () => {
    const base = `{ "channels": { "discord": { "guilds": {
      "${GUILD.id}": { "channels": { "general": {}, "hidden": {} } }, "Elsewhere": {} } } } }`;
    const [place] = FINISHED.places ?? [];
    assert.ok(place);
    const general = { id: parseSnowflake<"channel">("1420000000000000003")!, name: "general" };
    const elsewhere = { id: parseSnowflake<"guild">("1420000000000000004")!, name: "Elsewhere" };
    const { channels } = await valueOf(
      await text(base, {
        ...FINISHED,
        places: [{ ...place, others: [general] }],
        otherPlaces: [elsewhere],
      }),
    );
    assert.deepEqual(Object(channels).discord.guilds, {
      [GUILD.id]: { channels: { hidden: {}, "1420000000000000002": {} } },
    });
  });

  it("opens all channels again, and keeps the server's other keys", async () => {
    const places = [{ ...GUILD, channels: "all" as const }];
    const listed = (await text(undefined, FINISHED))
      .replace(`"${GUILD.id}": {`, `"${GUILD.id}": {\n          "requireMention": false,`);
    const written = await text(listed, { ...FINISHED, places });
    const { channels } = await valueOf(written);
    assert.deepEqual(Object(channels).discord.guilds, { [GUILD.id]: { requireMention: false } });
  });

  it("closes all servers if there is none", async () => {
    const { channels } = await valueOf(await text(undefined, { ...FINISHED, places: [] }));
    assert.deepEqual(Object(channels).discord.guilds, {});
  });

  it("names another owner than the application's", async () => {
    const { commands } = await valueOf(await text(undefined, { ...FINISHED, owner: OTHER }));
    assert.deepEqual(commands, { ownerAllowFrom: [OTHER.id] });
  });

  it("keeps a hostile name of a server within its comment", async () => {
    const name = 'x\n"log": {},\u202e';
    const written = await text(undefined, {
      ...FINISHED,
      places: [{ ...GUILD, name, channels: "all" }],
    });
    assert.match(written, /^ *\/\/ x "log": \{\}, : every channel$/m);
    assert.equal((await valueOf(written))["log"], undefined);
  });

  it("refuses a config with a syntax error", () => {
    const answers = wholeAnswers(FINISHED);
    assert.ok(answers);
    assert.equal(configTextOf("{ nonsense", answers, { owners: [] }).kind, "refused");
  });
});

describe("[O3] secretFiles()", () => {
  it("has the token and the model's key, unless the config has them", () => {
    const answers = wholeAnswers(FINISHED);
    assert.ok(answers);
    const key = { name: "openai_api_key", text: "sk-test" };
    assert.deepEqual(secretFiles(answers, { owners: [] }), [
      { name: "discord_token", text: "token-of-krill" },
      key,
    ]);
    assert.deepEqual(secretFiles(answers, { owners: [], token: "token-of-krill" }), [key]);
  });
});

describe("[O3] nextStep()", () => {
  const { token, bot, intents, places, owner, model } = FINISHED;
  const steps: readonly (readonly [state: SetupState, step: string])[] = [
    [{ bot }, "token"],
    [{ token, bot: bot && { ...bot, needsCodeGrant: true } }, "codeGrant"],
    [{ token, bot, intents, places: [] }, "owner"],
    [{ token, bot, intents, places, owner, model }, "limit"],
    [{ token, bot, intents, places, owner, model: "none" }, "write"],
  ];
  for (const [state, step] of steps) {
    it(`asks for ${step} after ${Object.keys(state).join(", ") || "nothing"}`, () => {
      assert.equal(nextStep(state), step);
    });
  }
});
