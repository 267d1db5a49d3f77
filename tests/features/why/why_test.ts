import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Step } from "../../../src/core/step.ts";
import { why } from "../../../src/features/why/why.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  directMessage,
  guildMessage,
  messageId,
  messageIdAt,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { batch, frozen, part } from "../../support/store/store.ts";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  HELP,
  removeDataFixtures,
} from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

/** Line 4 lists the guild, line 5 its allow list. */
const CONFIG = `{
  "channels": { "discord": {
    "guilds": {
      "1400000000000000010": {
        "users": ["123456789012345678", "grace"],
        "requireMention": true,
      },
    },
  } },
}
`;

const ID = messageId("1400000000000000001");

async function ask(fixture: DataFixture, asked: string = ID, json = false) {
  const io = recordingIo();
  const code = await why({ ...fixture.flags, json }, asked, { ...io, cwd: fixture.data });
  return { code, text: io.stdout.join("\n"), errors: io.stderr.join("\n") };
}

async function received(message: Partial<InboundMessage> = {}, config: object | string = CONFIG) {
  const fixture = createDataFixture(config);
  await fixture.receive(guildMessage({ id: ID, ...message }));
  return fixture;
}

type Ended = Parameters<Store["turns"]["finishTurn"]>[0];

/** Begins the turn of the oldest message, and ends it. */
async function ended(
  store: Store,
  end: Ended["end"],
  { outbox = [], cost }: Partial<Ended> = {},
  steps: readonly Step[] = [],
) {
  const claim = await store.inbox.claimNext(toAccountId("default"), 1_000, [], () => true);
  assert.ok(claim);
  if (steps.length > 0) await store.turns.addSteps(claim, steps, true);
  await store.turns.finishTurn({ claim, end, cost, entries: [], outbox }, 2_000);
  return claim;
}

describe("[P1] barnacle why", () => {
  it("shows each check, passed or failed, with its fact and its rule", async () => {
    const { code, text } = await ask(await received());
    assert.equal(code, 0);
    const lines = text.split("\n").filter((line) => /^ {2}(?:ok|NO) {2}/.test(line));
    assert.ok(lines.length >= 4, text);
    assert.match(text, /^ {2}ok {2}guild .*"Friends of Barnacle".* listed.*config\.jsonc:4\)$/m);
    assert.match(text, /^ {2}ok {2}sender .*"ada" \(123456789012345678\).*config\.jsonc:5\)$/m);
    assert.match(lines.at(-1) ?? "", /^ {2}NO {2}mention .*config\.jsonc:6\)$/);
    assert.equal(lines.filter((line) => line.startsWith("  NO")).length, 1, "the last one failed");
  });

  it("names the allow list that rejected the sender", async () => {
    const unknownSender = sender({ id: userId("1"), username: "mallory" });
    const { text } = await ask(await received({ sender: unknownSender, mention: "user" }));
    assert.match(text, /^Not answered: the sender is not on the allow list of this place/);
    assert.match(text, /NO {2}sender .*"mallory" \(1\)/);
    assert.doesNotMatch(text, / mention /, "no further checks follow");
  });

  const place = (keys: object = {}) => ({ guilds: { [GUILD]: keys } });
  const bot = sender({ automaton: "bot" });
  const group = { place: { kind: "group_dm" } } as const;
  const refusals: readonly [discord: object, message: InboundMessage, said: string][] = [
    [{ dm: { enabled: false } }, directMessage(), "direct messages are disabled (dm.enabled"],
    [
      { dm: { policy: "allowlist", allowFrom: ["1"] } },
      directMessage(),
      "the sender is not on the allow list for direct messages (dm.allowFrom",
    ],
    [{}, directMessage(group), "group chats are disabled (dm.groupEnabled"],
    [
      { dm: { groupEnabled: true, groupChannels: ["1"] } },
      directMessage(group),
      "this group chat is not on the allow list (dm.groupChannels",
    ],
    [{ groupPolicy: "disabled" }, guildMessage(), "guilds are disabled (groupPolicy"],
    [{ guilds: { 1: {} } }, guildMessage(), "this guild is not on the allow list (guilds"],
    [
      place({ channels: { random: {} } }),
      guildMessage(),
      `this channel is not on the guild's allow list (guilds.${GUILD}.channels`,
    ],
    [
      place({ channels: { help: { enabled: false } } }),
      guildMessage(),
      `this channel is disabled (guilds.${GUILD}.channels.help.enabled`,
    ],
    [
      place({ users: ["1"] }),
      guildMessage(),
      `the sender is not on the allow list of this place (guilds.${GUILD}.users`,
    ],
    [place(), guildMessage({ sender: bot }), "the bot does not answer other bots (allowBots"],
    [
      place(),
      guildMessage({ sender: sender({ automaton: "webhook" }) }),
      "the bot does not answer webhooks (allowBots",
    ],
    [
      place({ requireMention: true }),
      guildMessage(),
      "it does not mention the bot; the model may see it as context later " +
      `(guilds.${GUILD}.requireMention`,
    ],
    [
      place({ requireMention: false }),
      guildMessage({ text: "" }),
      "Discord withheld its text, so the bot cannot judge it (gateway.intents",
    ],
  ];
  for (const [discord, message, said] of refusals) {
    it(`says why the bot refuses: ${said.slice(0, said.lastIndexOf(" ("))}`, async () => {
      const fixture = createDataFixture({ channels: { discord } });
      await fixture.receive({ ...message, id: ID });
      const [first = ""] = (await ask(fixture)).text.split("\n");
      const whole = first.replace("channels.discord.", "");
      assert.ok(whole.startsWith(`Not answered: ${said}`), first);
    });
  }

  it("[T1] shows the steps of a turn that called tools, with their times", async () => {
    const fixture = await received({ mention: "user" });
    const calls = [{ id: "a", name: "read_channel_history", arguments: '{"limit":\n3}' }];
    const USED = { inputTokens: 90, outputTokens: 5, micros: 300 };
    await fixture.fill(async (store) => {
      const claim = await store.inbox.claimNext(toAccountId("default"), 1_000, []);
      assert.ok(claim);
      await store.turns.addSteps(claim, [
        { kind: "answer", text: "", calls, usage: USED, at: 2_200 },
        { kind: "result", callId: "a", end: "failed", text: "Error: \u001b[31mgone", at: 2_500 },
      ], true);
    });
    const { text } = await ask(fixture);
    assert.match(
      text,
      /^ {2}1 +model +1\.2 s +90 \+ 5 tokens, money 0.00030, calls read_channel_history$/m,
    );
    assert.match(text, /^ {2}2 +tool +300 ms +read_channel_history \{"limit": 3\}: Error: /m);
    assert.ok(!text.includes("\u001b"));
    const { steps } = JSON.parse((await ask(fixture, ID, true)).text);
    assert.deepEqual(steps.map(({ kind }: { kind: string }) => kind), ["model", "tool"]);
  });

  for (
    const [name, micros, models, expected] of [
      ["with its currency", 50_000, { currency: "EUR" }, "money 0.050 EUR"],
      ["alone without a currency", 50_000, {}, "money 0.050"],
      ["as `no price` without a price", undefined, { currency: "EUR" }, "no price"],
    ] as const
  ) {
    it(`[L5] shows the money of a turn ${name}`, async () => {
      const guilds = { [GUILD]: { users: ["123456789012345678"] } };
      const config = { channels: { discord: { guilds } }, models };
      const fixture = await received({ mention: "user" }, config);
      const calls = [{ id: "a", name: "look", arguments: "{}" }];
      const usage = { inputTokens: 90, outputTokens: 5, micros };
      const cost = { ...usage, model: "a/b", requests: 1, cachedTokens: 0, ms: 1_000 };
      const answer = { kind: "answer", text: "", calls, usage, at: 2_200 } as const;
      await fixture.fill(async (store) =>
        void await ended(store, { kind: "declined" }, { cost }, [answer])
      );
      const { text } = await ask(fixture);
      const ofTurn = / {2}model a\/b, 1 request, 90 \(0 cached\) \+ 5 tokens, (.+), 1\.0 s$/m;
      assert.equal(ofTurn.exec(text)?.[1], expected, text);
      const ofStep = / 90 \+ 5 tokens, (?:(.+), )?calls look$/m.exec(text);
      assert.ok(ofStep, text);
      assert.equal(ofStep[1], micros === undefined ? undefined : expected);
    });
  }

  it("[R11] explains the error id that the user got", async () => {
    const fixture = await received({ mention: "user" });
    const end = { kind: "failed", failureId: "0123456789ab", reason: "The model said no" } as const;
    await fixture.fill(async (store) => void await ended(store, end));
    const { code, text } = await ask(fixture, "`0123456789AB`");
    assert.equal(code, 0);
    assert.match(text, /^Error 0123456789ab is about the message 1400000000000000001/);
    assert.match(text, /^Accepted; its turn failed: it addresses the bot/m);
    assert.match(text, /error 0123456789ab: The model said no/);
  });

  it("shows turn and delivery, also for a link to the bot's answer", async () => {
    const fixture = await received({ mention: "user" });
    const own = messageId("1400000000000000099");
    await fixture.fill(async (store) => {
      const first = frozen({ channelId: HELP, nonce: "a", of: part(ID, { parts: 2 }) });
      const second = frozen({ channelId: HELP, nonce: "b", of: part(ID, { part: 1, parts: 2 }) });
      await ended(store, { kind: "answered" }, { outbox: [first, second] });
      const echoes = [{ nonce: "a", messageId: own, channelId: HELP }];
      await store.inbox.acceptBatch(batch({ echoes }), 3_000);
    });
    const { code, text } = await ask(
      fixture,
      `https://discord.com/channels/${GUILD}/${HELP}/${own}`,
    );
    assert.equal(code, 0);
    assert.match(text, new RegExp(`^The bot's answer ${own} is about .*${ID}`));
    assert.match(text, /^Answered, but not fully delivered: /m);
    assert.match(text, /^Turn: answered, attempt 1, agent main, session agent:main:discord/m);
    const [, first, second] = text.slice(text.indexOf("Delivery:")).split("\n");
    assert.match(first ?? "", new RegExp(`reply 1 of 2 +sent .*/${GUILD}/${HELP}/${own}$`));
    assert.match(second ?? "", /reply 2 of 2 +pending +since [\d :-]+ UTC$/);
  });

  it("[S5] shows that a message was answered with a later one", async () => {
    const fixture = await received({ mention: "user" });
    const later = messageId("1400000000000000002");
    await fixture.receive(guildMessage({ id: later, mention: "user" }));
    await fixture.fill(async (store) => {
      const calls = [{ id: "a", name: "recall", arguments: "{}" }];
      const outbox = [frozen({ channelId: HELP, nonce: "a", of: part(later) })];
      const steps = [{ kind: "answer", text: "", calls, at: 2_000 }] as const;
      const { also } = await ended(store, { kind: "answered" }, { outbox }, steps);
      assert.equal(also?.length, 1);
    });
    const first = (await ask(fixture)).text;
    assert.match(first, new RegExp(`^Answered together with the message ${later}, but not fully`));
    assert.match(first, new RegExp(`^ {2}the reply belongs to ${later}$`, "m"));
    assert.match(first, /^ {2}\d+ +reply +pending/m);
    const second = (await ask(fixture, later)).text;
    assert.match(second, new RegExp(`^ {2}part of the turn that began with ${ID}$`, "m"));
    assert.match(second, /calls recall$/m, "the steps are those of the turn");
  });

  it("[H6] [S5] shows turns that were cancelled, stopped or interrupted", async () => {
    const deleted = await received({ mention: "user" });
    await deleted.fill((store) =>
      store.inbox.acceptBatch(
        batch({ changes: [{ kind: "deleted", channelId: HELP, messageIds: [ID] }] }),
        Date.UTC(2026, 0, 1),
      )
    );
    const cancelled = (await ask(deleted)).text;
    assert.match(cancelled, /^Accepted; no answer: it was deleted, or edited into/);
    assert.match(cancelled, /^ {2}deleted 2026-01-01 00:00:00 UTC$/m);

    const stopped = await received({ mention: "user" });
    await stopped.fill((store) =>
      store.inbox.stopTurns({ accountId: toAccountId("default"), channelId: HELP }, 5)
    );
    const text = (await ask(stopped)).text;
    assert.match(text, /^Accepted; no answer: a person stopped the turn/);
    assert.match(text, /^ {2}reason: stopped by a person$/m);

    const interrupted = await received({ mention: "user" });
    await interrupted.fill(async (store) => void await ended(store, { kind: "interrupted" }));
    assert.match(
      (await ask(interrupted)).text,
      /^Accepted; no answer: a later message took the place of its turn/,
    );
  });

  it("[H6] shows edits before and after the answer", async () => {
    const fixture = await received({ mention: "user", revision: 7 });
    const edited = guildMessage({ id: ID, mention: "user", text: "anew", revision: 9 });
    await fixture.fill(async (store) => {
      await ended(store, { kind: "answered" });
      const verdict = { kind: "accept", why: "mentioned", rule: "rule" } as const;
      const changes = [{ kind: "edited", message: edited, verdict }] as const;
      await store.inbox.acceptBatch(batch({ changes }), Date.UTC(2026, 0, 1));
    });
    const { text } = await ask(fixture);
    assert.match(text, /^ {2}edited before the turn ended: the turn has the new text$/m);
    assert.match(text, /^ {2}edited 2026-01-01 00:00:00 UTC, after its turn$/m);
  });

  it("prints today's verdict if it differs", async () => {
    const fixture = await received();
    assert.doesNotMatch(
      (await ask(fixture)).text,
      /current config and pairings/,
      "it is the same today",
    );
    fixture.write(CONFIG.replace("true", "false"));
    const { text } = await ask(fixture);
    assert.match(text, /^Not answered: it does not mention/);
    assert.match(
      text,
      /^With the current config and pairings: answered: the bot answers here without/m,
    );
    fixture.write(CONFIG.replace('"123456789012345678", ', ""));
    assert.match((await ask(fixture)).text, /pairings: not answered: the sender is not on the/);
  });

  it("uses the policy of the time of the decision", async () => {
    const fixture = await received({ mention: "user" });
    fixture.write(`\n\n\n${CONFIG.replace('"123456789012345678", ', "")}`);
    const { text } = await ask(fixture);
    assert.match(text, /^Accepted; waiting for a turn: .*config\.jsonc:6\)/);
    assert.match(
      text,
      /current config and pairings: not answered: the sender is not on the allow list/,
    );
    assert.match(text, /NO {2}sender .*config\.jsonc:8\)/, "that line is of today's file");
  });

  it("[P3] reports that the sender of a second message already has a code", async () => {
    const fixture = createDataFixture({ channels: { discord: {} } });
    const unknownSender = sender({ id: userId("7"), username: "mallory" });
    const offer = {
      code: "ABCDEFGH",
      buttons: { approve: "yes", deny: "no" },
      messages: [frozen({ nonce: "c", of: part(ID, { kind: "challenge" }) })],
    };
    const { verdict, ...judged } = await fixture.receive(
      directMessage({ id: messageId("5"), sender: sender() }),
      { isPaired: true },
    );
    assert.equal(verdict.kind, "accept");
    const challenge = {
      kind: "challenge",
      why: "pairing",
      rule: "channels.discord.dm.policy",
    } as const;
    const say = (id: string) => ({
      ...judged,
      offer,
      knownFacts: {},
      message: directMessage({ id: messageId(id), sender: unknownSender }),
      verdict: challenge,
    });
    const second = "1400000000000000002";
    await fixture.fill(async (store) => {
      await store.inbox.acceptBatch(batch({ judged: [say(ID)] }), 1_000);
      await store.inbox.acceptBatch(batch({ judged: [say(second)] }), 2_000);
    });
    const first = await ask(fixture);
    assert.match(first.text, /^Not answered; the sender got a pairing code: the sender is neither/);
    assert.match(first.text, /challenge +pending/);
    assert.match(first.text, /NO {2}paired .*was not paired, and got a new code/);
    const { text } = await ask(fixture, second);
    assert.match(text, /^Not answered: the sender already has a pairing code/);
    assert.match(text, /NO {2}paired .*and had a valid code/);
    assert.doesNotMatch(text, /Another version/);
  });

  it("[P3] reports that a revoked pairing admits no one today", async () => {
    const fixture = createDataFixture({ channels: { discord: {} } });
    await fixture.receive(directMessage({ id: ID }), { isPaired: true });
    const { text } = await ask(fixture);
    assert.match(text, /^Accepted; waiting for a turn: a direct message from a paired user/);
    assert.match(
      text,
      /current config and pairings: not answered; the sender would get a pairing code/,
    );
  });

  it("prints the checks of each account that received the message", async () => {
    const fixture = createDataFixture({
      channels: {
        discord: {
          accounts: { work: { guilds: { [GUILD]: { requireMention: false } } } },
          guilds: { [GUILD]: {} },
        },
      },
    });
    await fixture.receive(guildMessage({ id: ID }));
    await fixture.receive(guildMessage({ id: ID, accountId: toAccountId("work") }));
    const { text } = await ask(fixture);
    assert.match(text, /^\[default\] Not answered: it does not mention/m);
    assert.match(text, /^\[work\] Accepted; waiting for a turn: .*accounts\.work\.guilds/m);
  });

  it("names the account that answers if two would", async () => {
    const fixture = createDataFixture({
      channels: { discord: { accounts: { default: {}, work: {} }, guilds: { [GUILD]: {} } } },
    });
    await fixture.receive(guildMessage({ id: ID, mention: "user" }));
    await fixture.receive(
      guildMessage({ id: ID, mention: "user", accountId: toAccountId("work") }),
    );
    const { text } = await ask(fixture);
    assert.match(text, /^\[default\] Accepted; waiting for a turn/m);
    assert.match(text, /^\[work\] Accepted; account default answers it/m);
  });

  it("[X1] keeps a name from moving the cursor", async () => {
    const nasty = sender({ username: "\u001b[2J\u202eada\n" });
    const { text } = await ask(await received({ sender: nasty }));
    assert.match(text, /ok {2}sender/);
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\u202e]/u);
  });

  it("works with an invalid config", async () => {
    const fixture = await received();
    fixture.write("{ nonsense");
    const { code, text, errors } = await ask(fixture);
    assert.equal(code, 0);
    assert.match(text, /^Not answered: it does not mention/);
    assert.match(errors, /the current config is invalid/);
  });
});

describe("[P1] barnacle why, for a message without a record", () => {
  const NOW = Date.now();
  const recent = messageIdAt(NOW - 60_000);

  const sent = new Date(NOW - 60_000).toISOString().slice(0, 10);
  const begun = [["a", NOW - 3_600_000]] as const;
  const stopped = [["a", NOW - 3_600_000, NOW - 1_800_000], ["b", NOW - 30_000]] as const;
  const link = `https://discord.com/channels/77/78/${recent}`;
  const cases: readonly (readonly [
    runs: readonly (readonly [runId: string, from: number, to?: number])[],
    asked: string,
    says: RegExp,
  ])[] = [
    [begun, recent, new RegExp(`^Never received: no record of message ${recent}, sent ${sent}`)],
    [stopped, recent, /^FAIL +Bot +was not running: ended .*\(stopped\), started again/m],
    [begun, link, /^FAIL +Place +the bot is not in guild 77\n.*barnacle invite/m],
  ];
  for (const [runs, asked, says] of cases) {
    it(`says ${says.source.slice(0, 40)}`, async () => {
      const fixture = createDataFixture(CONFIG);
      await fixture.fill(async ({ gateway }) => {
        for (const [runId, startedAt, to] of runs) {
          await gateway.startRun({ runId, startedAt });
          if (to !== undefined) await gateway.endRun(runId, "stopped", to);
        }
      });
      const { code, text } = await ask(fixture, asked);
      assert.equal(code, 1);
      assert.match(text, says);
      const { received, causes } = JSON.parse((await ask(fixture, asked, true)).text);
      assert.deepEqual([received, causes.length > 3], [false, true]);
    });
  }

  for (const asked of ["hello", "", "12", "<#123456789012345678>", "https://example.com/1/2/3"]) {
    it(`[O7] exits with 2 on ${JSON.stringify(asked)}`, async () => {
      const { code, errors } = await ask(createDataFixture(CONFIG), asked);
      assert.equal(code, 2);
      assert.match(errors, /neither a message link or id nor an error id/);
    });
  }
});

describe("[V5] barnacle why about a message that a person has spoken", () => {
  it("says so, with the length of the sound", async () => {
    const fixture = createDataFixture(CONFIG);
    const spoken = { origin: { kind: "speech", seconds: 2.3 } as const, mention: "user" as const };
    await fixture.receive(
      guildMessage({ id: ID, sender: sender({ username: "grace" }), ...spoken }),
    );
    assert.match((await ask(fixture)).text, /spoken, 3 s; its answer is spoken/);
  });
});
