import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { SLASH_COMMANDS } from "../../src/core/discord/registered_command.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { cases } from "../support/long_form.ts";
import { configOf, discord, load, problemLines, rendered } from "./support.ts";

/** A file with these keys at its top, beside a section without other problems. */
const file = (keys: object): string =>
  discord('"enabled":true').replace(/}$/, `,${JSON.stringify(keys).slice(1)}`);
const agents = (...ids: readonly string[]) => ({ list: ids.map((id) => ({ id })) });
/** Two agents, of which `b` is passive. */
const watching = (assignment: object) => ({
  agents: agents("a", "b"),
  router: { assignments: { b: { role: "passive", ...assignment } } },
});
const assign = (assignments: object) => ({ router: { assignments } });

describe("[N2] toRouterRules()", () => {
  it("lists active agents, and names the path of each rule", async () => {
    const { discord: { access: { router } } } = await configOf(file({
      agents: agents("main", "writer"),
      ...assign({ writer: { channels: ["drafts", "*"] } }),
      bindings: [{ agentId: "main", match: { accountId: "Default" } }],
    }));
    assert.deepEqual(router, {
      agents: [{ id: "main", rule: "agents.list[0]" }, { id: "writer", rule: "agents.list[1]" }],
      assigned: [
        { agentId: "writer", channel: "drafts", rule: "router.assignments.writer.channels[0]" },
        { agentId: "writer", channel: "*", rule: "router.assignments.writer.channels[1]" },
      ],
      bindings: [{ agentId: "main", match: { accountId: "default" }, rule: "bindings[0]" }],
    });
  });

  it("knows one agent if the config lists none", async () => {
    const { discord: { access: { router } } } = await configOf(file({}));
    assert.deepEqual(router, {
      agents: [{ id: "main", rule: "agents.list" }],
      assigned: [],
      bindings: [],
    });
  });
});

describe("[N2] auditRouter()", () => {
  it("knows all commands of Barnacle", () => {
    assert.deepEqual(SLASH_COMMANDS, [...TEXT_COMMANDS.keys()].toSorted());
  });

  const table: readonly (readonly [name: string, keys: object, told: readonly string[]])[] = [
    ["several agents", { agents: agents("a", "b"), ...assign({ b: { channels: ["x"] } }) }, []],
    ["unknown agents of assignments and bindings", {
      agents: agents("a"),
      ...assign({ b: {} }),
      bindings: [{ agentId: "c", match: {} }],
    }, [
      'error router.assignments.b: There is no agent "b"',
      'error bindings[0].agentId: There is no agent "c"',
    ]],
    ["an unknown agent of a config without agents", assign({ b: {} }), [
      'error router.assignments.b: There is no agent "b"',
    ]],
    ["one channel of two agents, in two spellings", {
      agents: agents("a", "b"),
      ...assign({ b: { channels: ["#help-desk"] }, a: { channels: ["Help Desk"] } }),
    }, [
      'warning router.assignments.b.channels[0]: The agents "a" and "b" both have the channel ' +
      '"#help-desk"; "a" answers there',
    ]],
    ["an id and a name, which are no equal claims", {
      agents: agents("a", "b"),
      ...assign({ a: { channels: ["help"] }, b: { channels: ["123456789012345678", "*"] } }),
    }, []],
    ["two bindings of the same messages", {
      agents: agents("a", "b"),
      bindings: [
        { agentId: "a", match: { userId: "1", guildId: "2" } },
        { agentId: "b", match: { guildId: "2" } },
        { agentId: "b", match: { guildId: "2", userId: "1" } },
      ],
    }, [
      'warning bindings[2]: The agents "a" and "b" are bound to the same messages; "a" answers ' +
      "them, by bindings[0]",
    ]],
    ["two agents with one name", {
      agents: { list: [{ id: "a", name: "Nova" }, { id: "b", name: "nova" }] },
    }, [
      'warning agents.list[1].name: The same words name the agents "a" and "b"; "a" answers',
    ]],
    ["two agents with one pattern", {
      agents: {
        list: [
          { id: "a", groupChat: { mentionPatterns: ["\\bnova\\b"] } },
          { id: "b", groupChat: { mentionPatterns: ["x", "\\bNova\\b"] } },
        ],
      },
    }, [
      'warning agents.list[1].groupChat.mentionPatterns[1]: The same words name the agents "a" ' +
      'and "b"; "a" answers',
    ]],
    ["an account that does not exist", {
      bindings: [{ agentId: "main", match: { accountId: "work" } }],
    }, ['warning bindings[0].match.accountId: There is no account "work"']],
    ["triggers of an active agent", {
      ...assign({ main: { triggers: [{ pattern: "x" }] } }),
    }, ['warning router.assignments.main.triggers: "main" is active, so its triggers do nothing']],
    ["a passive agent", watching({ channels: ["help"], triggers: [{ pattern: "spam" }] }), []],
    ["a passive agent without triggers", watching({ channels: ["help"] }), [
      "error router.assignments.b.role: A passive agent without triggers never acts",
    ]],
    ["a passive agent without channels", watching({ triggers: [{ command: "standup" }] }), [
      "error router.assignments.b.role: A passive agent without channels watches nothing",
    ]],
    [
      "a command of Barnacle's own",
      watching({ channels: ["help"], triggers: [{ command: "/Status" }, { command: "standup" }] }),
      [
        'warning router.assignments.b.triggers[0].command: Barnacle has a command "/Status" itself, ' +
        "so this never matches",
      ],
    ],
    ["a command of Barnacle's own, where none is read from texts", {
      ...watching({ channels: ["help"], triggers: [{ command: "status" }] }),
      commands: { text: false },
    }, []],
    [
      "patterns and commands that cannot be",
      watching({
        channels: ["help"],
        triggers: [{ pattern: "(" }, { pattern: ".*" }, { command: "two words" }, {
          reaction: "like",
        }],
      }),
      [
        "error router.assignments.b.triggers[0].pattern: The pattern is not valid: error parsing " +
        "regexp: missing closing ): `(?i)(`",
        "error router.assignments.b.triggers[1].pattern: The pattern matches an empty text, and so " +
        "every message",
        "error router.assignments.b.triggers[2].command: Expected a name of letters, digits, - and _",
        "error router.assignments.b.triggers[3].reaction: Expected one emoji",
      ],
    ],
  ];
  for (const [name, keys, told] of table) {
    it(`judges ${name}`, async () => {
      assert.deepEqual(await problemLines(file(keys)), told);
      const isValid = told.every((line) => line.startsWith("warning"));
      assert.equal((await load(file(keys))).kind, isValid ? "loaded" : "refused");
    });
  }

  it("[C2] shows the line with a caret", async () => {
    const text = file({ agents: agents("a"), bindings: [{ agentId: "b", match: {} }] })
      .replace('"bindings"', '\n"bindings"');
    assert.equal(
      await rendered(text),
      `config.jsonc:2:14: error: There is no agent "b"
  in bindings[0].agentId
2 | "bindings":[{"agentId":"b","match":{}}]}
  |              ^^^^^^^^^
  = the agents are "a"
`,
    );
  });
});

/** Equal claims have equal keys. */
const aClaim = fc.tuple(
  fc.constantFrom("a", "b", "c"),
  fc.constantFrom("help", "#help", "Help", "*", "12345678901234567"),
  fc.constantFrom({}, { guildId: "2" }, { userId: "3" }, { userId: "3", guildId: "2" }),
);

describe("[N2] the law of equal claims", () => {
  it("loads no config with two of them without a warning that names both", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aClaim, { maxLength: 4 }), async (claims) => {
        const channelsOf = (id: string) =>
          claims.flatMap(([agentId, channel]) => agentId === id ? [channel] : []);
        const keys = {
          agents: agents("a", "b", "c"),
          ...assign({ c: { channels: channelsOf("c") }, a: { channels: channelsOf("a") } }),
          bindings: claims.map(([agentId, , match]) => ({ agentId, match })),
        };
        const lines = await problemLines(file(keys));
        const plain = (channel: string) => channel.replace("#", "").toLowerCase();
        const mustName = (one: string, other: string) =>
          assert.ok(
            lines.some((line) => line.includes(`agents "${one}" and "${other}"`)),
            `${one} and ${other}: ${lines.join("; ")}`,
          );
        for (const channel of channelsOf("c")) {
          if (channelsOf("a").some((other) => plain(other) === plain(channel))) mustName("a", "c");
        }
        for (const [at, [agentId, , match]] of claims.entries()) {
          const same = claims.find(([, , other]) => isDeepStrictEqual(other, match));
          if (same && claims.indexOf(same) < at && same[0] !== agentId) mustName(same[0], agentId);
        }
      }),
      { numRuns: cases(60, 2_000) },
    );
  });
});

describe("[N2] mentionsOf()", () => {
  it("names the agents whose own pattern or name is in a text", async () => {
    const { discord: { access } } = await configOf(file({
      agents: {
        list: [
          { id: "a", name: "Nova" },
          { id: "b", groupChat: { mentionPatterns: ["\\bwriter\\b", "\\beditor\\b"] } },
          { id: "c", name: "Nova Two" },
        ],
      },
    }));
    for (
      const [text, ids] of [
        ["hello", []],
        ["nova, hi", ["a"]],
        ["Editor and @Nova Two!", ["a", "b", "c"]],
        ["rewriter", []],
      ] as const
    ) {
      assert.deepEqual(access.agentsNamed(text), ids, text);
      assert.equal(access.matchesPattern(text), ids.length > 0, text);
    }
  });

  it("names no agent by patterns of all agents", async () => {
    const { discord: { access } } = await configOf(file({
      agents: { list: [{ id: "a", name: "Nova" }, { id: "b" }] },
      messages: { groupChat: { mentionPatterns: ["\\bbots\\b"] } },
    }));
    assert.deepEqual(access.agentsNamed("bots, nova"), []);
    assert.ok(access.matchesPattern("bots"));
    assert.ok(!access.matchesPattern("nova"));
  });
});
