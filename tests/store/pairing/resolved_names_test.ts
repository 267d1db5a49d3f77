import assert from "node:assert/strict";
import { it } from "node:test";
import type { ResolvedName } from "../../../src/core/names.ts";
import { ACCOUNT, channelId, guildId, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const ADA: ResolvedName = { kind: "user", typed: "Ada", id: userId("1"), name: "ada", at: 5 };
const GUILD: ResolvedName = {
  kind: "guild",
  typed: "my guild",
  id: guildId("2"),
  name: "My Guild",
  at: 6,
};
const help = (guild: string, id: string): ResolvedName => ({
  kind: "channel",
  typed: "help",
  guildId: guildId(guild),
  id: channelId(id),
  name: "help",
  at: 7,
});

it("[P12] names › keep their first id", async () => {
  const { store } = openTestStore();
  await store.pairing.saveNames(ACCOUNT, [ADA, GUILD, help("2", "3"), help("4", "5")]);
  await store.pairing.saveNames(ACCOUNT, [
    { ...ADA, id: userId("666"), at: 9 },
    { ...GUILD, id: guildId("666"), at: 9 },
    help("2", "666"),
  ]);
  assert.deepEqual(await store.pairing.namesOf(ACCOUNT), [
    help("2", "3"),
    help("4", "5"),
    GUILD,
    ADA,
  ]);
});
