import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model } from "../../../src/core/model.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import { cardFindings, cards, decideQuestion } from "../../../src/flows/questions/cards.ts";
import { ask } from "../../../src/tools/ask.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { ADA, CHANNEL, GUILD, guildData } from "../../support/discord/payloads.ts";

/** A model that asks a person, and then says what it has learnt. */
const asking: Model = {
  id: "test/model",
  async *generate({ messages }) {
    await Promise.resolve();
    const results = JSON.stringify(messages.filter(({ role }) => role === "tool"));
    if (results !== "[]") {
      yield { kind: "text", text: `learnt: ${results}` };
      return void (yield { kind: "finish", reason: "stop" });
    }
    const args = JSON.stringify({ question: "Tea or coffee?", options: ["tea", "coffee"] });
    const calls = [{ id: "1", name: "ask", arguments: args }];
    yield { kind: "finish", reason: "tool_calls", calls };
  },
};

/** The same question, by direct message. */
const askDirectly: Tool = {
  ...ask,
  async asks(call, context) {
    const question = await ask.asks?.(call, context);
    return question && { ...question, where: "direct", asked: [userId(ADA.id)] };
  },
};

/** A question of the model's whose card Discord refuses with a code. */
async function asked(
  refusal?: readonly [status: number, code: number],
  tool: Tool = ask,
  refused = /^\/channels\/\d+\/messages$/,
  beside: object = {},
) {
  const scene = await testAccount({
    discord: { guilds: { [GUILD]: { requireMention: false } } },
    ...{ model: asking, beside },
    toolServices: { tools: () => [tool] },
    answer({ method, path, body }) {
      if (method !== "POST" || !refused.test(path) || !refusal) return undefined;
      if (path.endsWith("/messages") && !JSON.stringify(body).includes("Tea or")) return undefined;
      const [status, code] = refusal;
      const kind = ({ 400: "rejected", 403: "forbidden", 404: "not_found" } as const)[status];
      throw new RestError("refused", { kind: kind ?? "rejected", route: "POST /", status, code });
    },
  });
  let drawn = 0;
  Object.assign(scene.account, { draw: (count: number) => new Uint8Array(count).fill(++drawn) });
  cards.start(scene.account);
  await scene.receive("GUILD_CREATE", guildData());
  await scene.write("what shall I drink?");
  await scene.pass(1_000);
  return {
    ...scene,
    state: () => scene.rows("SELECT state FROM question").map(({ state }) => state),
    turn: () => scene.rows("SELECT state FROM inbox").map(({ state }) => state),
    card: () => String(scene.rows("SELECT message_id FROM outbox")[0]?.["message_id"]),
  };
}

describe("[T10] a card that nobody can press ends its question", () => {
  for (
    const refusal of [
      [400, 200000],
      [400, 240000],
      [400, 50035],
      [404, 10003],
      [404, 10004],
      [400, 160005],
      [403, 50001],
      [403, 50013],
      [403, 50009],
    ] as const
  ) {
    it(`if Discord refuses it with ${refusal.join(" ")}`, async () => {
      const { state, turn, pass, posted } = await asked(refusal);
      await pass(60_000, 5_000);
      assert.deepEqual([state(), turn()], [["withdrawn"], ["answered"]]);
      assert.equal(posted().filter((text) => /learnt: .*reached no one/.test(text)).length, 1);
    });
  }

  for (const refused of [/^\/users\/@me\/channels$/, /\/messages$/]) {
    it(`[A1] and a person who takes no direct messages is named: ${refused.source}`, async () => {
      const scene = await asked([400, 50007], askDirectly, refused);
      await scene.pass(60_000, 5_000);
      assert.deepEqual([scene.state(), scene.turn()], [["withdrawn"], ["answered"]]);
      const told = new RegExp(`^This needs a decision of <@${ADA.id}>`);
      assert.equal(scene.posted().filter((text) => told.test(text)).length, 1);
      const [finding] = cardFindings(scene.account);
      assert.match(finding?.why ?? "", new RegExp(`do not reach the user ${ADA.id}`));
    });
  }

  const gone: readonly (readonly [string, string, (card: string) => object])[] = [
    [
      "a moderator deletes it",
      "MESSAGE_DELETE",
      (id) => ({ id, channel_id: CHANNEL, guild_id: GUILD }),
    ],
    ["it is purged", "MESSAGE_DELETE_BULK", (id) => ({ ids: [id], channel_id: CHANNEL })],
    ["its channel is deleted", "CHANNEL_DELETE", () => ({ id: CHANNEL, guild_id: GUILD, type: 0 })],
    ["the bot is removed from the server", "GUILD_DELETE", () => ({ id: GUILD })],
  ];
  for (const [what, type, data] of gone) {
    it(`if ${what}`, async () => {
      const { receive, card, state, turn, pass } = await asked();
      assert.deepEqual(state(), ["open"]);
      await receive(type, data(card()));
      await pass(1_000);
      assert.deepEqual([state(), turn()], [["withdrawn"], ["answered"]]);
    });
  }

  it("goes on if another message is deleted, or a server is only unavailable", async () => {
    const { receive, state, pass } = await asked();
    await receive("MESSAGE_DELETE", { id: "1400000000000000999", channel_id: CHANNEL });
    await receive("GUILD_DELETE", { id: GUILD, unavailable: true });
    await pass(1_000);
    assert.deepEqual(state(), ["open"]);
  });
});

describe("[A1] [T10] a card", () => {
  it("is in the layout of the config, and loses its controls once its time is over", async () => {
    for (const [layout, flags] of [["text", 1 << 2], ["components", 1 << 15]] as const) {
      const scene = await asked(undefined, ask, undefined, { messages: { cards: layout } });
      const { pass, requests, rows, state, turn } = scene;
      const choices = rows("SELECT choice FROM question_control").map(({ choice }) => choice);
      await pass(86_400_000 - 2_000);
      assert.deepEqual([choices, state()], [["0", "1"], ["open"]]);
      await pass(2_000, 1_000);
      assert.deepEqual([state(), turn()], [["expired"], ["answered"]]);
      const about = requests.map((one) => ({ ...one, text: JSON.stringify(one.body) }))
        .filter(({ text }) => text.includes("Tea or") && !text.includes("learnt"));
      assert.deepEqual(about.map(({ method, body }) => [method, body["flags"]]), [
        ...[["POST", flags], ["PATCH", flags]],
      ]);
      assert.deepEqual(about.map(({ text }) => text.split("custom_id").length - 1), [2, 0]);
      assert.match(about[1]?.text ?? "", /No one answered in time/);
    }
  });

  it("goes on at once with a person's decision", async () => {
    const { account, clock, posted, rows, pass, state, turn } = await asked();
    const [{ code } = {}] = rows("SELECT code FROM question");
    const deciding = { by: { code: String(code) }, answer: { choice: "0" }, now: clock.now() };
    await decideQuestion(account, deciding);
    await pass(1_000);
    assert.deepEqual([state(), turn()], [["answered"], ["answered"]]);
    assert.match(posted().join(), /Tea or coffee\?\n.*tea.*,learnt/s);
  });
});

it("[H5] a turn reads reactions to the bot's messages", async () => {
  const scene = await testAccount({ discord: { guilds: { [GUILD]: { requireMention: false } } } });
  await scene.receive("GUILD_CREATE", guildData());
  await scene.write("hello");
  await scene.pass(1_000);
  await scene.receive("MESSAGE_REACTION_ADD", {
    ...{ user_id: ADA.id, channel_id: CHANNEL, guild_id: GUILD, message_author_id: SELF.userId },
    ...{ emoji: { id: null, name: "🌊" }, member: { user: ADA, roles: [] } },
    ...scene.rows("SELECT message_id FROM outbox")[0],
  });
  await scene.write("and?");
  assert.match(scene.asked.at(-1) ?? "", /🌊/);
});
