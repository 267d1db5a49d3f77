import assert from "node:assert/strict";
import { it } from "node:test";
import { distance } from "fastest-levenshtein";
import { nearestPath } from "../../../src/config/checks/issues.ts";
import { configSchema } from "../../../src/config/schema/root.ts";

const cases: readonly (readonly [written: string, meant: string | undefined])[] = [
  ["log.levl", "log.level"],
  ["chanels.discord.dm.polcy", "channels.discord.dm.policy"],
  [
    "channels.discord.guilds.friends.requireMentions",
    "channels.discord.guilds.friends.requireMention",
  ],
  ["http", "http"],
  ["nothing.near", undefined],
  ["log.level.deeper", undefined],
];
for (const [written, meant] of cases) {
  it(`[C10] nearestPath() › ${written}: ${meant ?? "none"}`, () => {
    assert.equal(nearestPath(configSchema, written.split("."), distance)?.join("."), meant);
  });
}
