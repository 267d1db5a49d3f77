/** A model that is talked into mentioning everyone, in each kind of message that the bot writes. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** All requests by which a message gets its text. */
const WRITES = /^(?:POST|PATCH) \/(?:channels\/\d+\/messages|webhooks\/|interactions\/)/;

/** Mentions everyone, the helpers and two people; the last one is part of no conversation. */
function pings({ simulator, user }: Scene): string {
  const [krill] = simulator.world.guilds.values();
  const helpers = [...krill?.roles.values() ?? []].find(({ name }) => name === "helpers");
  return `@everyone @here <@&${krill?.id}> <@&${helpers?.id}> ` +
    `<@${user("edsger").id}> <@!${user("ada").id}>`;
}

function noOneIsPinged({ simulator, user }: Scene): void {
  for (const message of simulator.posted()) {
    assert.deepEqual(message.pings, { users: [], roles: [], everyone: false }, message.content);
  }
  for (const message of simulator.ephemeral(user("grace").id)) {
    assert.equal(message.pings.everyone, false);
  }
  const written = simulator.requests.records()
    .filter(({ method, path, body }) => WRITES.test(`${method} ${path}`) && body !== undefined);
  for (const { method, path, body } of written) {
    const where = `${method} ${path} ${JSON.stringify(body)}`;
    // A deferral has no text; an answer has it in `data`.
    const message = typeof body === "object" && body && "data" in body ? body.data : body;
    if (!JSON.stringify(message).includes('"content"')) continue;
    assert.match(JSON.stringify(message), /"allowed_mentions":\{[^}]*"parse":\[\]/, where);
  }
}

it("[SEC-R5] a model that mentions everyone › pings no one by answers, drafts, their edits, notices and answers to commands", () =>
  withSimulation(
    { discord: () => ({ streaming: "edit" }) },
    async (scene) => {
      const { simulator, start, say, mention, until, replies, user } = scene;
      // The bot may mention everyone, and the helpers may be mentioned.
      simulator.permit({ to: "Barnacle", what: "mentionEveryone", as: "allowed" });
      const text = pings(scene);
      async function* growing(): AsyncGenerator<string> {
        yield `${text} here is the first half, `;
        await until("the draft", () => simulator.posted("general").length > 0);
        await sleep(1_300); // until the next edit is due
        yield `${text} and the second.`;
      }
      await using model = await startFixedModel((asked) =>
        asked.includes("nothing") ? "<think>" : asked.includes("grow") ? growing() : text
      );
      await start({ OPENAI_BASE_URL: model.baseUrl });
      say("grace", "general", `${mention} grow`);
      await until("the end", () => simulator.posted("general")[0]?.content.includes("second"));
      say("grace", "help", `${mention} @everyone`);
      await replies("help", 1);
      say("grace", "off-topic", `${mention} nothing`);
      await replies("off-topic", 1);
      say("mallory", "dm", "@everyone <@1>");
      await replies("dm", 1, "mallory");
      await until("the commands", () => simulator.application.commands.length > 0);
      simulator.command({ as: "grace", in: "general", name: "status" });
      await until("the answer", () => simulator.ephemeral(user("grace").id).length > 0);
      const sent = await scene.cli("send", `channel:${simulator.channel("help").id}`, text);
      assert.equal(sent.code, 0, sent.stderr.join("\n"));
      await replies("help", 2);
      noOneIsPinged(scene);
      assert.ok(
        simulator.posted().filter(({ content }) => content.includes("@everyone")).length > 2,
      );
    },
  ));
