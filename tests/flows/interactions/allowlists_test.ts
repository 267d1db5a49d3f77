import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAllowlists } from "../../../src/flows/interactions/allowlists.ts";
import type { ConfigFile } from "../../../src/core/config_file.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
import { dm, entries, GUILD, guild, policy } from "../../policy/policies.ts";
import { ACCOUNT, directMessage, guildMessage, userId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { sameData } from "../../support/same_data.ts";

const BEN = userId("77");
const call = { ...directMessage(), name: "allowlist", options: {} };
const inGuild = { ...guildMessage(), name: "allowlist", options: {} };

function build({ list = [], rules, problem, isKnown = true, isPaired = false }: {
  readonly list?: readonly string[];
  readonly rules?: AccessPolicy;
  readonly problem?: string;
  readonly isKnown?: boolean | "no answer";
  readonly isPaired?: boolean;
}) {
  let written = list;
  let revoked = 0;
  const paths: string[] = [];
  const ben = { accountId: ACCOUNT, userId: BEN, username: "ben", pairedAt: 0, pairedBy: "cli" };
  const file: Pick<ConfigFile, "editList"> = {
    editList(path, edit) {
      paths.push(path);
      if (problem !== undefined) return Promise.resolve({ kind: "failed", problem });
      const edited = edit(written);
      written = edited ?? written;
      return Promise.resolve({ kind: edited ? "changed" : "unchanged", entries: written });
    },
  };
  const pairing = {
    paired: () => Promise.resolve(isPaired ? [ben] : []),
    revoke() {
      revoked += 1;
      return Promise.resolve(isPaired ? ben : undefined);
    },
  };
  const account = { accountId: ACCOUNT, store: { pairing }, now: () => 0, log: recordingLog().log };
  const lists = createAllowlists(
    account,
    () => rules ?? policy({ dm: dm({ allowFrom: entries(...list) }) }),
    () => file,
    () => {
      if (isKnown === "no answer") return Promise.reject(new Error("no answer"));
      return Promise.resolve(isKnown ? { username: "ben" } : undefined);
    },
  );
  return { lists, written: () => written, paths, revoked: () => revoked };
}

const RULE = "channels.discord.dm.allowFrom";

describe("[K2] createAllowlists()", () => {
  it("adds a person once", async () => {
    const { lists, written } = build({ list: ["1"] });
    sameData(await lists.change(call, "here", "add", BEN), { kind: "changed", rule: RULE });
    assert.deepEqual(written(), ["1", "77"]);
    const again = await lists.change(call, "here", "add", BEN);
    sameData(again, { kind: "unchanged", rule: RULE });
  });

  it("[P3] ends a pairing with the removal, also of a person who is on no list", async () => {
    for (const list of [["ben"], []]) {
      const { lists, written } = build({ list, isPaired: true });
      sameData(await lists.change(call, "here", "remove", BEN), {
        kind: "changed",
        rule: RULE,
        isUnpaired: true,
      });
      assert.deepEqual(written(), []);
    }
  });

  it("keeps the pairing if the file cannot be written, and gives a command for it", async () => {
    const { lists, revoked } = build({ list: ["1", "77"], problem: "read-only", isPaired: true });
    assert.deepEqual(await lists.change(call, "here", "remove", BEN), {
      kind: "failed",
      problem: "read-only",
      command: `barnacle config unset '${RULE}[1]'`,
    });
    assert.deepEqual(await lists.change(call, "here", "add", BEN), {
      kind: "failed",
      problem: "read-only",
      command: `barnacle config set '${RULE}[+]' 77`,
    });
    assert.equal(revoked(), 0);
  });

  it("does not add a user whom Discord does not know, but removes one", async () => {
    const { lists, written } = build({ list: ["77"], isKnown: false });
    assert.deepEqual(await lists.change(call, "here", "add", BEN), { kind: "no_user" });
    assert.equal((await lists.change(call, "here", "remove", BEN)).kind, "changed");
    assert.deepEqual(written(), []);
  });

  it("works by the id if Discord does not answer", async () => {
    const { lists, written } = build({ isKnown: "no answer" });
    assert.equal((await lists.change(call, "here", "add", BEN)).kind, "changed");
    assert.deepEqual(written(), ["77"]);
  });

  it("tells that the list still admits everyone, or no one", async () => {
    const open = build({ list: ["*", "77"] });
    const still = await open.lists.change(call, "here", "remove", BEN);
    sameData(still, { kind: "changed", rule: RULE, hasEveryone: true });
    const rules = policy({ guilds: { [GUILD]: guild({ users: entries("77") }) } });
    const last = build({ list: ["77"], rules, isPaired: true });
    const rule = `channels.discord.guilds.${GUILD}.users`;
    sameData(await last.lists.change(inGuild, "here", "remove", BEN), {
      kind: "changed",
      rule,
      admitsNoOne: true,
    });
    assert.equal(last.revoked(), 0, "a pairing opens direct messages only");
  });

  it("[P10] makes no list where there is none", async () => {
    const { lists, paths } = build({ rules: policy({ guilds: { [GUILD]: guild() } }) });
    assert.equal((await lists.change(inGuild, "here", "add", BEN)).kind, "everyone");
    assert.deepEqual(paths, []);
  });

  it("shows paired people only if pairings count", async () => {
    const { lists } = build({ isPaired: true });
    assert.equal((await lists.show(call, "here")).paired.length, 1);
    const strict = build({ isPaired: true, rules: policy({ dm: dm({ policy: "allowlist" }) }) });
    assert.deepEqual((await strict.lists.show(call, "here")).paired, []);
  });
});
