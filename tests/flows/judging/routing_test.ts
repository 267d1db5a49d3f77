import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId, type UserId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { type OurAccount, type OurView, routingFacts } from "../../../src/flows/judging/judge.ts";
import { policy } from "../../policy/policies.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
  roleId,
  sender,
  userId,
} from "../../support/discord/builders.ts";

const WORK = toAccountId("work");
const ONE = userId("777");
const TWO = userId("778");
const ROLE = roleId("779");
const THREAD = channelId("1400000000000000012");

const view = (id: UserId, fields: Partial<OurView> = {}): OurView => ({
  userId: () => id,
  roleIn: () => undefined,
  isIn: () => true,
  wouldAnswer: () => true,
  threadAgent: () => undefined,
  ...fields,
});
const two = (fields: Partial<OurView> = {}): readonly OurAccount[] => [
  { accountId: ACCOUNT, view: view(ONE) },
  { accountId: WORK, view: view(TWO, { roleIn: () => ROLE, ...fields }) },
];
const agents = policy({
  agentsNamed: (text) => ["a", "b"].filter((id) => text.includes(`@${id}`)),
  router: {
    agents: [{ id: "a", rule: "agents.list[0]" }, { id: "b", rule: "agents.list[1]" }],
    assigned: [],
    bindings: [],
  },
});
const inThread = guildPlace({ thread: { id: THREAD, name: "t" } });
const quoted = { id: messageId("1"), author: { id: TWO, tag: "two" }, text: "" };

describe("[N2] routingFacts()", () => {
  const table: readonly (readonly [
    name: string,
    fields: Partial<InboundMessage>,
    ours: readonly OurAccount[],
    expected: ReturnType<typeof routingFacts>,
  ])[] = [
    ["of accounts that would answer", {}, two(), { accounts: [ACCOUNT, WORK] }],
    ["of one that would", {}, two({ wouldAnswer: () => false }), undefined],
    [
      "of mentions, in the order of the text",
      { text: `<@${TWO}> and <@!${ONE}>`, mention: "user", mentionsOthers: true },
      two(),
      { mentioned: [WORK, ACCOUNT] },
    ],
    ["of a mentioned role", { text: `<@&${ROLE}>`, mentionsOthers: true }, two(), {
      mentioned: [WORK],
    }],
    ["of a mention in code, which Discord does not count", { text: `<@${TWO}>` }, two(), {
      accounts: [ACCOUNT, WORK],
    }],
    [
      "of a mentioned bot that is not in the guild",
      { text: `<@${TWO}>`, mentionsOthers: true },
      two({ isIn: () => false, wouldAnswer: () => false }),
      undefined,
    ],
    ["of a reply", { quoted }, two(), { mentioned: [WORK] }],
    [
      "of a bot's reply, which is no mention",
      { quoted, sender: sender({ automaton: "bot" }) },
      two(),
      { accounts: [ACCOUNT, WORK] },
    ],
    ["of an agent's name", { text: "hey @b" }, [], { named: ["b"] }],
    [
      "of a thread that another account opened",
      { place: inThread },
      two({ wouldAnswer: () => false, threadAgent: (id) => id === THREAD ? "b" : undefined }),
      { threadAgent: "b" },
    ],
    [
      "of an agent's schedule",
      { text: "@a", origin: { kind: "schedule", scheduleId: 1, dueAt: 0, agentId: "b" } },
      [],
      { named: ["b"] },
    ],
  ];
  for (const [name, fields, ours, expected] of table) {
    it(`gathers the facts ${name}`, () => {
      assert.deepEqual(routingFacts(guildMessage(fields), agents, ours), expected);
    });
  }

  it("takes a direct message as one to its account, if there are several", () => {
    assert.deepEqual(routingFacts(directMessage(), agents, two()), { mentioned: [ACCOUNT] });
    assert.equal(routingFacts(directMessage(), agents, two().slice(0, 1)), undefined);
  });

  it("has nothing to gather for one agent of one account", () => {
    assert.equal(routingFacts(guildMessage({ text: "@b" }), policy(), []), undefined);
  });

  it("is the same for each account that sees a message", () => {
    for (const fields of [{}, { text: `<@${TWO}>`, mentionsOthers: true }, { quoted }]) {
      const [first, second] = [ACCOUNT, WORK].map((accountId) => {
        const mention = accountId === WORK && ("text" in fields || "quoted" in fields);
        const message = guildMessage({ ...fields, accountId, ...(mention && { mention: "user" }) });
        return routingFacts(message, agents, two());
      });
      assert.deepEqual(first, second);
    }
  });
});
