import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuildPlace } from "../../src/core/inbound/inbound.ts";
import { displayNameOf } from "../../src/session/session_key.ts";
import { channelId, guildId, guildPlace } from "../support/discord/builders.ts";

describe("[S2] displayNameOf()", () => {
  const thread = { id: channelId("1400000000000000012"), name: "My Notes" };
  const foreign = {
    guild: { id: guildId("1400000000000000010"), name: "日本語" },
    channel: { id: channelId("1400000000000000011"), name: "質問 (その2)" },
  };
  const nameless = {
    guild: { id: guildId("1400000000000000010"), name: "✨✨" },
    channel: { id: channelId("1400000000000000011"), name: "🦀" },
  };
  const cases: readonly [place: GuildPlace, slug: string | undefined, name: string][] = [
    [guildPlace(), undefined, "discord:friends-of-barnacle#help"],
    [guildPlace(), "crew", "discord:crew#help"],
    [guildPlace(), "", "discord:friends-of-barnacle#help"],
    [guildPlace({ thread }), undefined, "discord:friends-of-barnacle#help/my-notes"],
    [guildPlace(foreign), undefined, "discord:日本語#質問-その2"],
    [guildPlace(nameless), undefined, "discord:1400000000000000010#1400000000000000011"],
    [
      guildPlace({ thread: { ...thread, name: "覚書" } }),
      "crew",
      "discord:crew#help/覚書",
    ],
  ];
  const SCRIPTS = [
    "помощь",
    "βοήθεια",
    "עזרה",
    "مساعدة",
    "सहायता",
    "ช่วยเหลือ",
    "도움말",
    "օգնություն",
  ];
  for (const name of SCRIPTS) {
    it(`keeps the letters of ${name}`, () => {
      const place = guildPlace({ channel: { id: channelId("1400000000000000011"), name } });
      assert.equal(displayNameOf(place, "crew"), `discord:crew#${name.toLowerCase()}`);
    });
  }
  for (const [place, slug, name] of cases) {
    it(`is ${name}`, () => {
      assert.equal(displayNameOf(place, slug), name);
    });
  }
});
