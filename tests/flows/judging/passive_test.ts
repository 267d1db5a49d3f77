import { recalledView } from "../../../src/bot/account/accounts.ts";
import { cameBy } from "../../../src/core/inbound/inbound.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage, Reaction } from "../../../src/core/inbound/inbound.ts";
import type { Judged, Verdict } from "../../../src/core/inbound/inbox.ts";
import { runsBeside, runsOnReaction } from "../../../src/flows/judging/judge.ts";
import { guildMessage, sender, userId } from "../../support/discord/builders.ts";
import { runBeside, testAccount } from "../../support/bot/test_account.ts";

const OTHER = userId("778");
const accept: Verdict = { kind: "accept", why: "mentioned", rule: "" };
const ignore = (why: "no-mention" | "pk-original" | "send-off") =>
  ({ kind: "ignore", why, rule: "", keepAsContext: true }) satisfies Verdict;
const saying = (fields: Partial<InboundMessage> = {}) => guildMessage({ text: "spam", ...fields });
const message = saying();
const overheard: Judged = { message, verdict: ignore("no-mention") };

/** An account with a passive agent; one more account of the process would answer, or not. */
async function build(wouldAnswer = false) {
  const triggers = [{ pattern: "spam" }, { reaction: "👀" }];
  const watcher = { role: "passive", channels: ["help"], triggers };
  const scene = await testAccount({
    discord: { groupPolicy: "open" },
    beside: {
      agents: { list: [{ id: "main" }, { id: "watcher" }] },
      router: { assignments: { watcher } },
    },
  });
  const view = { ...recalledView(OTHER), wouldAnswer: () => wouldAnswer };
  runBeside(scene.account, toAccountId("work"), { userId: () => OTHER }, view);
  return scene;
}

describe("[N1] [N2] runsBeside()", () => {
  const undecided: Verdict = { kind: "undecided", why: "pluralkit", rule: "" };
  const mentioning = saying({ text: `<@${OTHER}> spam`, mentionsOthers: true });
  const table: readonly (readonly [
    name: string,
    judged: Judged,
    expected: "posts" | "silent" | "no run",
    wouldAnswer?: boolean,
  ])[] = [
    ["an overheard message", overheard, "posts"],
    ["an accepted one", { message, verdict: accept }, "silent"],
    ["an undecided one", { message, verdict: undecided }, "silent"],
    ["one that mentions another account", { ...overheard, message: mentioning }, "silent"],
    ["one that another account would answer", overheard, "silent", true],
    ["no match", { ...overheard, message: saying({ text: "hi" }) }, "no run"],
    [
      "a bot's",
      { ...overheard, message: saying({ sender: sender({ automaton: "bot" }) }) },
      "no run",
    ],
    ["a command of Barnacle", { ...overheard, command: "status" }, "no run"],
    ["the original of a proxied one", { message, verdict: ignore("pk-original") }, "no run"],
    ["/send off", { message, verdict: ignore("send-off") }, "no run"],
    ["one that catch-up leaves", { ...overheard, policyVerdict: accept }, "no run"],
  ];
  for (const [name, judged, expected, wouldAnswer] of table) {
    it(`${name}: ${expected}`, async () => {
      const { account } = await build(wouldAnswer);
      const [run] = runsBeside(account, judged);
      const found = !run ? "no run" : cameBy(run, "passive")?.isAnswered ? "silent" : "posts";
      assert.equal(found, expected);
      assert.equal(runsBeside(account, judged)[0]?.id, run?.id);
    });
  }
});

it("[N1] runsOnReaction() › counts a reaction once, if the policy is certain of it", async () => {
  const { account, clock } = await build();
  const { accountId, channelId, id: messageId, place, guildId } = message;
  const on = { accountId, channelId, messageId, place, guildId, sender: sender() };
  const reaction: Reaction = { kind: "reaction", change: "added", emoji: "👀", on: "other", ...on };
  const runs = (fields: Partial<Reaction> = {}, onlyIf: object = {}) =>
    runsOnReaction(account, { ...reaction, ...fields }, { onlyIf } as never).length;
  assert.deepEqual(
    [runs({}, { isOwn: true }), runs({ change: "removed" }), runs({ emoji: "👍" })],
    [...[0, 0, 0]],
  );
  assert.equal(runs({ sender: sender({ automaton: "bot" }) }), 0);
  assert.deepEqual([runs(), runs()], [1, 0]);
  clock.advance(account.policy().policy.dedupWindowMs);
  assert.equal(runs(), 1);
});
