import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeNames, judgeTokenSource } from "../../../src/extras/diagnose/doctor_checks.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { userId } from "../../support/discord/builders.ts";

describe("[P4] judgeNames()", () => {
  async function policy(discord: object) {
    const loaded = await loadConfig(
      { file: "config.jsonc", text: JSON.stringify({ channels: { discord } }) },
      { env: {}, readFile: () => Promise.resolve(undefined) },
    );
    assert.ok(loaded.kind === "loaded");
    const [account] = loaded.config.accounts;
    assert.ok(account);
    return account.access;
  }

  it("passes if all entries are ids", async () => {
    const { status } = judgeNames(await policy({ dm: { allowFrom: ["5"] } }), []);
    assert.equal(status, "pass");
  });

  it("warns of every unresolved name, with its rule", async () => {
    const access = await policy({
      dm: { allowFrom: ["ada"] },
      guilds: { friends: { users: ["5"] } },
    });
    const finding = judgeNames(access, []);
    assert.equal(finding.status, "warn");
    assert.match(finding.why, /"ada" \(channels\.discord\.dm\.allowFrom\[0\]\)/);
    assert.match(finding.why, /"friends" \(channels\.discord\.guilds\.friends\)/);
    assert.match(finding.fix ?? "", /access resolve --write/);
    const name: ResolvedName = { kind: "user", id: userId("5"), typed: "ada", name: "ada", at: 1 };
    assert.doesNotMatch(judgeNames(access, [name]).why, /ada/);
  });

  it("warns of a group by name, but of no role", async () => {
    const access = await policy({
      dm: { groupEnabled: true, groupChannels: ["friends"] },
      guilds: { "1400000000000000010": { users: ["role:Crew"] } },
    });
    const { why } = judgeNames(access, []);
    assert.match(why, /"friends" \(channels\.discord\.dm\.groupChannels\[0\]\)/);
    assert.doesNotMatch(why, /Crew/);
  });

  it("counts the names beyond the first five", async () => {
    const access = await policy({
      dm: { allowFrom: "abcdefgh".split("").map((x) => `user-${x}`) },
    });
    assert.match(judgeNames(access, []).why, /"user-e" .* and 3 more$/);
  });
});

describe("[SEC-R38] judgeTokenSource()", () => {
  it("hints once at LoadCredential if a service has tokens in its environment", () => {
    const [row, ...more] = judgeTokenSource(["A_TOKEN", "B_TOKEN"], true);
    assert.deepEqual(more, []);
    assert.equal(row?.status, "pass", "a hint is no problem");
    assert.match(row?.why ?? "", /^the environment has A_TOKEN and B_TOKEN;/);
    assert.match(row?.fix ?? "", /LoadCredential/);
  });

  it("says nothing without a service, or without such a token", () => {
    assert.deepEqual(judgeTokenSource(["A"], false), []);
    assert.deepEqual(judgeTokenSource([], true), []);
  });
});
