import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discord, load, problemLines, rendered } from "./support.ts";

/** A file with these keys at its top, beside a section without other problems. */
const file = (keys: string): string => discord('"enabled":true').replace(/}$/, `,${keys}}`);

const ONE = "Only the first agent,";

describe("refusedIn()", () => {
  const refused: readonly (readonly [
    rule: string,
    name: string,
    text: string,
    told: readonly string[],
  ])[] = [
    [
      "N1",
      "an agent that must stay silent",
      file('"router":{"dedupWindowSec":9,"assignments":{"main":{"role":"passive"}}}'),
      [
        'error router.assignments.main.role: "passive" is not implemented yet: the agent would answer in these channels',
      ],
    ],
    [
      "N2",
      "channels of another agent",
      file('"agents":{"list":[{"id":"a"},{"id":"b"}]},"router":{"assignments":{"a":{},"b":{}}}'),
      [
        "warning agents.list[1]: This version runs only the first agent",
        `error router.assignments.b: ${ONE} "a", answers in this version`,
      ],
    ],
    [
      "N2",
      "people of another agent",
      file('"bindings":[{"agentId":"main","match":{}},{"agentId":"b","match":{"userId":"1"}}]'),
      [`error bindings[1]: ${ONE} "main", answers in this version`],
    ],
  ];
  for (const [rule, name, text, expected] of refused) {
    it(`[${rule}] refuses ${name}`, async () => {
      assert.deepEqual(await problemLines(text), expected);
      assert.equal((await load(text)).kind, "refused");
    });
  }

  const left: readonly (readonly [rule: string, name: string, text: string])[] = [
    [
      "N2",
      "rules that the one agent follows anyway",
      file('"bindings":[{"agentId":"main","match":{}}]'),
    ],
    ["N1", "an agent that is active", file('"router":{"assignments":{"main":{"channels":["a"]}}}')],
    ["X4", "budgets without a bound", file('"budgets":{"perUser":{},"total":{}}')],
  ];
  for (const [rule, name, text] of left) {
    it(`[${rule}] leaves ${name}`, async () => {
      assert.equal((await load(text)).kind, "loaded");
    });
  }

  it("[C2] reports them with all other errors and a hint", async () => {
    assert.equal(
      await rendered(
        '{"channels":{"discord":{\n"token":"${NO_TOKEN}"}},\n' +
          '"router":{"assignments":{"main":{"role":"passive"}}}}',
      ),
      `config.jsonc:2:9: error: The variable NO_TOKEN is not set
  in channels.discord.token
2 | "token":"\${NO_TOKEN}"}},
  |         ^^^^^^^^^^^^^
  = set NO_TOKEN in the environment of Barnacle

config.jsonc:3:34: error: "passive" is not implemented yet: the agent would answer in these channels
  in router.assignments.main.role
3 | "router":{"assignments":{"main":{"role":"passive"}}}}
  |                                  ^^^^^^
  = deny its channels in channels.discord.guilds, "allow": false
`,
    );
  });
});
