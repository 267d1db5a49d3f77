import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoutingFacts } from "../../../src/core/inbound/facts.ts";
import type { Judged } from "../../../src/core/inbound/inbox.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createPassiveRuns } from "../../../src/flows/judging/passive.ts";
import { prepareTriggers } from "../../../src/policy/triggers.ts";
import { policy } from "../../policy/policies.ts";
import { ACCOUNT, guildMessage, sender } from "../../support/discord/builders.ts";

const rules = policy({
  passive: [{
    agentId: "watcher",
    channels: [{ agentId: "watcher", channel: "*", rule: "" }],
    triggers: [{ kind: "pattern", word: "", rule: "triggers[0]" }],
  }],
  patternsIn: (text) => text.includes("spam") ? ["triggers[0]"] : [],
});
const accept: Verdict = { kind: "accept", why: "mentioned", rule: "" };
const ignore = (why: "no-mention" | "pk-original" | "send-off" | "other-account") =>
  ({ kind: "ignore", why, rule: "", keepAsContext: true }) satisfies Verdict;
const message = { ...guildMessage(), text: "spam" };
const overheard: Judged = { message, verdict: ignore("no-mention") };

describe("[N1] [N2] createPassiveRuns() › runsBeside()", () => {
  const table: readonly (readonly [
    name: string,
    judged: Judged,
    expected: "posts" | "silent" | "no run",
    routing?: RoutingFacts,
  ])[] = [
    ["an overheard message", overheard, "posts"],
    ["an accepted one", { message, verdict: accept }, "silent"],
    ["an undecided one", {
      message,
      verdict: { kind: "undecided", why: "pluralkit", rule: "" },
    }, "silent"],
    ["one that mentions another account", overheard, "silent", { mentioned: [ACCOUNT] }],
    ["one that another account would answer", overheard, "silent", { accounts: [ACCOUNT] }],
    ["no match", { ...overheard, message: { ...message, text: "hi" } }, "no run"],
    ["a bot's", {
      ...overheard,
      message: { ...message, sender: sender({ automaton: "bot" }) },
    }, "no run"],
    ["a command of Barnacle", { ...overheard, command: "status" }, "no run"],
    ["the original of a proxied one", { message, verdict: ignore("pk-original") }, "no run"],
    ["/send off", { message, verdict: ignore("send-off") }, "no run"],
    ["one that catch-up leaves", { ...overheard, policyVerdict: accept }, "no run"],
  ];
  for (const [name, judged, expected, routing] of table) {
    it(`${name}: ${expected}`, () => {
      const { runsBeside } = createPassiveRuns({
        policy: () => ({ policy: rules, triggersOf: prepareTriggers(rules) }),
        routingOf: () => routing,
        now: () => 0,
      });
      const [run] = runsBeside(judged);
      const found = !run ? "no run" : run.triggered?.isAnswered ? "silent" : "posts";
      assert.equal(found, expected);
      assert.equal(runsBeside(judged)[0]?.id, run?.id);
    });
  }
});
