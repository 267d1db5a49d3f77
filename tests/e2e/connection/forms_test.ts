/** Plays servers whose payloads do not have Discord's form (G16). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

type Fields = Record<string, unknown>;

/** Changes the data of the dispatches of a type. */
const reforming = (type: string, change: (d: Fields) => unknown) => (text: string) => {
  if (!text.includes(`"${type}"`)) return text;
  const payload = JSON.parse(text) as Fields;
  return payload["t"] === type
    ? JSON.stringify({ ...payload, d: change(payload["d"] as Fields) })
    : text;
};

/** Ids as numbers, in a text of JSON. */
const asNumbers = (json: string) =>
  json.replace(
    /"(id|guild_id|channel_id|user_id|parent_id|owner_id|message_id|application_id)":"(\d{17,20})"/g,
    '"$1":$2',
  );

/** `null` for empty lists, and objects for the roles of members. */
const asOther = (json: string) =>
  asNumbers(json)
    .replace(/"(attachments|embeds|mentions|mention_roles|components)":\[\]/g, '"$1":null')
    .replace(/("member":\{[^{}]*?"roles":)\[([^\]{}]+)\]/g, (_, start: string, roles: string) =>
      `${start}[${
        roles.split(",").map((id) => `{"id":${id}}`).join(",")
      }]`);

describe("[G16] a server with another form of payloads", () => {
  const play = sharedBot({}, ({ simulator }) => {
    simulator.faults.gateway.reform = reforming("READY", ({ session_id, user }) => ({
      session_id,
      user: { id: Object(user).id },
    }));
  });

  it("gets answers to mentions and direct messages", () =>
    withSimulation({}, async ({ simulator, start, say, mention, replies, status }) => {
      simulator.faults.gateway.reform = asOther;
      simulator.faults.rest.add({ fault: { kind: "reform", change: asOther } });
      const bot = await start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      const { findings } = await status(bot);
      assert.ok(!findings.some(({ id }) => id === "gateway:dispatches"), JSON.stringify(findings));
    }));

  it("whose messages cannot be read shows in health, in status and to the owner, until they can", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, say, mention, replies, ask, cli, eventually, line } = scene;
      const faults = simulator.faults.gateway;
      faults.reform = reforming("MESSAGE_CREATE", ({ author: _, ...d }) => d);
      const bot = await start();
      say("grace", "general", `${mention} hello`);
      const [told = ""] = await replies("dm", 1, "ada");
      assert.match(told, /`MESSAGE_CREATE` events \(author/);
      await line(bot, /A dispatch has an unknown form/);
      assert.equal((await ask(bot, "/readyz")).status, 503);
      const { stdout } = await cli("status");
      assert.match(stdout.join("\n"), /^Does not work as it should/);
      assert.match(stdout.join("\n"), /FAIL +Unread events .*MESSAGE_CREATE \(author/);
      const [answer = ""] = await replies("general", 1); // of the history, after a new session
      assert.match(answer, /hello/);
      faults.reform = undefined;
      say("grace", "general", `${mention} hello again`);
      await replies("general", 2);
      await eventually(
        "the bot to be ready",
        async () => (await ask(bot, "/readyz")).status === 200,
      );
      assert.equal(simulator.account().identifies.length, 2, "and the session is renewed once");
    }));

  it("of which one guild cannot be read shows at once, and gets the guild by a new session", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, say, mention, replies, cli, eventually } = scene;
      const faults = simulator.faults.gateway;
      const [krill] = simulator.world.guilds.values();
      let isFirst = true;
      faults.reform = reforming("GUILD_CREATE", (d) => {
        if (d["id"] !== krill?.id || !isFirst) return d;
        isFirst = false;
        return { ...d, id: "x" };
      });
      await start();
      await eventually("status to tell", async () => {
        const { stdout } = await cli("status");
        return /warn +Unread events .*could not read a GUILD_CREATE \(id/.test(
          stdout.join("\n"),
        );
      });
      const [told = ""] = await replies("dm", 1, "ada");
      assert.match(told, /`GUILD_CREATE` events \(id/);
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.equal(simulator.account().identifies.length, 2);
    }));

  it("[G14] whose READY has the session and the bot's id alone gets answers", () =>
    play(async (scene) => {
      const { say, mention, replies, here } = scene;
      say("grace", here, `${mention} hello`);
      await replies(here, 1);
    }));

  it("whose READY cannot be read is not online, and status says why", () =>
    play(async (scene, bot) => {
      const { simulator, say, mention, replies, ask, cli, eventually, here } = scene;
      const faults = simulator.faults.gateway;
      say("grace", here, `${mention} hello`);
      await replies(here, 1);
      faults.reform = reforming("READY", ({ user: _, ...d }) => d);
      faults.invalidate(false);
      await eventually(
        "status to tell",
        async () =>
          (await cli("status")).stdout.some((shown) => shown.includes("cannot read the READY")),
      );
      assert.equal((await ask(bot, "/readyz")).status, 503);
    }));
});
