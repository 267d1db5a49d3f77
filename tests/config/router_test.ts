import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
    ["an account that does not exist", {
      bindings: [{ agentId: "main", match: { accountId: "work" } }],
    }, ['warning bindings[0].match.accountId: There is no account "work"']],
    ["a passive agent", watching({ channels: ["help"], triggers: [{ pattern: "spam" }] }), []],
    ["a passive agent without triggers", watching({ channels: ["help"] }), [
      "error router.assignments.b.role: A passive agent without triggers never acts",
    ]],
    ["a passive agent without channels", watching({ triggers: [{ command: "standup" }] }), [
      "error router.assignments.b.role: A passive agent without channels never acts",
    ]],
    [
      "patterns that cannot be",
      watching({ channels: ["help"], triggers: [{ pattern: "(" }, { pattern: ".*" }] }),
      [
        "error router.assignments.b.triggers[0].pattern: The pattern is not valid: error parsing " +
        "regexp: missing closing ): `(?i)(`",
        "error router.assignments.b.triggers[1].pattern: The pattern matches an empty text, and so " +
        "every message",
      ],
    ],
    [
      "commands and emoji that cannot be",
      watching({ channels: ["help"], triggers: [{ command: "two words" }, { reaction: "like" }] }),
      [
        "error router.assignments.b.triggers[0].command: Expected a name of letters, digits, - and " +
        '_, found "two words"',
        'error router.assignments.b.triggers[1].reaction: Expected one emoji, found "like"',
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
