import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policiesIn } from "../../src/config/policies.ts";
import { loadedOf } from "./support.ts";

const TEXT = `{ "channels": { "discord": { // hunter2hunter2hunter2hunter2
  "token": "hunter2-above", "groupPolicy": "open",
  "guilds": { "123456789012345678": { "users": ["ada", "role:Mods"], "channels": { "x": {} } } },
  "pluralkit": { "token": "\${NO_SUCH}" , "enabled": true },
  "accounts": { "Work": { "token": { "file": "/no/such" }, "dm": { "policy": "disabled" } } } } },
  "models": { "providers": { "x": { "kind": "anthropic", "apiKey": "hunter2" } } } }`;

describe("[P1] policiesIn()", () => {
  it("has the rules of every account without its variables and files", async () => {
    const loaded = await loadedOf(TEXT, {
      env: { NO_SUCH: "pk" },
      files: { "/no/such": "w" },
    });
    assert.ok(loaded.text);
    const found = await policiesIn(loaded.text);
    const plain = (access: unknown) => JSON.parse(JSON.stringify(access));
    assert.deepEqual(
      found.map(({ accountId, access }) => [accountId, plain(access)]),
      loaded.config.accounts.map(({ accountId, access }) => [accountId, plain(access)]),
    );
    const [, work] = found;
    assert.equal(
      work?.access.ruleOf("channels.discord.dm.policy"),
      "channels.discord.accounts.Work.dm.policy",
    );
  });

  it("has the rules of a bot without a file", async () => {
    const [account, ...others] = await policiesIn(undefined);
    assert.deepEqual([account?.accountId, account?.access.groupPolicy, others], [
      "default",
      "open",
      [],
    ]);
  });

  it("always has the account default, whose token may have been in the environment", async () => {
    const found = await policiesIn('{"channels":{"discord":{"accounts":{"a":{"token":"*"}}}}}');
    assert.deepEqual(found.map(({ accountId }) => accountId), ["default", "a"]);
  });

  it("has no rules for a text that this version cannot read", async () => {
    for (const text of ["{", '{"channels":{"discord":{"gone":1}}}']) {
      assert.deepEqual(await policiesIn(text), []);
    }
  });
});
