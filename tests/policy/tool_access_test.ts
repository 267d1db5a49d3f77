import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { audienceOf, isForTool, openGates, TOOL_ENTRIES } from "../../src/core/tool_names.ts";
import { withNames } from "../../src/policy/rules.ts";
import type { AccessPolicy, ToolLists, ToolRules } from "../../src/policy/rules.ts";
import {
  prepareToolAccess,
  type ToolAsker,
  type ToolDecision,
  type ToolFacts,
} from "../../src/policy/tool_access.ts";
import { TOOLS } from "../../src/tools/registry.ts";
import { guildPlace, roleId, sender, userId } from "../support/discord/builders.ts";
import {
  ADA,
  BOB,
  bot,
  CHANNEL,
  commands,
  entries,
  GUILD,
  guild,
  MODS,
  policy,
  THREAD,
} from "./policies.ts";

const HERE = `channels.discord.guilds.${GUILD}`;
const IN_HELP = `${HERE}.channels.${CHANNEL}`;

/** Made-up tools with known names, in the order of the tables. */
const ALL: readonly ToolFacts[] = [
  { name: "remind" },
  { name: "web_fetch" },
  { name: "read_channel_history", gate: "messages" },
  { name: "discord" },
  { name: "read_file" },
  { name: "exec" },
  { name: "mcp__github__issues" },
];
const BASE = "remind web_fetch read_channel_history discord";
const OWNED = "read_file exec mcp__github__issues";

const MUTED = roleId("1400000000000000004");
const ada = sender({ id: ADA, username: "ada" });
const bob = sender({ id: BOB, username: "bob" });
const mod = sender({ id: BOB, username: "bob", roles: [{ id: MODS, name: "Mods" }] });
const mutedMod = sender({
  id: BOB,
  username: "bob",
  roles: [{ id: MODS, name: "Mods" }, { id: MUTED, name: "Muted" }],
});

interface PlaceKeys {
  readonly tools?: ToolLists;
  readonly toolsBySender?: Readonly<Record<string, ToolLists>>;
}

/** The keys of a config about tools, each at its level. */
interface Keys {
  readonly tools?: ToolLists;
  /** Of the agent `main`. */
  readonly agent?: ToolLists;
  /** Of the agent `helper`. */
  readonly other?: ToolLists;
  readonly guild?: PlaceKeys;
  readonly channel?: PlaceKeys;
  readonly actions?: Readonly<Record<string, boolean>>;
}

function rulesOf({ tools, toolsBySender }: PlaceKeys = {}) {
  return {
    ...(tools && { tools }),
    ...(toolsBySender && {
      toolsBySender: Object.entries(toolsBySender).flatMap(([key, lists]) =>
        entries(key).map((who) => ({ key, who, lists }))
      ),
    }),
  };
}

/** Ada is the owner; one guild is listed, and #help in it. */
function policyOf(keys: Keys, more: Partial<AccessPolicy> = {}): AccessPolicy {
  const tools: ToolRules = {
    global: keys.tools ?? {},
    agents: [keys.agent ?? {}, keys.other ?? {}].map((lists, index) => ({
      agentId: ["main", "helper"][index] ?? "",
      lists,
      rule: `agents.list[${index}].tools`,
    })),
    openGates: openGates(keys.actions ?? {}),
  };
  return policy({
    commands: commands({ owners: entries(ADA) }),
    tools,
    guilds: {
      [GUILD]: guild({
        ...rulesOf(keys.guild),
        channels: { [CHANNEL]: rulesOf(keys.channel), "*": {} },
      }),
    },
    ...more,
  });
}

const inHelp = { agentId: "main", place: guildPlace(), ownsApplication: () => false };
const inDm = { agentId: "main", place: { kind: "dm" }, ownsApplication: () => false } as const;
const elsewhere = { ...inHelp, place: guildPlace({ channel: { id: THREAD, name: "lounge" } }) };

function decide(rules: AccessPolicy, asker: ToolAsker, tools = ALL): readonly ToolDecision[] {
  return prepareToolAccess(rules)(asker, tools);
}

const allowedIn = (decisions: readonly ToolDecision[]): string =>
  decisions.flatMap(({ name, isAllowed }) => isAllowed ? [name] : []).join(" ");

describe("[T2] prepareToolAccess() › by default", () => {
  const cases: readonly [string, Omit<ToolAsker, "ownsApplication">, string][] = [
    ["a member has the tools of everyone", { ...inHelp, sender: bob }, BASE],
    ["an owner also has files, exec and MCP", { ...inHelp, sender: ada }, `${BASE} ${OWNED}`],
    ["a person in a direct message has the tools of everyone", { ...inDm, sender: bob }, BASE],
    ["an owner has all in a direct message", { ...inDm, sender: ada }, `${BASE} ${OWNED}`],
    ["a bot with an owner's id is no owner", { ...inHelp, sender: { ...bot, id: ADA } }, BASE],
  ];
  for (const [title, asker, expected] of cases) {
    it(title, () => {
      const decisions = decide(policyOf({}), { ownsApplication: () => true, ...asker });
      assert.equal(allowedIn(decisions), expected);
    });
  }

  it("[P10] the application's owners count if the config lists no owners", () => {
    const rules = policyOf({}, { commands: commands() });
    const as = (owns: boolean) => ({ ...inHelp, sender: bob, ownsApplication: () => owns });
    assert.equal(allowedIn(decide(rules, as(true))), `${BASE} ${OWNED}`);
    assert.equal(allowedIn(decide(rules, as(false))), BASE);
  });

  it("Barnacle does not ask for the application's owners if no tool depends on them", () => {
    const ownsApplication = () => assert.fail("asked");
    const tools = [{ name: "remind" }];
    const asker = { ...inHelp, sender: bob, ownsApplication };
    assert.equal(allowedIn(decide(policyOf({}, { commands: commands() }), asker, tools)), "remind");
    assert.equal(allowedIn(decide(policyOf({}), asker)), BASE, "the config lists the owners");
  });

  it("no one has a tool that Barnacle does not know", () => {
    const decisions = decide(policyOf({}), { ...inHelp, sender: ada }, [{ name: "launch" }]);
    assert.deepEqual(decisions, [
      { name: "launch", isAllowed: false, why: "not-default", rule: "tools.alsoAllow" },
    ]);
  });

  it("each tool of this version is on the list of known names", () => {
    for (const { name } of TOOLS) assert.notEqual(audienceOf(name), undefined, name);
  });
});

describe("[T2] prepareToolAccess() › levels", () => {
  const SENDERS = { bob, ada, mod, mutedMod };
  const cases: readonly [string, keyof typeof SENDERS, Keys, string][] = [
    ["global allow is all there is", "bob", { tools: { allow: ["remind"] } }, "remind"],
    ["global allow also limits owners", "ada", { tools: { allow: ["remind"] } }, "remind"],
    ["global allow replaces the base set", "bob", { tools: { allow: ["exec"] } }, "exec"],
    ["global allow [] leaves no tool", "ada", { tools: { allow: [] } }, ""],
    ["alsoAllow adds to the base set", "bob", { tools: { alsoAllow: ["exec"] } }, `${BASE} exec`],
    ["alsoAllow adds", "bob", { tools: { allow: ["remind"], alsoAllow: ["exec"] } }, "remind exec"],
    [
      "global deny removes from the base set",
      "bob",
      { tools: { deny: ["discord"] } },
      "remind web_fetch read_channel_history",
    ],
    ["deny wins over alsoAllow", "bob", { tools: { alsoAllow: ["exec"], deny: ["exec"] } }, BASE],
    ["a group", "bob", { tools: { allow: ["group:discord"] } }, "read_channel_history discord"],
    [
      "groups of files and MCP",
      "bob",
      { tools: { allow: ["group:fs", "group:mcp"] } },
      "read_file mcp__github__issues",
    ],
    ['"*" allows all', "bob", { tools: { allow: ["*"] } }, `${BASE} ${OWNED}`],
    ['"*" denies all', "ada", { tools: { deny: ["*"] } }, ""],
    ["the agent's allow narrows", "bob", { agent: { allow: ["remind", "exec"] } }, "remind"],
    ["the agent's allow narrows", "ada", { agent: { allow: ["remind", "exec"] } }, "remind exec"],
    ["the agent's alsoAllow adds", "bob", { agent: { alsoAllow: ["exec"] } }, `${BASE} exec`],
    [
      "the agent's alsoAllow adds to what the global allow leaves",
      "bob",
      { tools: { allow: ["remind"] }, agent: { alsoAllow: ["web_fetch"] } },
      "remind web_fetch",
    ],
    ["the agent's deny wins over a place's alsoAllow", "bob", {
      agent: { deny: ["exec"] },
      channel: { tools: { alsoAllow: ["exec"] } },
    }, BASE],
    ["a guild's allow", "bob", { guild: { tools: { allow: ["remind", "exec"] } } }, "remind"],
    ["a guild's alsoAllow", "bob", { guild: { tools: { alsoAllow: ["exec"] } } }, `${BASE} exec`],
    ["a guild's allow and alsoAllow add up", "bob", {
      guild: { tools: { allow: ["remind"], alsoAllow: ["exec"] } },
    }, "remind exec"],
    ["a channel's tools replace the guild's allow", "bob", {
      guild: { tools: { allow: ["remind"] } },
      channel: { tools: { allow: ["web_fetch"] } },
    }, "web_fetch"],
    ["a channel's tools replace the guild's alsoAllow", "bob", {
      guild: { tools: { alsoAllow: ["exec"] } },
      channel: { tools: {} },
    }, BASE],
    ["a guild's deny holds in a channel with own tools", "bob", {
      guild: { tools: { deny: ["remind"] } },
      channel: { tools: { allow: ["remind", "web_fetch"], alsoAllow: ["remind"] } },
    }, "web_fetch"],
    ["a channel's toolsBySender comes before its tools", "bob", {
      channel: { toolsBySender: { [BOB]: { allow: ["remind"] } }, tools: { allow: ["web_fetch"] } },
    }, "remind"],
    ["the tools of a channel hold for other senders", "bob", {
      channel: { toolsBySender: { [ADA]: { allow: ["remind"] } }, tools: { allow: ["web_fetch"] } },
    }, "web_fetch"],
    ["a channel's tools come before the guild's toolsBySender", "bob", {
      guild: { toolsBySender: { [BOB]: { allow: ["remind"] } } },
      channel: { tools: { allow: ["web_fetch"] } },
    }, "web_fetch"],
    ["a guild's toolsBySender comes before its tools", "bob", {
      guild: { toolsBySender: { [BOB]: { allow: ["remind"] } }, tools: { allow: ["web_fetch"] } },
    }, "remind"],
    ["the deny of a channel's tools holds for a sender with an own entry", "bob", {
      channel: {
        toolsBySender: { [BOB]: { alsoAllow: ["exec"] } },
        tools: { deny: ["exec", "remind"] },
      },
    }, "web_fetch read_channel_history discord"],
    ["the deny of a guild's toolsBySender holds in a channel with own tools", "bob", {
      guild: { toolsBySender: { [BOB]: { deny: ["remind"] } } },
      channel: { tools: { allow: ["remind", "web_fetch"] } },
    }, "web_fetch"],
    ["the deny of another sender's entry does not", "bob", {
      guild: { toolsBySender: { [ADA]: { deny: ["remind"] } } },
      channel: { tools: { allow: ["remind", "web_fetch"] } },
    }, "remind web_fetch"],
    ["an id is more exact than a name", "bob", {
      guild: { toolsBySender: { bob: { allow: ["remind"] }, [BOB]: { allow: ["web_fetch"] } } },
    }, "web_fetch"],
    ["a name is more exact than a role", "mod", {
      guild: {
        toolsBySender: { "role:Mods": { allow: ["remind"] }, bob: { allow: ["web_fetch"] } },
      },
    }, "web_fetch"],
    ['a role is more exact than "*"', "mod", {
      guild: {
        toolsBySender: { "*": { deny: ["remind"] }, [`role:${MODS}`]: { alsoAllow: ["exec"] } },
      },
    }, `${BASE} exec`],
    ['"*" is for all others', "bob", {
      guild: { toolsBySender: { "*": { deny: ["remind"] }, [`role:${MODS}`]: {} } },
    }, "web_fetch read_channel_history discord"],
    ["two roles add their tools", "mutedMod", {
      guild: {
        toolsBySender: {
          "role:Mods": { alsoAllow: ["exec"] },
          "role:Muted": { alsoAllow: ["read_file"] },
        },
      },
    }, `${BASE} read_file exec`],
    ["the limits of two roles both hold", "mutedMod", {
      guild: {
        toolsBySender: {
          "role:Mods": { allow: ["remind", "discord"] },
          "role:Muted": { allow: ["remind", "web_fetch"] },
        },
      },
    }, "remind"],
    ["the deny of one role wins over the other role", "mutedMod", {
      guild: {
        toolsBySender: {
          "role:Mods": { alsoAllow: ["exec"] },
          "role:Muted": { deny: ["exec", "remind"] },
        },
      },
    }, "web_fetch read_channel_history discord"],
    ["a closed gate wins over allow", "ada", {
      tools: { allow: ["read_channel_history", "remind"] },
      actions: { messages: false },
    }, "remind"],
    ["an MCP server", "ada", { tools: { deny: ["mcp__github"] } }, `${BASE} read_file exec`],
    ["an MCP server is no other", "ada", { tools: { deny: ["mcp__git"] } }, `${BASE} ${OWNED}`],
    ["an unknown name changes nothing", "bob", { tools: { deny: ["Remind", "exce"] } }, BASE],
  ];
  for (const [title, who, keys, expected] of cases) {
    it(title, () => {
      assert.equal(
        allowedIn(decide(policyOf(keys), { ...inHelp, sender: SENDERS[who] })),
        expected,
      );
    });
  }

  it("of a guild are none of a direct message's", () => {
    const rules = policyOf({ guild: { tools: { deny: ["*"] } }, tools: { deny: ["remind"] } });
    assert.equal(
      allowedIn(decide(rules, { ...inDm, sender: bob })),
      "web_fetch read_channel_history discord",
    );
  });

  it("of a channel are none of another channel's", () => {
    const rules = policyOf({ channel: { tools: { deny: ["*"] } } });
    assert.equal(allowedIn(decide(rules, { ...elsewhere, sender: bob })), BASE);
  });

  it('[P7] a listed channel has the tools of the channel "*" unless it sets its own', () => {
    const inGuild = (own: PlaceKeys) =>
      policyOf({}, {
        guilds: {
          [GUILD]: guild({
            channels: { "*": { tools: { deny: ["remind"] } }, [CHANNEL]: rulesOf(own) },
          }),
        },
      });
    const denied = (own: PlaceKeys) =>
      decide(inGuild(own), { ...inHelp, sender: bob }).find(({ name }) => name === "remind");
    assert.equal(denied({})?.rule, `${HERE}.channels.*.tools.deny`);
    assert.equal(denied({ tools: {} })?.isAllowed, true);
  });

  it("leave no tool in a place that the config closes", () => {
    const rules = policyOf({}, { guilds: {} });
    assert.deepEqual(decide(rules, { ...inHelp, sender: ada }, [{ name: "remind" }]), [
      { name: "remind", isAllowed: false, why: "place-closed", rule: "channels.discord.guilds" },
    ]);
  });
});

it("[T2] [P12] prepareToolAccess() › names › a resolved name is its id: a later owner of the name has the tools of others", () => {
  const written = policyOf({ guild: { toolsBySender: { bob: { alsoAllow: ["exec"] } } } });
  const at = 1;
  const rules = withNames(written, [{ kind: "user", id: BOB, typed: "bob", name: "bob", at }]);
  const renamed = sender({ id: BOB, username: "robert" });
  const taker = sender({ id: userId("1400000000000000077"), username: "bob" });
  assert.equal(allowedIn(decide(rules, { ...inHelp, sender: renamed })), `${BASE} exec`);
  assert.equal(allowedIn(decide(rules, { ...inHelp, sender: taker })), BASE);
});

describe("[T2] prepareToolAccess() › the deciding config path", () => {
  const cases: readonly [string, Keys, string, string][] = [
    ["exec", {}, "owners-only", "commands.ownerAllowFrom"],
    ["remind", {}, "default", "tools.allow"],
    ["remind", { tools: { allow: [] } }, "not-allowed", "tools.allow"],
    ["remind", { agent: { deny: ["*"] } }, "denied", "agents.list[0].tools.deny"],
    ["exec", { agent: { alsoAllow: ["exec"] } }, "also-allowed", "agents.list[0].tools.alsoAllow"],
    ["remind", { guild: { tools: { allow: ["discord"] } } }, "not-allowed", `${HERE}.tools.allow`],
    ["remind", { channel: { tools: { deny: ["remind"] } } }, "denied", `${IN_HELP}.tools.deny`],
    [
      "exec",
      { channel: { toolsBySender: { bob: { alsoAllow: ["exec"] } } } },
      "also-allowed",
      `${IN_HELP}.toolsBySender.bob.alsoAllow`,
    ],
    [
      "remind",
      { guild: { toolsBySender: { "role:Mods": { deny: ["remind"] } } } },
      "denied",
      `${HERE}.toolsBySender."role:Mods".deny`,
    ],
    [
      "read_channel_history",
      { actions: { messages: false } },
      "gate-closed",
      "channels.discord.actions.messages",
    ],
  ];
  for (const [tool, keys, why, rule] of cases) {
    it(`is ${rule} for ${tool} (${why})`, () => {
      const found = decide(policyOf(keys), { ...inHelp, sender: mod }).find(({ name }) =>
        name === tool
      );
      assert.deepEqual([found?.why, found?.rule], [why, rule]);
    });
  }

  it("[T3] is the key of the gates for a tool whose parts are all closed", () => {
    const parts: ToolFacts = { name: "discord", partGates: ["messages", "threads"] };
    const decided = (actions: Readonly<Record<string, boolean>>) =>
      prepareToolAccess(policyOf({ actions }))({
        ...inHelp,
        sender: bob,
        ownsApplication: () => false,
      }, [parts])[0];
    const closed = decided({ messages: false, threads: false });
    assert.deepEqual([closed?.why, closed?.rule], ["gate-closed", "channels.discord.actions"]);
    assert.equal(decided({ messages: false })?.why, "default");
  });

  it("[C6] is the account's own if the account sets it", () => {
    const rules = policyOf({ guild: { tools: { deny: ["*"] } } }, {
      ruleOf: (path) => path.replace("channels.discord.", "channels.discord.accounts.work."),
    });
    const [first] = decide(rules, { ...inHelp, sender: bob });
    assert.equal(first?.rule, `channels.discord.accounts.work.guilds.${GUILD}.tools.deny`);
  });
});

describe("[T2] [N1] prepareToolAccess() › several agents", () => {
  const keys: Keys = {
    tools: { allow: ["remind", "web_fetch"], alsoAllow: ["memory"] },
    agent: { deny: ["remind"] },
    other: { allow: ["remind"], alsoAllow: ["exec"] },
  };
  const cases: readonly [agentId: string, tool: string, why: string, rule: string][] = [
    ["main", "remind", "denied", "agents.list[0].tools.deny"],
    ["main", "exec", "not-allowed", "tools.allow"],
    ["main", "web_fetch", "allowed", "tools.allow"],
    ["helper", "remind", "allowed", "agents.list[1].tools.allow"],
    ["helper", "exec", "also-allowed", "agents.list[1].tools.alsoAllow"],
    ["helper", "web_fetch", "not-allowed", "agents.list[1].tools.allow"],
    ["without", "remind", "allowed", "tools.allow"], // an agent with no lists
    ["without", "exec", "not-allowed", "tools.allow"],
  ];
  for (const [agentId, tool, why, rule] of cases) {
    it(`${agentId}: ${tool} is ${why} by ${rule}`, () => {
      const found = decide(policyOf(keys), { ...inHelp, sender: bob, agentId })
        .find(({ name }) => name === tool);
      assert.deepEqual([found?.why, found?.rule], [why, rule]);
    });
  }
});

describe("[T2b] prepareToolAccess() › tools that the model sees", () => {
  const rows: readonly (readonly [what: string, keys: Keys, offered: string])[] = [
    ["those of owners, without rules", {}, `${BASE} ${OWNED}`],
    ["none denied", { guild: { tools: { deny: ["group:mcp", "exec"] } } }, `${BASE} read_file`],
    ["none that `allow` leaves out", { channel: { tools: { allow: ["remind"] } } }, "remind"],
    [
      "none that the rule of all senders leaves out",
      { guild: { toolsBySender: { "*": { allow: ["remind"] } } } },
      "remind",
    ],
    [
      "those that a rule of one sender adds",
      { tools: { allow: ["remind"] }, guild: { toolsBySender: { bob: { alsoAllow: ["exec"] } } } },
      "remind exec",
    ],
    [
      "those that a rule of one sender denies",
      { tools: { allow: ["remind"] }, guild: { toolsBySender: { bob: { deny: ["remind"] } } } },
      "remind",
    ],
    [
      "none with a closed gate",
      { actions: { messages: false } },
      "remind web_fetch discord read_file exec mcp__github__issues",
    ],
  ];
  for (const [what, written, offered] of rows) {
    it(`are ${what}`, () => {
      const rules = policyOf(written);
      for (const from of [ada, bob, mutedMod]) {
        assert.equal(allowedIn(decide(rules, { ...inHelp, sender: from, isOffer: true })), offered);
      }
    });
  }

  it("are also those of a hook, whose own list alone decides about its calls", () => {
    const asker = { ...inHelp, sender: bot, hook: "deploys" };
    const rules = policyOf({ guild: { tools: { deny: ["exec"] } } });
    const withHook = {
      ...rules,
      tools: { ...rules.tools, hooks: new Map([["deploys", ["exec"]]]) },
    };
    assert.equal(allowedIn(decide(withHook, asker)), "exec");
    assert.equal(allowedIn(decide(withHook, { ...asker, isOffer: true })), `${BASE} ${OWNED}`);
  });
});

describe("[T2] prepareToolAccess() › laws", () => {
  const list = fc.option(
    fc.array(fc.constantFrom(...TOOL_ENTRIES, "mcp__github__issues", "unknown"), { maxLength: 3 }),
    { nil: undefined },
  );
  const lists: fc.Arbitrary<ToolLists> = fc.record({ allow: list, alsoAllow: list, deny: list })
    .map(({ allow, alsoAllow, deny }) => ({
      ...(allow && { allow }),
      ...(alsoAllow && { alsoAllow }),
      ...(deny && { deny }),
    }));
  const key = fc.constantFrom(ADA, BOB, "ada", "bob", `role:${MODS}`, "role:Muted", "*");
  const place: fc.Arbitrary<PlaceKeys> = fc.record({
    tools: fc.option(lists, { nil: undefined }),
    toolsBySender: fc.option(fc.dictionary(key, lists, { maxKeys: 3 }), { nil: undefined }),
  }).map(({ tools, toolsBySender }) => ({
    ...(tools && { tools }),
    ...(toolsBySender && { toolsBySender }),
  }));
  const keys: fc.Arbitrary<Keys> = fc.record({
    tools: lists,
    agent: lists,
    guild: place,
    channel: place,
    actions: fc.record({ messages: fc.boolean() }),
  });
  const asker = fc.record({
    sender: fc.constantFrom(ada, bob, mod, mutedMod, bot),
    place: fc.constantFrom(inHelp.place, inDm.place, elsewhere.place),
    owns: fc.boolean(),
  }).map(({ owns, ...rest }): ToolAsker => ({
    ...rest,
    agentId: "main",
    ownsApplication: () => owns,
  }));

  const isOn = (entries: readonly string[] | undefined, name: string): boolean =>
    entries?.some((entry) => isForTool(entry, name)) === true;
  const withoutAdditions = ({ tools, toolsBySender }: PlaceKeys = {}): PlaceKeys => {
    const without = ({ alsoAllow: _, ...rest }: ToolLists): ToolLists => rest;
    return {
      ...(tools && { tools: without(tools) }),
      ...(toolsBySender && {
        toolsBySender: Object.fromEntries(
          Object.entries(toolsBySender).map(([key, lists]) => [key, without(lists)]),
        ),
      }),
    };
  };

  it("[T2b] a place offers all of its senders the same tools, and each one those that they may use", () => {
    fc.assert(fc.property(keys, asker, asker, (written, one, other) => {
      const rules = policyOf(written);
      const offeredTo = (from: ToolAsker) =>
        allowedIn(decide(rules, { ...from, place: one.place, isOffer: true }));
      const offered = offeredTo(one);
      assert.equal(offeredTo(other), offered);
      for (const from of [one, other]) {
        for (const { name, isAllowed } of decide(rules, { ...from, place: one.place })) {
          if (isAllowed) assert.ok(offered.split(" ").includes(name), name);
        }
      }
    }));
  });

  it("[N1] the lists of an agent decide nothing for another", () => {
    fc.assert(fc.property(keys, lists, asker, (written, other, from) => {
      assert.deepEqual(
        decide(policyOf({ ...written, other }), from),
        decide(policyOf(written), from),
      );
    }));
  });

  it("no level gives back a tool that a deny for this sender and place names", () => {
    fc.assert(fc.property(keys, asker, (written, from) => {
      const isHelp = from.place === inHelp.place;
      const certain = [
        written.tools?.deny,
        written.agent?.deny,
        ...(from.place.kind === "guild" ? [written.guild?.tools?.deny] : []),
        ...(isHelp ? [written.channel?.tools?.deny] : []),
      ];
      for (const { name, isAllowed } of decide(policyOf(written), from)) {
        if (certain.some((deny) => isOn(deny, name))) assert.equal(isAllowed, false, name);
      }
    }));
  });

  it("a place adds no tool without alsoAllow", () => {
    fc.assert(fc.property(keys, asker, ({ guild: inGuild, channel, ...above }, from) => {
      const narrowing = {
        ...above,
        guild: withoutAdditions(inGuild),
        channel: withoutAdditions(channel),
      };
      const before = decide(policyOf(above), from);
      for (const [at, { name, isAllowed }] of decide(policyOf(narrowing), from).entries()) {
        if (isAllowed) assert.equal(before[at]?.isAllowed, true, name);
      }
    }));
  });

  it("a further deny only removes tools", () => {
    fc.assert(fc.property(keys, asker, list, (written, from, deny = []) => {
      const place = written.guild?.tools ?? {};
      const more = {
        ...written,
        guild: { ...written.guild, tools: { ...place, deny: [...(place.deny ?? []), ...deny] } },
      };
      if (!written.guild?.tools) return; // `tools` itself would be another level
      const before = decide(policyOf(written), from);
      for (const [at, { name, isAllowed }] of decide(policyOf(more), from).entries()) {
        if (isAllowed) assert.equal(before[at]?.isAllowed, true, name);
      }
    }));
  });

  it("a closed gate keeps its tool out", () => {
    fc.assert(fc.property(keys, asker, (written, from) => {
      const closed = { ...written, actions: { messages: false } };
      const found = decide(policyOf(closed), from).find(({ name }) =>
        name === "read_channel_history"
      );
      assert.equal(found?.isAllowed, false);
    }));
  });
});
