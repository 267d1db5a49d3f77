import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AccountId, toAccountId } from "../../../src/core/discord/ids.ts";
import { createJudge } from "../../../src/flows/judging/judge.ts";
import type { CurrentPolicy } from "../../../src/flows/judging/policy_keeper.ts";
import { type OurAccount, recalledView, routingFacts } from "../../../src/flows/judging/routing.ts";
import { prepareAdmission } from "../../../src/policy/admission.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import { guildMessage, messageIdAt, sender, userId } from "../../support/discord/builders.ts";
import { loadTestConfig } from "../../support/config.ts";
import { cases } from "../../support/long_form.ts";

const OURS = userId("777");
const NOW = Date.UTC(2026, 0, 1);
const ADA = userId("123456789012345678");

async function judgeBy(discord: object) {
  const { discord: { access: policy } } = await loadTestConfig({ groupPolicy: "open", ...discord });
  const admit = prepareAdmission(policy, TEXT_COMMANDS);
  const current = { policy, admit, textCommands: TEXT_COMMANDS } as CurrentPolicy;
  return createJudge({
    policy: () => current,
    isOurs: (id) => id === OURS,
    isProxied: (id) => id === ADA,
    ownsApplication: () => false,
    continuesIn: () => false,
    now: () => 0,
  });
}

const bot = (id: string) => sender({ id: userId(id), automaton: "bot" });

describe("[K2] createJudge() › judge()", () => {
  it("goes by what owners have chosen for the place, and lets commands through", async () => {
    const policy = (await loadTestConfig({ groupPolicy: "open" })).discord.access;
    const admit = prepareAdmission(policy, TEXT_COMMANDS);
    const current = { policy, admit, textCommands: TEXT_COMMANDS } as CurrentPolicy;
    const judged = (message: object, chosen: object) =>
      createJudge({
        policy: () => current,
        isOurs: () => false,
        isProxied: () => false,
        ownsApplication: () => false,
        chosenIn: () => chosen,
        continuesIn: () => false,
        now: () => 0,
      }).judge(guildMessage({ sender: sender({ id: ADA }), ...message }));
    const verdictOf = (message: object, chosen: object) => judged(message, chosen).verdict;
    const meant = { mention: "user" };
    assert.equal(verdictOf({}, { activation: "always" }).why, "mention-not-required");
    assert.equal(verdictOf({}, { activation: "mention" }).why, "no-mention");
    assert.equal(verdictOf({}, { activation: "mention" }).rule, "/settings activation");
    assert.equal(verdictOf(meant, { activation: "mention" }).why, "mentioned");
    const silent = verdictOf(meant, { isSilenced: true });
    assert.deepEqual(silent, {
      kind: "ignore",
      why: "send-off",
      rule: "/settings send",
      keepAsContext: true,
    });
    assert.equal(verdictOf({ text: "/status" }, { isSilenced: true }).kind, "accept");
    assert.equal(judged({ text: "/status" }, {}).command, "status");
    assert.equal(judged({ text: "/status now" }, {}).command, undefined);
  });
});

describe("[H1] createJudge() › recall()", () => {
  it("[N3] recalls no messages of our other accounts, even with allowBots", async () => {
    const { judge, recall } = await judgeBy({ allowBots: true });
    const theirs = guildMessage({ sender: bot("778") });
    assert.equal(recall(theirs).why, "no-mention");
    for (const mention of [undefined, "user"] as const) {
      const ours = guildMessage({ sender: bot(OURS), ...(mention && { mention }) });
      const verdict = recall(ours);
      assert.equal(verdict.why, "own");
      assert.ok(verdict.kind === "ignore" && !verdict.keepAsContext);
      assert.equal(judge(ours).verdict.why, "own", "as it would be live");
    }
  });

  it("[P13] keeps messages that a PluralKit user wrote without a proxy", async () => {
    const { judge, recall } = await judgeBy({ pluralkit: { enabled: true } });
    const theirs = guildMessage({ sender: sender({ id: ADA }), mention: "user" });
    assert.equal(judge(theirs).verdict.why, "pluralkit-original");
    assert.equal(recall(theirs).why, "mentioned");
  });
});

it("[N2] [C6] one account answers a message, however many it mentions (law)", async () => {
  const accounts = ["default", "work", "third"].map(toAccountId);
  const idOf = (account: AccountId) => userId(`77${accounts.indexOf(account)}`);
  const policies = await Promise.all([true, false].map(async (requireMention) => {
    const discord = { groupPolicy: "open", guilds: { "*": { requireMention } } };
    return (await loadTestConfig(discord)).discord.access;
  }));
  const sources = fc.constantFrom("live" as const, "history" as const, "not_live" as const);
  const replied = fc.option(fc.constantFrom(...accounts), { nil: undefined });
  fc.assert(
    fc.property(
      fc.constantFrom(...policies),
      fc.shuffledSubarray(accounts),
      replied,
      sources,
      (policy, mentions, repliesTo, source) => {
        const admit = prepareAdmission(policy, TEXT_COMMANDS);
        const current = { policy, admit, textCommands: TEXT_COMMANDS } as CurrentPolicy;
        const ours: OurAccount[] = [];
        const judge = createJudge({
          policy: () => current,
          isOurs: () => false,
          isProxied: () => false,
          ownsApplication: () => false,
          continuesIn: () => false,
          routingOf: (message) => routingFacts(message, policy, ours),
          now: () => 0,
        });
        for (const accountId of accounts) {
          const view = { ...recalledView(idOf(accountId)), wouldAnswer: judge.wouldAnswer };
          ours.push({ accountId, view });
        }
        const author = repliesTo && { id: idOf(repliesTo), tag: "ours" };
        const accepting = accounts.filter((accountId) => {
          const beside = accountId === repliesTo ? "reply" : undefined;
          const message = guildMessage({
            accountId,
            text: ["hello", ...mentions.map((one) => `<@${idOf(one)}>`)].join(" "),
            mention: mentions.includes(accountId) ? "user" : beside,
            mentionsOthers: mentions.some((one) => one !== accountId),
            quoted: author && { id: messageIdAt(NOW), author, text: "" },
          });
          return judge.judge(message, {}, source).verdict.kind === "accept";
        });
        const unmeant = policy === policies[1] ? accounts[0] : undefined;
        const answers = mentions[0] ?? repliesTo ?? unmeant;
        assert.deepEqual(accepting, answers === undefined ? [] : [answers]);
      },
    ),
    { numRuns: cases(100, 1_000) },
  );
});
