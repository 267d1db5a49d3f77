/** Plays a destructive action about a message that the store does not have, whose author is then forgotten. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model } from "../../../src/core/model.ts";
import { discord } from "../../../src/tools/discord/discord.ts";
import { ALLOW_ONCE } from "../../../src/core/people/question.ts";
import { decideQuestion } from "../../../src/flows/questions/cards.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { ADA, CHANNEL, GUILD, guildData, messageData } from "../../support/discord/payloads.ts";

const BOB = { id: "1900000000000000002", username: "bobsmith", discriminator: "0" };
const WORD = "bobword7end";
const OLD = "1300000000000000001";
const CHANNEL_DATA = { id: CHANNEL, type: 0, name: "ops", guild_id: GUILD };

describe("[X5] words of a forgotten person in a destructive action", () => {
  for (const isPressed of [false, true]) {
    it(`are nowhere, ${isPressed ? "after" : "before"} its card is pressed`, async () => {
      let asked = 0;
      const model: Model = {
        id: "test/model",
        async *generate() {
          const args = { action: "deleteMessage", messageId: OLD };
          const call = { id: "c", name: "discord", arguments: JSON.stringify(args) };
          if (asked++ === 0) yield { kind: "finish", reason: "tool_calls", calls: [call] };
          else yield { kind: "text", text: "done" };
          if (asked > 1) yield { kind: "finish", reason: "stop" };
        },
      };
      const tools = [discord];
      const scene = await testAccount({
        discord: { guilds: { [GUILD]: { users: ["*"] } } },
        toolServices: { tools: () => tools },
        model,
        answer: ({ method, path }) => {
          if (method !== "GET") return undefined;
          const roles = [{ id: GUILD, name: "@everyone", permissions: "8", position: 0 }];
          if (path === `/channels/${CHANNEL}/messages/${OLD}`) {
            return messageData({ id: OLD, author: BOB, content: WORD });
          }
          if (path === `/guilds/${GUILD}/channels`) return [CHANNEL_DATA];
          if (path === `/channels/${CHANNEL}`) return CHANNEL_DATA;
          if (path.startsWith(`/guilds/${GUILD}/members/`)) {
            return { user: { id: path.split("/").at(-1), username: "a" }, roles: [] };
          }
          if (path === `/guilds/${GUILD}/roles`) return roles;
          return path === `/guilds/${GUILD}` ? { id: GUILD, owner_id: ADA.id, roles } : undefined;
        },
      });
      const { store, rows } = scene;
      await scene.receive("GUILD_CREATE", guildData());
      const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
      await scene.write(`<@${SELF.userId}> delete that`, { mentions });
      await scene.pass(5_000);
      const open = await store.questions.open(scene.clock.now());
      for (const { code } of isPressed ? open : []) {
        const now = scene.clock.now();
        const by = { code };
        const answer = { choice: ALLOW_ONCE };
        await decideQuestion(scene.account, { by, userId: userId(ADA.id), answer, now });
        await scene.pass(5_000);
      }
      const later = { id: "1400000000000000901", author: BOB, content: "hello" };
      await scene.receive("MESSAGE_CREATE", messageData(later));
      const dump = () =>
        rows("SELECT name FROM pragma_table_list WHERE schema = 'main'").flatMap(({ name }) => {
          const all = JSON.stringify(rows(`SELECT * FROM "${name}"`));
          return all.includes(WORD) || all.includes(BOB.username) ? [String(name)] : [];
        });
      assert.ok(dump().includes(isPressed ? "discord_change" : "question"));
      await store.forgetting.forget(userId(BOB.id), false);
      assert.deepEqual(dump(), []);
    });
  }
});
