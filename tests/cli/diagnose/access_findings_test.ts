import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeNames } from "../../../src/cli/diagnose/access_findings.ts";
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
