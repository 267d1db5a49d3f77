import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { ThreadRules } from "../../../src/core/outbound/outbound.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import {
  continuesIn,
  openAnswerThread,
  opensThreadFor,
  threadMembersChanged,
} from "../../../src/flows/judging/answer_threads.ts";
import { startInbound } from "../../../src/flows/inbound/accept.ts";
import { type Given, SELF, testAccount } from "../../support/bot/test_account.ts";
import { refused } from "../../support/discord/answers.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { ADA, CHANNEL, GUILD, guildData } from "../../support/discord/payloads.ts";

const FIRST = messageId("1400000000000000002");
const THREAD = channelId(FIRST);

/** A guild whose answers open threads, as the test says. @param failures Of the first requests. */
async function build(
  rules: Partial<ThreadRules> = {},
  { failures = [], ...given }: Given & { readonly failures?: Error[] } = {},
) {
  const scene = await testAccount({
    discord: { guilds: { [GUILD]: { users: ["*"], threads: { auto: "mention", ...rules } } } },
    beside: { messages: { groupChat: { mentionPatterns: ["barnie"] } } },
    answer: ({ path }) => /\/messages\/\d+\/threads$/.test(path) ? failures.shift() : undefined,
    ...given,
  });
  await scene.receive("GUILD_CREATE", guildData());
  const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
  return {
    ...scene,
    ask: (text: string) => scene.write(`<@${SELF.userId}> ${text}`, { mentions }),
    started: () =>
      scene.requests.filter(({ path }) => path.endsWith("/threads")).map(({ body }) =>
        body["name"]
      ),
    states: () => scene.rows("SELECT state FROM answer_thread").map(({ state }) => state),
    homes: () =>
      scene.rows("SELECT message ->> '$.channelId' AS home FROM outbox").map(({ home }) => home),
  };
}

const UNAVAILABLE = new RestError("no answer", { kind: "unavailable", route: "POST /" });
const FORBIDDEN = refused(403, 50013);

describe("[S7] a question opens a thread for its answer", () => {
  const place = guildPlace();
  const question = (given: Partial<InboundMessage> = {}) =>
    guildMessage({ mention: "user", ...given });
  const thread = { id: channelId("9"), name: "t" };
  const cases: readonly [what: string, auto: ThreadRules["auto"], InboundMessage, boolean][] = [
    ["a mention", "mention", question(), true],
    ["a pattern", "mention", guildMessage({ text: "barnie?" }), true],
    ["no mention", "mention", guildMessage(), false],
    ["no mention, with `all`", "all", guildMessage(), true],
    ["a mention, with `off`", "off", question(), false],
    ["a message in a thread", "all", guildMessage({ place: { ...place, thread } }), false],
    ["an unknown place", "all", guildMessage({ place: { ...place, isUnknown: true } }), false],
    ["a direct message", "all", directMessage(), false],
  ];
  for (const [what, auto, message, opens] of cases) {
    it(`${opens ? "for" : "not for"} ${what}`, async () => {
      const discord = { guilds: { "*": { users: ["*"], threads: { auto } } } };
      const { account } = await build({}, { discord });
      assert.equal(opensThreadFor(account, message), opens);
    });
  }

  it("with its words as the title, the asker in it, and no secret", async () => {
    const { ask, account, started, homes, states, requests } = await build();
    await ask("my hunter2 tides");
    assert.deepEqual(started(), ["my [redacted] tides"]);
    assert.ok(requests.some(({ path }) => path === `/channels/${THREAD}/thread-members/${ADA.id}`));
    assert.deepEqual([homes(), states()], [[THREAD], ["open"]]);
    assert.ok(continuesIn(account, THREAD));
  });

  it("but not for a silent turn", async () => {
    const { ask, started, homes } = await build({}, { says: () => "NO_REPLY" });
    await ask("well?");
    assert.deepEqual([started(), homes()], [[], []]);
  });

  it("with a title by the model, or its words if there is none", async () => {
    for (
      const [byModel, title] of [["**Feeding krill**", "Feeding krill"], ["", "hello"]] as const
    ) {
      const texts = ["fine", byModel];
      const { ask, started } = await build({ title: "model" }, { says: () => texts.shift() ?? "" });
      await ask("hello");
      assert.deepEqual(started(), [title]);
    }
  });

  for (const failures of [[], [FORBIDDEN]]) {
    it(`[X5] [H6a] whose title only Discord keeps, after ${failures.length} refusals`, async () => {
      const texts = ["fine", "Words of others"];
      const says = () => texts.shift() ?? "";
      const { ask, started, rows } = await build({ title: "model" }, { says, failures });
      await ask("hello");
      assert.deepEqual(started(), ["Words of others"]);
      for (const { name } of rows("SELECT name FROM pragma_table_list WHERE schema = 'main'")) {
        const all = JSON.stringify(rows(`SELECT * FROM "${name}"`));
        assert.ok(!all.includes("Words of others"), String(name));
      }
    });
  }

  for (const state of ["opening", "open", "refused"] as const) {
    it(`[D1] with the title and the place from before a crash: ${state}`, async () => {
      const { ask, started, homes, store } = await build({ title: "model" });
      const row = { threadId: THREAD, channelId: channelId("1"), askerId: userId(ADA.id) };
      await store.turns.beginThread(ACCOUNT, { ...row, title: "Before", state: "opening" }, 1);
      if (state !== "opening") await store.turns.endThread(ACCOUNT, THREAD, state);
      await ask("hello");
      assert.deepEqual(started(), state === "opening" ? ["Before"] : []);
      assert.deepEqual(homes(), [state === "refused" ? CHANNEL : THREAD]);
    });
  }

  it("unless Discord has refused one there in the last ten minutes", async () => {
    const { ask, account, homes, states, pass, started } = await build({}, {
      failures: [FORBIDDEN],
    });
    await ask("one?");
    assert.deepEqual([homes(), states()], [[CHANNEL], ["refused"]]);
    assert.ok(!continuesIn(account, THREAD));
    await ask("two?");
    await pass(600_000);
    await ask("three?");
    assert.deepEqual(started(), ["one?", "three?"]);
  });

  it("after more attempts, while Discord does not answer", async () => {
    const { ask, pass, homes, started } = await build({}, { failures: [UNAVAILABLE, UNAVAILABLE] });
    await ask("well?");
    await pass(1_000);
    await pass(4_000);
    assert.deepEqual([started().length, homes()], [3, [THREAD]]);
  });

  it("[S3] if a tool opens it, with its session", async () => {
    const scene = await build({ auto: "off" }, {
      async says() {
        await openAnswerThread(scene.account, guildMessage({ id: FIRST }), "By a tool");
        return "fine";
      },
    });
    await scene.ask("well?");
    assert.deepEqual([scene.started(), scene.homes()], [["By a tool"], [THREAD]]);
    const keys = scene.rows("SELECT DISTINCT session_key AS key FROM entry");
    assert.deepEqual(keys, [{ key: `agent:main:discord:channel:${THREAD}` }]);
    await assert.rejects(openAnswerThread(scene.account, directMessage(), "t"), /no threads here/);
  });
});

describe("[S7] the conversation in a thread", () => {
  it("continues only while the asker is in it, also after a restart", async () => {
    const { ask, account, rows, quiet } = await build();
    await ask("well?");
    const asker = userId(ADA.id);
    const change = async (joined: string[], left: string[]) => {
      const users = { joined: joined.map(userId), left: left.map(userId) };
      threadMembersChanged(account, { threadId: THREAD, ...users });
      await quiet();
      return continuesIn(account, THREAD);
    };
    assert.equal(await change([], ["8"]), true);
    assert.equal(await change([], [asker]), false);
    assert.deepEqual(rows("SELECT has_asker FROM answer_thread"), [{ has_asker: 0 }]);
    assert.equal(await change(["8"], []), false);
    assert.equal(await change([asker], []), true);
    assert.deepEqual(rows("SELECT has_asker FROM answer_thread"), [{ has_asker: 1 }]);

    account.live.length = 0; // as a new process
    assert.ok(!continuesIn(account, THREAD));
    await startInbound(account);
    assert.ok(continuesIn(account, THREAD));
  });

  it("is archived by its asker's mark, and by no one else's", async () => {
    const { ask, receive, requests } = await build();
    await ask("well?");
    const archived = () => requests.filter(({ body }) => body["archived"]).length;
    const emoji = { id: null, name: "✅" };
    const react = (user_id: string, name = emoji.name, at = {}) =>
      receive("MESSAGE_REACTION_ADD", {
        ...{ user_id, message_id: FIRST, channel_id: CHANNEL, guild_id: GUILD, ...at },
        emoji: { ...emoji, name },
        member: { user: { ...ADA, id: user_id }, roles: [] },
      });
    await react("8");
    await react(ADA.id, "👍");
    await react(ADA.id, emoji.name, {
      channel_id: THREAD,
      message_id: "9",
      message_author_id: "8",
    });
    assert.equal(archived(), 0);
    await react(ADA.id);
    assert.equal(archived(), 1);
  });
});
