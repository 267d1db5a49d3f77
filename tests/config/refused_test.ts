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
    [
      "I1",
      "mentions that the filter must check, wherever it is on",
      discord(`"intentFilter":{"alwaysRespondToMentions":false},"guilds":{"*":{"channels":{
        "a":{"intentFilter":{"enabled":true}},
        "b":{"intentFilter":{"alwaysRespondToMentions":false}}},
        "intentFilter":{"alwaysRespondToMentions":false}}}`),
      [
        'error channels.discord.intentFilter.alwaysRespondToMentions: "alwaysRespondToMentions" is not implemented yet: every mention would be answered',
        'warning channels.discord.guilds.*.channels.a.intentFilter: "intentFilter" is not implemented yet: while it is on, Barnacle ignores messages without a mention, even if none is required',
        'error channels.discord.guilds.*.channels.b.intentFilter.alwaysRespondToMentions: "alwaysRespondToMentions" is not implemented yet: every mention would be answered',
        'error channels.discord.guilds.*.intentFilter.alwaysRespondToMentions: "alwaysRespondToMentions" is not implemented yet: every mention would be answered',
      ],
    ],
    [
      "I1",
      "mentions that one account's filter must check",
      discord(`"intentFilter":{"alwaysRespondToMentions":false},
        "accounts":{"a":{"intentFilter":{"enabled":true}}}`),
      [
        'error channels.discord.intentFilter.alwaysRespondToMentions: "alwaysRespondToMentions" is not implemented yet: every mention would be answered',
        'warning channels.discord.accounts.a.intentFilter: "intentFilter" is not implemented yet: while it is on, Barnacle ignores messages without a mention, even if none is required',
      ],
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
    [
      "I1",
      "a filter that is off",
      discord('"intentFilter":{"enabled":false,"alwaysRespondToMentions":false}'),
    ],
  ];
  for (const [rule, name, text] of left) {
    it(`[${rule}] leaves ${name}`, async () => {
      assert.equal((await load(text)).kind, "loaded");
    });
  }

  it("[C2] reports them with all other errors and a hint", async () => {
    const text = discord(
      '"token":"${NO_TOKEN}","intentFilter":' +
        '{"enabled":true,"alwaysRespondToMentions":false}',
    );
    assert.equal(
      await rendered(text.replace('"token"', '\n"token"').replace('"intent', '\n"intent')),
      `config.jsonc:2:9: error: The variable NO_TOKEN is not set
  in channels.discord.token
2 | "token":"\${NO_TOKEN}",
  |         ^^^^^^^^^^^^^
  = set NO_TOKEN in the environment of Barnacle

config.jsonc:3:32: error: "alwaysRespondToMentions" is not implemented yet: every mention would be answered
  in channels.discord.intentFilter.alwaysRespondToMentions
3 | "intentFilter":{"enabled":true,"alwaysRespondToMentions":false}}}}
  |                                ^^^^^^^^^^^^^^^^^^^^^^^^^
  = remove it, or set "enabled" to false in each intentFilter
`,
    );
  });
});
