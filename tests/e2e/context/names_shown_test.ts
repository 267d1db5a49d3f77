/** Tests what the model and people read in place of ids, previews, and answers that cannot come. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const lastTurn = ({ model }: Scene): string =>
  model.requests.at(-1)?.messages.findLast(({ role }) => role === "user")?.text ?? "";

describe("names, previews and closed channels", () => {
  const play = sharedBot({
    discord: () => ({ allowBots: true }),
    mayRefuse: ({ method, path, status }) =>
      // a forbidden answer, or one before its deferral
      method === "PATCH" && path.endsWith("/@original") && [403, 404].includes(status ?? 0),
  });

  it("[H3] [R4] shows names to the model, and mentions to people, without new pings", () =>
    play(async (scene) => {
      const { simulator, say, mention, replies, user, here } = scene;
      const [grace, ada] = [user("grace"), user("ada")];
      const { id: other } = simulator.channel("#off-topic");
      say("ada", here, `hidden from <@${grace.id}>: <#${other}> <:krill:123456789012345678>`);
      say("ada", here, `${mention} ask <@${grace.id}> in <#${other}> :krill:`);
      const [answer = ""] = await replies(here, 1);
      const turn = lastTurn(scene);
      const shown = `@Grace (${grace.id})`;
      assert.ok(turn.includes(`@you ask ${shown} in #off-topic (${other})`), turn);
      assert.ok(turn.includes(`hidden from ${shown}: #off-topic (${other}) :krill:`), turn);
      const sent = `ask <@${grace.id}> in <#${other}> <:krill:123456789012345678>`;
      assert.ok(answer.includes(sent), answer);
      const posted = [...simulator.channel(`#${here}`).messages.values()].at(-1);
      assert.deepEqual(posted?.pings.users.filter((id) => id !== ada.id), []);
      const bytes = new TextEncoder().encode(`<@${ada.id}> in <#${other}>, <@1900000000000000099>`);
      const attachments = [{ filename: "a.txt", bytes, sizeBytes: bytes.length }];
      simulator.say({ as: "grace", in: here, text: `${mention} read`, attachments });
      await replies(here, 2);
      const read = lastTurn(scene);
      assert.ok(read.includes(`@Ada (${ada.id}) in #off-topic (${other}), <@19`), read);
    }));
});
