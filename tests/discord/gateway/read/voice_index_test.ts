import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Dispatch } from "../../../../src/discord/gateway/decode/guild_index.ts";
import { createVoiceIndex } from "../../../../src/discord/gateway/read/voice_index.ts";
import { guildId } from "../../../support/discord/builders.ts";

const GUILD = guildId("10");
const state = (user: string, channel: string | null, fields: object = {}) => ({
  user_id: user,
  channel_id: channel,
  session_id: `s${user}`,
  ...fields,
});

/** Reads dispatches. @returns The index, and what its listeners heard. */
function after(...dispatches: readonly (readonly [t: string, d: unknown])[]) {
  const heard: string[] = [];
  const index = createVoiceIndex(() => heard.push("renew"));
  index.onChange((guild) => heard.push(`changed ${guild}`));
  index.listen({
    moved: ({ userId, channelId, sessionId }) =>
      heard.push(`${userId} in ${channelId} ${sessionId}`),
    server: ({ token, endpoint }) => heard.push(`${token} at ${endpoint}`),
    renewed: (guild) => heard.push(`renewed ${guild}`),
  });
  for (const [t, d] of dispatches) index.apply({ t, d, s: 1 } as Dispatch);
  return { index, heard };
}

const CREATED = ["GUILD_CREATE", {
  id: GUILD,
  members: [{ user: { id: "2", bot: true } }],
  voice_states: [state("1", "5", { self_mute: true }), state("2", "5", { suppress: true }), "?"],
}] as const;
const moved = (user: string, channel: string | null, fields: object = {}) =>
  ["VOICE_STATE_UPDATE", { guild_id: GUILD, ...state(user, channel, fields) }] as const;

describe("[V9] createVoiceIndex()", () => {
  const rows: readonly (readonly [
    what: string,
    dispatches: readonly (readonly [string, unknown])[],
    people: readonly string[],
  ])[] = [
    ["knows the people of a new session, and bots", [CREATED], ["1 5 muted", "2 5 bot muted"]],
    ["follows moves", [CREATED, moved("1", "6", { self_mute: true })], [
      "2 5 bot muted",
      "1 6 muted",
    ]],
    ["follows people who leave", [CREATED, moved("1", null), moved("2", null)], []],
    ["knows a newcomer as a bot", [moved("3", "5", { member: { user: { id: "3", bot: true } } })], [
      "3 5 bot",
    ]],
    ["forgets a guild that is gone", [CREATED, ["GUILD_DELETE", { id: GUILD }]], []],
    ["keeps one that is unavailable as it was", [CREATED, ["GUILD_CREATE", {
      id: GUILD,
      unavailable: true,
    }]], ["1 5 muted", "2 5 bot muted"]],
    ["ignores others", [["VOICE_STATE_UPDATE", 7], ["VOICE_SERVER_UPDATE", {}], ["X", {}]], []],
  ];
  for (const [what, dispatches, people] of rows) {
    it(what, () =>
      assert.deepEqual(
        after(...dispatches).index.of(GUILD).map(({ userId, channelId, isBot, isMuted }) =>
          [userId, channelId, isBot && "bot", isMuted && "muted"].filter(Boolean)
            .join(" ")
        ),
        people,
      ));
  }

  it("[V2] tells the roles of people who come, as Discord tells them then", () => {
    const member = { user: { id: "1" }, roles: ["31", "?", "32"] };
    const { index } = after(CREATED, moved("1", "6", { member }), moved("2", "6"));
    assert.deepEqual(index.of(GUILD).map(({ roles }) => roles), [["31", "32"], undefined]);
  });

  it("passes on what the bot's calls need", () => {
    const server = { guild_id: GUILD, token: "t" };
    const { heard } = after(
      CREATED,
      moved("2", "5"),
      moved("2", null),
      ["VOICE_SERVER_UPDATE", { ...server, endpoint: "e:1" }],
      ["VOICE_SERVER_UPDATE", { ...server, endpoint: null }],
    );
    assert.deepEqual(heard, [
      "renewed 10",
      "changed 10",
      "2 in 5 s2",
      "changed 10",
      "2 in undefined s2",
      "changed 10",
      "t at e:1",
      "t at undefined",
    ]);
  });

  it("asks once for a new session if the session was resumed, and not otherwise", () => {
    for (const [dispatches, expected] of [[[], ["renew"]], [[["READY", {}]], []]] as const) {
      const { index, heard } = after(...dispatches);
      index.wasRead();
      index.wasRead();
      assert.deepEqual(heard, expected);
    }
  });
});
