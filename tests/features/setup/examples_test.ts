/** Tests the configs that begin with an example, and the channels of the user in them. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { configTextOf } from "../../../src/features/setup/answers/config_text.ts";
import { channelsOfExample } from "../../../src/features/setup/answers/examples.ts";
import {
  EXAMPLE_NAMES,
  type ExampleName,
  type SetupState,
  wholeAnswers,
} from "../../../src/features/setup/answers/state.ts";
import type { OfferedChannel } from "../../../src/features/setup/ports/discord_port.ts";
import { exampleChannels } from "../../../src/features/setup/steps/ask_channels.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { FINISHED, GUILD, OWNER } from "./answers.ts";
import { portsOf, scriptedDialogue } from "./scripted_dialogue.ts";

/** The answers with an example, whose channels all exist, but those that are left out. */
function withExample(name: ExampleName, isThere = (_channel: string) => true): SetupState {
  const channels = channelsOfExample(name).filter(isThere).map((of, index) => ({
    of,
    id: parseSnowflake<"channel">(`142000000000000010${index}`)!,
    name: `my-${of}`,
  }));
  const places = [{ ...GUILD, channels: channels.map(({ id, name }) => ({ id, name })) }];
  return { ...FINISHED, places, example: { name, channels } };
}

async function madeOf(state: SetupState) {
  const answers = wholeAnswers(state);
  assert.ok(answers);
  const made = configTextOf(undefined, answers, { owners: [] });
  assert.equal(made.kind, "edited", JSON.stringify(made));
  const text = made.kind === "edited" ? made.text : "";
  const parsed = await parseConfig({ file: "config.jsonc", text });
  assert.deepEqual(parsed.problems.filter(({ severity }) => severity === "error"), []);
  return { text, value: Object({ ...parsed.written }), problems: parsed.problems };
}

describe("[C4] configTextOf() with an example", () => {
  it("has each example that is a whole config", () => {
    const files = readdirSync(new URL("../../../examples/", import.meta.url));
    const whole = files.flatMap((name) => /^(.+)\.jsonc$/.exec(name)?.[1] ?? [])
      .filter((one) => one !== "hooks");
    assert.deepEqual([...EXAMPLE_NAMES].sort(), whole.sort());
  });

  for (const name of EXAMPLE_NAMES) {
    it(`makes a valid config of ${name}, without its placeholders`, async () => {
      const { text, value } = await madeOf(withExample(name));
      assert.doesNotMatch(text, /1234567890123456|Put your own|DISCORD_BOT_TOKEN|qwen3/);
      assert.match(text, /^\/\/ Barnacle's config, written by `barnacle setup`/);
      assert.match(text, /\/\* #my-help \*\//);
      assert.match(text, /\/\* @ana \*\//);
      const { discord } = value.channels;
      assert.deepEqual(Object.keys(discord.guilds), [GUILD.id]);
      assert.deepEqual(discord.dm, { allowFrom: [OWNER.id] });
      assert.deepEqual(discord.token, { file: "discord_token" });
      assert.equal(value.agents.defaults.model, "openai/gpt-5-mini");
      assert.deepEqual(
        Object.keys(value.models.providers),
        name === "voice" ? ["speech", "openai"] : ["openai"],
      );
      assert.equal(value.budgets.total.moneyPerDay, 2);
    });
  }

  it("keeps agents, comments and settings of the example, and assigns the user's channels", async () => {
    const { text, value, problems } = await madeOf(withExample("many-agents"));
    for (
      const words of ["// The first one answers where no other does", "// Reactions on messages"]
    ) {
      assert.ok(text.includes(words), words);
    }
    assert.equal(value.agents.list.length, 4);
    assert.deepEqual(value.router.assignments.researcher.channels, [
      "1420000000000000100",
      "1420000000000000103",
    ]);
    assert.deepEqual(value.router.assignments.moderator.channels, ["*"]);
    const guild = value.channels.discord.guilds[GUILD.id];
    assert.equal(guild.reactionNotifications, "all");
    assert.equal(Object.keys(guild.channels).length, 5);
    assert.deepEqual(problems.filter(({ severity }) => severity === "warning"), []);
  });

  it("keeps a channel's own settings", async () => {
    const { value } = await madeOf(withExample("one-agent"));
    const { channels } = value.channels.discord.guilds[GUILD.id];
    assert.deepEqual(channels, { "1420000000000000100": { systemPrompt: "Keep answers short." } });
  });

  it("leaves channels out that the server lacks, and an agent's assignment without any", async () => {
    const state = withExample("many-agents", (one) => one === "help" || one === "drafts");
    const { value } = await madeOf(state);
    assert.equal(Object.keys(value.channels.discord.guilds[GUILD.id].channels).length, 2);
    assert.deepEqual(Object.keys(value.router.assignments), ["writer", "moderator"]);
    assert.deepEqual(value.router.assignments.writer.channels, ["1420000000000000100"]);
  });

  it("opens the whole server if it has none of the channels", async () => {
    const none = withExample("one-agent", () => false);
    const places = [{ ...GUILD, channels: "all" as const }];
    const { value } = await madeOf({ ...none, places });
    assert.deepEqual(value.channels.discord.guilds, { [GUILD.id]: {} });
  });
});

describe("[C4] exampleChannels()", () => {
  const channel = (index: number, name: string): OfferedChannel => ({
    id: parseSnowflake<"channel">(`142000000000000020${index}`)!,
    name,
    isPrivate: false,
    missing: [],
  } as unknown as OfferedChannel);
  const HELP = channel(0, "help");
  const LAB = channel(1, "lab");

  async function found(
    name: ExampleName,
    words: readonly string[],
    answers: readonly string[],
    offered: readonly OfferedChannel[] = [HELP, LAB],
  ) {
    const { dialogue, lines, isDone } = scriptedDialogue(answers);
    const discord = {
      channels: () => Promise.resolve({ kind: "answered", found: offered } as const),
    };
    const ports = portsOf(dialogue, { discord });
    const opened = ports.openDiscord("");
    const channels = await exampleChannels({ name }, GUILD, words, opened, ports);
    assert.ok(isDone());
    return { named: channels.map(({ of, name }) => `${of}=${name}`), lines };
  }

  it("takes the channel of the same name without a question", async () => {
    assert.deepEqual((await found("one-agent", [], [])).named, ["help=help"]);
  });

  it("asks for a channel in place of one that the server lacks, and leaves others out", async () => {
    const none = "None: leave it out";
    const { named, lines } = await found("many-agents", [], ["#lab", none, none, none]);
    assert.deepEqual(named, ["research=lab", "help=help"]);
    for (
      const words of [
        '?     The example answers in #research, which "Harbour" lacks. Which channel instead?',
        "warn  No channel for #drafts of the example: left out",
        "warn  The agent writer has no channel; `router.assignments` gives it one",
      ]
    ) assert.ok(lines.includes(words), `${words}\n${lines.join("\n")}`);
    assert.ok(!lines.some((line) => line.includes("agent moderator")));
  });

  it("asks which one of two channels of that name", async () => {
    const both = [HELP, { ...LAB, name: "help" }];
    const { lines } = await found("one-agent", [], ["#help"], both);
    assert.ok(
      lines.includes(
        '?     Several channels of "Harbour" are called #help. Which one do you mean?',
      ),
    );
  });

  it("takes channels in the order of the example", async () => {
    assert.deepEqual((await found("one-agent", ["#lab"], [])).named, ["help=lab"]);
  });
});
