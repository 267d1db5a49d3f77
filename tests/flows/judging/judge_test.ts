import type { Origin, Reaction } from "../../../src/core/inbound/inbound.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AccountId, toAccountId } from "../../../src/core/discord/ids.ts";
import {
  intentOf,
  judge,
  mannerOf,
  permitReaction,
  proxiedUsers,
  recall,
  routeOf,
  routingOf,
  viewOf,
} from "../../../src/flows/judging/judge.ts";
import type { OurView } from "../../../src/flows/judging/judge.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  guildPlace,
  messageIdAt,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { runBeside, SELF, testAccount } from "../../support/bot/test_account.ts";
import { cases } from "../../support/long_form.ts";

const OURS = userId("777");
const NOW = Date.UTC(2026, 0, 1);
const ADA = userId("123456789012345678");

/** An account in open guilds, which has another one with the id `OURS` beside it. */
async function build(discord: object = {}) {
  const scene = await testAccount({ discord: { groupPolicy: "open", ...discord } });
  runBeside(scene.account, toAccountId("ours"), { userId: () => OURS });
  return scene;
}

const bot = (id: string) => sender({ id: userId(id), automaton: "bot" });

it("[I1] intentOf() scores a message once, by the talk of its channel", async () => {
  const guilds = { "*": { requireMention: false, intentFilter: { enabled: true } } };
  const at = (sec: number, text: string, fields = {}) => {
    const sentAt = NOW + sec * 1_000;
    return guildMessage({ id: messageIdAt(sentAt), sentAt, text, ...fields });
  };
  /** The score of a question after a talk. */
  const scoreAfter = async (...own: readonly (readonly [of: string, kind: string])[]) => {
    const { account, clock } = await build({ guilds });
    const intent = intentOf(account);
    const asked = at(1, `<@${SELF.userId}> what is two and two?`, { mention: "user" });
    const first = intent.factsOf(asked, "live");
    assert.equal(intent.factsOf(asked, "not_live"), first);
    assert.equal(intent.factsOf(at(0, "older"), "history"), undefined);
    intent.decided(asked, { kind: "accept", why: "mentioned", rule: "" });
    clock.advance(NOW + 2_000 - clock.now());
    for (const [of, kind] of own) {
      const message = {
        channelId: asked.channelId,
        content: "four",
        of: { kind: of, cause: asked.id },
      };
      intent.delivered({ message } as never, { kind } as never);
    }
    return intent.factsOf(at(4, "and what is three and three?"), "live")?.score ?? 0;
  };
  const silent = await scoreAfter();
  for (const kind of ["created", "found", "settled"]) {
    assert.ok(await scoreAfter(["reply", kind]) > silent, kind);
  }
  assert.equal(await scoreAfter(["draft", "created"], ["reply", "refused"]), silent);
});

describe("[K5] mannerOf()", () => {
  it("is as people have chosen for the conversation", async () => {
    const { account, store: { settings } } = await build();
    const plain = { think: undefined, showsThinking: false, showsSteps: false };
    for (
      const [name, value, manner] of [
        ["think", "high", { think: "high" }],
        ["reasoning", "on", { showsThinking: true }],
        ["verbose", "on", { showsSteps: true }],
        ["verbose", "off", {}],
      ] as const
    ) {
      await settings.change(ACCOUNT, name, name, value, 0);
      assert.deepEqual(mannerOf(account, name), { ...plain, ...manner });
    }
  });
});

describe("[K2] judge()", () => {
  it("goes by what owners have chosen for the place, and lets commands through", async () => {
    const { account, store } = await build();
    const message = guildMessage();
    const verdictOf = async (fields: object, name: "activation" | "send", value: string) => {
      await store.settings.change(ACCOUNT, message.channelId, name, value, 0);
      const judged = judge(account, { ...message, ...fields });
      await store.settings.change(ACCOUNT, message.channelId, name, undefined, 0);
      return judged.verdict;
    };
    const meant = { mention: "user" };
    assert.equal((await verdictOf({}, "activation", "always")).why, "mention-not-required");
    const { why, rule } = await verdictOf({}, "activation", "mention");
    assert.deepEqual([why, rule], ["no-mention", "/settings activation"]);
    assert.equal((await verdictOf(meant, "activation", "mention")).why, "mentioned");
    assert.deepEqual(await verdictOf(meant, "send", "off"), {
      kind: "ignore",
      why: "send-off",
      rule: "/settings send",
      keepAsContext: true,
    });
    assert.equal((await verdictOf({ text: "/status" }, "send", "off")).kind, "accept");
    assert.equal(judge(account, { ...message, text: "/status" }).command, "status");
    assert.equal(judge(account, { ...message, text: "/status now" }).command, undefined);
  });
});

describe("[S1] routeOf()", () => {
  it("gives commands a session beside the conversation, unless they change it", async () => {
    const { account } = await build();
    const keyOf = (text: string) => routeOf(account, guildMessage({ text })).sessionKey;
    assert.deepEqual([keyOf("/status"), keyOf("/new")], [`${keyOf("hi")}:commands`, keyOf("hi")]);
  });

  it("[N1] gives a run of a passive agent to that agent", async () => {
    const { account } = await build();
    const origin = { kind: "passive", agentId: "watcher", rule: "r" } as Origin;
    const route = routeOf(account, guildMessage({ origin }));
    assert.equal(route.agentId, "watcher");
  });
});

describe("[H1] recall()", () => {
  it("[N3] recalls no messages of our other accounts, even with allowBots", async () => {
    const { account } = await build({ allowBots: true });
    assert.equal(recall(account, guildMessage({ sender: bot("778") })).why, "no-mention");
    for (const mention of [undefined, "user"] as const) {
      const ours = guildMessage({ sender: bot(OURS), ...(mention && { mention }) });
      const verdict = recall(account, ours);
      assert.ok(verdict.kind === "ignore" && verdict.why === "own" && !verdict.keepAsContext);
      assert.equal(judge(account, ours).verdict.why, "own", "as it would be live");
    }
  });

  it("[P13] keeps messages that a PluralKit user wrote without a proxy", async () => {
    const { account } = await build({ pluralkit: { enabled: true } });
    proxiedUsers(account).add(ADA);
    const theirs = guildMessage({ sender: sender({ id: ADA }), mention: "user" });
    assert.equal(judge(account, theirs).verdict.why, "pluralkit-original");
    assert.equal(recall(account, theirs).why, "mentioned");
  });
});

it("[H5] [P16] permitReaction() › leaves facts of the store to the transaction", async () => {
  const { account } = await build({ dm: { policy: "pairing" } });
  const { accountId, channelId, id: messageId, place } = directMessage();
  const of = (fields: Partial<Reaction> = {}) =>
    permitReaction(account, {
      ...{ kind: "reaction", change: "added", emoji: "👍", on: "unknown" },
      ...{ accountId, channelId, messageId, place, sender: sender() },
      ...fields,
    })?.onlyIf;
  assert.deepEqual(of(), { isOwn: true, isPaired: true });
  assert.deepEqual(of({ change: "removed" }), { isKnown: true });
  assert.deepEqual(of({ place: guildPlace(), on: "own" }), {});
  assert.equal(of({ sender: bot(OURS) }), undefined);
});

it("[N2] [C6] one account answers a message, however many it mentions (law)", async () => {
  const accounts = ["default", "work", "third"].map(toAccountId);
  const idOf = (account: AccountId) => userId(`77${accounts.indexOf(account)}`);
  const processes = await Promise.all([true, false].map(async (requireMention) => {
    const views = new Map<AccountId, OurView>();
    return await Promise.all(accounts.map(async (accountId) => {
      const { account } = await build({ guilds: { "*": { requireMention } } });
      Object.assign(account, { accountId, self: () => ({ ...SELF, userId: idOf(accountId) }) });
      const { setup } = account.bot;
      const [discord] = setup.config.accounts;
      const all = accounts.map((accountId) => ({ ...discord, accountId }));
      const config = { ...setup.config, accounts: all };
      Object.assign(account.bot, { accounts: new Map(), views, setup: { ...setup, config } });
      views.set(accountId, { ...viewOf(account), isIn: () => true });
      return account;
    }));
  }));
  for (const account of processes.flat()) {
    account.reader.index.has = () => true; // in each guild
    routingOf(account, guildMessage()); // sees the channel
  }
  const sources = fc.constantFrom("live" as const, "history" as const, "not_live" as const);
  const replied = fc.option(fc.constantFrom(...accounts), { nil: undefined });
  fc.assert(
    fc.property(
      fc.constantFrom(...processes),
      fc.shuffledSubarray(accounts),
      replied,
      sources,
      (process, mentions, repliesTo, source) => {
        const author = repliesTo && { id: idOf(repliesTo), tag: "ours" };
        const accepting = process.filter((account) => {
          const { accountId } = account;
          const beside = accountId === repliesTo ? "reply" : undefined;
          const message = guildMessage({
            accountId,
            text: ["hello", ...mentions.map((one) => `<@${idOf(one)}>`)].join(" "),
            mention: mentions.includes(accountId) ? "user" : beside,
            mentionsOthers: mentions.some((one) => one !== accountId),
            quoted: author && { id: messageIdAt(NOW), author, text: "" },
          });
          return judge(account, message, {}, source).verdict.kind === "accept";
        }).map(({ accountId }) => accountId);
        const unmeant = process === processes[1] ? accounts[0] : undefined;
        const answers = mentions[0] ?? repliesTo ?? unmeant;
        assert.deepEqual(accepting, answers === undefined ? [] : [answers]);
      },
    ),
    { numRuns: cases(100, 1_000) },
  );
});
