import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../src/core/discord/ids.ts";
import type { VerdictCheck } from "../../src/core/inbound/inbox.ts";
import { createRecorder, formsOf, isNameKey } from "../../src/policy/rules.ts";
import { slug } from "../../src/core/names.ts";
import {
  type AgentChoice,
  exactnessOf,
  prepareRouter,
  type RoutedMessage,
} from "../../src/policy/router.ts";
import type { Binding, RouterRules } from "../../src/policy/rules.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { cases } from "../support/long_form.ts";

const RUNS = { numRuns: cases(300, 5_000) };
const MAIN = toAccountId("default");
const WORK = toAccountId("work");
const HELP = guildPlace().channel.id;
const GUILD = guildPlace().guild.id;
const THREAD = channelId("1400000000000000012");
const ADA = sender().id;
const inThread = guildMessage({ place: guildPlace({ thread: { id: THREAD, name: "research" } }) });

/** Rules from short forms: `"a: help, *"` assigns, and a binding's path is its index. */
function rules(
  { agents = ["first", "a", "b"], assigned = [], bindings = [] }: {
    readonly agents?: readonly string[];
    readonly assigned?: readonly string[];
    readonly bindings?: readonly (readonly [agentId: string, match: Binding["match"]])[];
  },
): RouterRules {
  const [first = "first", ...others] = agents;
  const agent = (id: string, index: number) => ({ id, rule: `agents.list[${index}]` });
  return {
    agents: [agent(first, 0), ...others.map((id, index) => agent(id, index + 1))],
    assigned: assigned.flatMap((text) => {
      const [agentId = "", channels = ""] = text.split(": ");
      return channels.split(", ").map((channel, index) => ({
        agentId,
        channel,
        rule: `router.assignments.${agentId}.channels[${index}]`,
      }));
    }),
    bindings: bindings.map(([agentId, match], index) => ({
      agentId,
      match,
      rule: `bindings[${index}]`,
    })),
  };
}

const inWords = ({ agentId, accountId, rule }: AgentChoice): string =>
  `${agentId} at ${accountId} by ${rule}`;

type Case = readonly [
  name: string,
  given: Parameters<typeof rules>[0],
  message: RoutedMessage,
  expected: string,
];

const both = [MAIN, WORK];
const seenByBoth = { accounts: both };
const table: readonly Case[] = [
  ["the first agent if nothing matches", {}, guildMessage(), "first at default by agents.list[0]"],
  [
    "no name of an agent that is bound to other users only",
    { bindings: [["b", { userId: "123456789012345679" }]] },
    { ...guildMessage(), named: ["b"] },
    "first at default by agents.list[0]",
  ],
  [
    "no thread of such an agent",
    { bindings: [["b", { userId: "123456789012345679" }]] },
    { ...inThread, threadAgent: "b" },
    "first at default by agents.list[0]",
  ],
  [
    "its name, said by such a user in a channel of another agent",
    { assigned: ["a: *"], bindings: [["b", { userId: ADA }]] },
    { ...guildMessage(), named: ["b"] },
    "b at default by agents.list[2]",
  ],
  [
    "the name of an agent that is bound to a user, and has a channel",
    { assigned: ["b: other"], bindings: [["b", { userId: "123456789012345679" }]] },
    { ...guildMessage(), named: ["b"] },
    "b at default by agents.list[2]",
  ],
  [
    "an agent whose pattern is in the text before a thread",
    {},
    { ...inThread, named: ["b"], threadAgent: "a" },
    "b at default by agents.list[2]",
  ],
  [
    "the first of two agents that the text names",
    {},
    { ...guildMessage(), named: ["b", "a"] },
    "a at default by agents.list[1]",
  ],
  [
    "the agent of a mentioned account before one that the text names",
    { bindings: [["b", { accountId: "work" }]] },
    { ...guildMessage(), mentioned: [WORK], named: ["a"], ...seenByBoth },
    "b at work by bindings[0]",
  ],
  [
    "the first of two mentioned accounts",
    { bindings: [["b", { accountId: "work" }], ["a", { accountId: "default" }]] },
    { ...guildMessage(), mentioned: [WORK, MAIN], ...seenByBoth },
    "b at work by bindings[0]",
  ],
  [
    "by other steps if the mentioned account has no agent of its own, and answers by that account",
    { assigned: ["a: help"], bindings: [["a", { accountId: "default" }]] },
    { ...guildMessage(), mentioned: [WORK], ...seenByBoth },
    "a at work by router.assignments.a.channels[0]",
  ],
  [
    "the agent of the account that a direct message addresses",
    { assigned: ["a: *"], bindings: [["b", { accountId: "work" }]] },
    { ...directMessage(), accountId: WORK, mentioned: [WORK] },
    "b at work by bindings[0]",
  ],
  [
    "the thread's agent before its channel's",
    { assigned: ["b: help"] },
    { ...inThread, threadAgent: "a" },
    "a at default by agents.list[1]",
  ],
  [
    "another than the thread's agent if that one is gone, or passive",
    { assigned: ["b: help"] },
    { ...inThread, threadAgent: "gone" },
    "b at default by router.assignments.b.channels[0]",
  ],
  [
    "an id before a name, and a name before *",
    { assigned: ["first: *", "a: help", `b: ${HELP}`] },
    guildMessage(),
    "b at default by router.assignments.b.channels[0]",
  ],
  [
    "a name before *",
    { assigned: ["first: *", "a: help"] },
    guildMessage(),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "a name in each of its spellings",
    { assigned: ["a: help-desk"] },
    guildMessage({ place: guildPlace({ channel: { id: HELP, name: "Help Desk" } }) }),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "a written name in each of its spellings",
    { assigned: ["a: #Help Desk", "b: help-desk"] },
    guildMessage({ place: guildPlace({ channel: { id: HELP, name: "help-desk" } }) }),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "a name without Latin letters, with # or without",
    { assigned: ["a: #日本語"] },
    guildMessage({ place: guildPlace({ channel: { id: HELP, name: "日本語" } }) }),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "a thread's id before the name of its channel",
    { assigned: ["a: help", `b: ${THREAD}`] },
    inThread,
    "b at default by router.assignments.b.channels[0]",
  ],
  [
    "the assignment of a thread's channel, never one by the thread's name",
    { assigned: ["a: help", "b: research"] },
    inThread,
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "* in direct messages",
    { assigned: ["a: *"] },
    directMessage(),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "the first of two agents with the same assignment",
    { assigned: ["a: help", "b: help"] },
    guildMessage(),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "an assignment before a binding",
    { assigned: ["a: *"], bindings: [["b", { channelId: HELP }]] },
    guildMessage(),
    "a at default by router.assignments.a.channels[0]",
  ],
  [
    "a channel's binding before a user's, a guild's and an account's",
    {
      bindings: [
        ["first", { accountId: "default" }],
        ["first", { guildId: GUILD }],
        ["first", { userId: ADA, guildId: GUILD }],
        ["b", { channelId: HELP }],
      ],
    },
    guildMessage(),
    "b at default by bindings[3]",
  ],
  [
    "the binding with more keys",
    { bindings: [["a", { channelId: HELP }], ["b", { channelId: HELP, userId: ADA }]] },
    guildMessage(),
    "b at default by bindings[1]",
  ],
  [
    "no binding of which one key differs",
    { bindings: [["a", { channelId: HELP, userId: userId("123456789012345679") }]] },
    guildMessage(),
    "first at default by agents.list[0]",
  ],
  [
    "a thread's binding before its channel's",
    { bindings: [["a", { channelId: HELP, guildId: GUILD }], ["b", { channelId: THREAD }]] },
    inThread,
    "b at default by bindings[1]",
  ],
  [
    "the first of two equal bindings",
    { bindings: [["a", { guildId: GUILD }], ["b", { guildId: GUILD }]] },
    guildMessage(),
    "a at default by bindings[0]",
  ],
  [
    "a user's binding in direct messages, and no guild's",
    { bindings: [["a", { guildId: GUILD }], ["b", { userId: ADA }]] },
    directMessage(),
    "b at default by bindings[1]",
  ],
  [
    "the agent's own account if both see the message",
    { assigned: ["b: help"], bindings: [["b", { accountId: "work" }]] },
    { ...guildMessage(), ...seenByBoth },
    "b at work by router.assignments.b.channels[0]",
  ],
  [
    "an account that no other agent has, if the agent has none",
    { assigned: ["a: help"], bindings: [["b", { accountId: "default" }]] },
    { ...guildMessage(), ...seenByBoth },
    "a at work by router.assignments.a.channels[0]",
  ],
  [
    "the first of two bound accounts, in the order of the bindings",
    { bindings: [["b", { accountId: "work" }], ["a", { accountId: "default" }]] },
    { ...guildMessage(), ...seenByBoth },
    "b at work by bindings[0]",
  ],
  [
    "the binding of the one account that sees the message",
    { bindings: [["b", { accountId: "work" }], ["a", { accountId: "default" }]] },
    guildMessage(),
    "a at default by bindings[1]",
  ],
];

describe("[N2] prepareRouter()", () => {
  for (const [name, given, message, expected] of table) {
    it(`chooses ${name}`, () => {
      assert.equal(inWords(prepareRouter(rules(given))(message)), expected);
    });
  }

  it("reports each step up to the one that decides", () => {
    const checks: VerdictCheck[] = [];
    const router = prepareRouter(rules({ bindings: [["b", { userId: ADA }]] }));
    router(guildMessage(), createRecorder(checks, (rule) => rule));
    assert.deepEqual(checks.map(({ id, passed, fact, rule }) => [id, passed, fact, rule]), [
      ["named", true, "it names no agent", "agents.list"],
      ["thread", true, "it is in no thread", "agents.list"],
      ["assigned", true, "its channel is assigned to no agent", "router.assignments"],
      ["bound", true, `user ${ADA} is bound to the agent "b"`, "bindings[0]"],
    ]);
  });
});

const AGENTS = ["first", "a", "b", "c"];
const ACCOUNTS = [MAIN, WORK, toAccountId("third")];
const channels = ["1400000000000000011", "1400000000000000012", "1400000000000000013"] as const;
const people = ["123456789012345678", "123456789012345679"] as const;
const names = ["help", "help-desk", "#Help Desk", "*", ...channels];
const anAgent = fc.constantFrom(...AGENTS, "gone");
const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const aMatch: fc.Arbitrary<Binding["match"]> = fc.record({
  accountId: option(fc.constantFrom(...ACCOUNTS)),
  guildId: option(fc.constantFrom(GUILD, "1400000000000000019")),
  channelId: option(fc.constantFrom(...channels)),
  userId: option(fc.constantFrom(...people)),
});
const someRules: fc.Arbitrary<RouterRules> = fc.record({
  agents: fc.subarray(AGENTS, { minLength: 1 }),
  assigned: fc.array(fc.tuple(anAgent, fc.constantFrom(...names)), { maxLength: 5 }),
  bindings: fc.array(fc.tuple(anAgent, aMatch), { maxLength: 8 }),
}).map(({ assigned, ...given }) =>
  rules({ ...given, assigned: assigned.map(([agentId, channel]) => `${agentId}: ${channel}`) })
);
const aMessage: fc.Arbitrary<RoutedMessage> = fc.record({
  isDirect: fc.constantFrom(true, false, false, false),
  channel: fc.constantFrom(...channels),
  name: fc.constantFrom("help", "Help Desk", "other"),
  thread: option(fc.constantFrom(...channels)),
  person: fc.constantFrom(...people),
  named: fc.subarray(AGENTS),
  isNamed: fc.boolean(),
  threadAgent: option(anAgent),
}).map(({ isDirect, channel, name, thread, person, named, isNamed, threadAgent }) => {
  const fields = { sender: sender({ id: userId(person) }) };
  const beside = { named: isNamed ? named : undefined, threadAgent };
  if (isDirect) return { ...directMessage(fields), ...beside };
  const place = guildPlace({
    channel: { id: channelId(channel), name },
    thread: thread === undefined ? undefined : { id: channelId(thread), name: "a thread" },
  });
  return { ...guildMessage({ ...fields, place }), ...beside };
});

/** The paragraph N2, step by step and without maps. */
function byTheBook({ agents, assigned, bindings }: RouterRules, message: RoutedMessage): string {
  const isActive = (id: string) => agents.some((agent) => agent.id === id);
  const { place, sender, named = [], threadAgent = "" } = message;
  const addressed = message.mentioned?.[0];
  const own = bindings.find(({ agentId, match }) =>
    addressed !== undefined && isActive(agentId) && match.accountId === addressed &&
    match.guildId === undefined && match.channelId === undefined && match.userId === undefined
  );
  if (own) return own.agentId;
  const mayReach = (id: string) => {
    const theirs = bindings.filter(({ agentId }) => agentId === id);
    const isReserved = id !== agents[0].id && theirs.length > 0 &&
      theirs.every(({ match }) => match.userId !== undefined) &&
      !assigned.some(({ agentId }) => agentId === id);
    return !isReserved || theirs.some(({ match }) => match.userId === sender.id);
  };
  const byName = agents.find(({ id }) => named.includes(id) && mayReach(id));
  if (byName) return byName.id;
  if (isActive(threadAgent) && mayReach(threadAgent)) return threadAgent;
  const inGuild = place.kind === "guild" ? place : undefined;
  const ids: readonly (string | undefined)[] = [message.channelId, inGuild?.channel.id];
  const keys = [...ids, ...inGuild ? formsOf(inGuild.channel.name) : [], "*"];
  for (const key of keys) {
    const entry = assigned.find(({ agentId, channel }) =>
      isActive(agentId) && (channel === key || isNameKey(channel) && slug(channel) === key)
    );
    if (entry) return entry.agentId;
  }
  const present = addressed === undefined ? message.accounts ?? [message.accountId] : [addressed];
  const best = bindings.filter(({ agentId, match }) =>
    isActive(agentId) &&
    (match.channelId === undefined || ids.includes(match.channelId)) &&
    (match.userId === undefined || match.userId === sender.id) &&
    (match.guildId === undefined || match.guildId === inGuild?.guild.id) &&
    (match.accountId === undefined || present.some((one) => one === match.accountId))
  ).toSorted((one, other) => rank(other) - rank(one));
  function rank({ match }: Binding): number {
    return exactnessOf(match) + (match.channelId === ids[0] && match.channelId ? 16 : 0);
  }
  return best[0]?.agentId ?? agents[0].id;
}

describe("[N2] laws of prepareRouter()", () => {
  it("chooses by the book", () => {
    fc.assert(
      fc.property(someRules, aMessage, fc.subarray(ACCOUNTS), (rules, message, seen) => {
        const accounts = ACCOUNTS.filter((one) => seen.includes(one));
        const asked = { ...message, ...(accounts.length > 0 && { accounts }) };
        assert.equal(prepareRouter(rules)(asked).agentId, byTheBook(rules, asked));
      }),
      RUNS,
    );
  });

  it("lets exactly one active agent answer, for any accounts that see a message, in any order, twice", () => {
    const seen = fc.shuffledSubarray(ACCOUNTS, { minLength: 1 });
    fc.assert(
      fc.property(
        someRules,
        aMessage,
        seen,
        fc.shuffledSubarray(ACCOUNTS),
        (rules, message, arriving, mentions) => {
          const isDirect = message.place.kind !== "guild";
          const viewers = isDirect ? arriving.slice(0, 1) : arriving;
          const accounts = ACCOUNTS.filter((one) => viewers.includes(one));
          const mentioned = isDirect ? viewers : mentions.filter((one) => viewers.includes(one));
          const beside = mentioned.length > 0 ? { mentioned } : { accounts };
          // A restart shows each account the message again; the store keeps the first claim.
          const choices = [...viewers, ...viewers].map((accountId) => ({
            accountId,
            choice: prepareRouter(rules)({ ...message, ...beside, accountId }),
          }));
          const answers = choices.filter(({ accountId, choice }) => choice.accountId === accountId);
          assert.ok(answers.length > 0, "an account answers");
          const distinct = new Set(choices.map(({ choice }) => inWords(choice)));
          assert.equal(distinct.size, 1, [...distinct].join("; "));
          assert.ok(rules.agents.some(({ id }) => id === answers[0]?.choice.agentId));
          if (mentioned[0]) assert.equal(answers[0]?.accountId, mentioned[0]);
        },
      ),
      RUNS,
    );
  });

  it("keeps its choice if an account that it did not choose is not there", () => {
    fc.assert(
      fc.property(someRules, aMessage, fc.constantFrom(...ACCOUNTS), (rules, message, gone) => {
        const choose = prepareRouter(rules);
        const choice = choose({ ...message, accounts: ACCOUNTS });
        if (choice.accountId === gone) return;
        const accounts = ACCOUNTS.filter((one) => one !== gone);
        const { accountId } = choose({ ...message, accounts });
        assert.equal(accountId, choice.accountId, "else two accounts could leave it to each other");
      }),
      RUNS,
    );
  });

  it("decides with and without a report alike, and names the rule of the last step", () => {
    fc.assert(
      fc.property(someRules, aMessage, (rules, message) => {
        const checks: VerdictCheck[] = [];
        const choose = prepareRouter(rules);
        const reported = choose(message, createRecorder(checks, (rule) => rule));
        assert.deepEqual(reported, choose(message));
        if (rules.agents.length === 1) return assert.deepEqual(checks, []);
        assert.equal(checks.at(-1)?.rule, reported.rule);
      }),
      RUNS,
    );
  });
});
