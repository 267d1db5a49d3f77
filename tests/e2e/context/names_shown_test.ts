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

  it("[H6] reads the preview of a link in an overheard message", () =>
    play(async (scene) => {
      const { simulator, say, mention, replies, here } = scene;
      const unasked = say("ada", here, "https://example.org/c");
      simulator.preview(unasked, { type: "link", title: "An overheard title" });
      say("grace", here, `${mention} and now?`);
      await replies(here, 1);
      assert.match(lastTurn(scene), /\[embed: An overheard title\]/);
    }));

  it("[P11] reads the answers of other bots to commands", () =>
    play(async (scene) => {
      const { say, mention, replies, simulator, here } = scene;
      const more = { type: 20, interaction_metadata: { id: "1" } };
      simulator.say({ as: "Limpet", in: `#${here}`, text: "the weather is fine", more });
      say("grace", here, `${mention} how is the weather?`);
      await replies(here, 1);
      assert.match(lastTurn(scene), /the weather is fine/);
    }));

  it("[K6] says at once that no answer can come, and asks no model", () =>
    play(async (scene) => {
      const { simulator, eventually, say, model, here } = scene;
      const target = say("ada", here, "a story");
      simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: here });
      simulator.permit({ to: "@everyone", what: "manageMessages", as: "allowed", in: here });
      const asked = model.requests.length;
      const isTold = (count: number) => () =>
        Promise.resolve(
          simulator.ephemeral("grace").filter(({ content }) =>
            content.startsWith("I may not write in this channel")
          ).length === count,
        );
      const registered = () =>
        Promise.resolve(simulator.application.commands.some(({ name }) => name === "new"));
      await eventually("the commands", registered);
      simulator.command({ as: "grace", in: `#${here}`, name: "Summarise from here", target });
      await eventually("the first notice", isTold(1));
      const options = [{ name: "message", type: 3, value: "hello" }];
      simulator.command({ as: "grace", in: `#${here}`, name: "new", options });
      await eventually("the second notice", isTold(2));
      assert.equal(model.requests.length, asked);
    }));

  it("[K6] ends the turn of a command whose answer Discord forbids, and says so by direct message", () =>
    play(async (scene) => {
      const { simulator, eventually, say, replies, rows, model, here } = scene;
      const registered = () =>
        Promise.resolve(simulator.application.commands.some(({ name }) => name === "new"));
      await eventually("the commands", registered);
      model.behave("hang"); // the turn runs until the refusal ends it
      simulator.faults.rest.add({
        method: "PATCH",
        route: "/webhooks/:id/:token/messages/@original",
        fault: { kind: "status", status: 403, code: 50013 },
        times: 1,
      });
      const target = say("ada", here, "a story");
      simulator.command({ as: "ada", in: `#${here}`, name: "Ask Barnacle", target });
      const [told = ""] = await replies("dm", 1, "ada");
      assert.match(told, /^I may not write in this channel/);
      const ended = rows("SELECT * FROM inbox WHERE state = 'stopped'");
      assert.match(JSON.stringify(ended), /Discord refuses answers/);
    }));
});
