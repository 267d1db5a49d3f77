import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { invitePermissions } from "../../../src/core/invite.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";
import { ask, connectReady, isEvent, withSimulator } from "../raw_client.ts";

const openapi = createRequestValidator();
const NO_PINGS = { allowed_mentions: { parse: [] } };

describe("[C6] addBot()", () => {
  it("makes a bot with a token, counts and a gateway of its own", () =>
    withSimulator(async (sim, { krill, barnacle }) => {
      const squid = sim.addBot({ username: "Squid", guilds: ["Krill & Co"] });
      const own = { ...sim, token: squid.token };
      const { body } = await ask(own, "GET", "/users/@me/guilds");
      assert.deepEqual(Object(body).map(({ id }: { id: string }) => id), [krill.id]);
      await ask(own, "POST", `/channels/${sim.channel("#general").id}/messages`, {
        content: "mine",
        nonce: "1",
        ...NO_PINGS,
      });
      assert.deepEqual(sim.posted(undefined, squid).map(({ content }) => content), ["mine"]);
      assert.deepEqual(sim.posted(), []);
      const [first, second] = await Promise.all([
        connectReady(sim),
        connectReady(sim, { token: squid.token }),
      ]);
      assert.equal(sim.account(squid).identifies.length, 1);
      assert.equal(sim.account(barnacle).identifies.length, 1);
      assert.equal(sim.account(squid).creates.size, 1);
      assert.equal(sim.account(barnacle).creates.size, 0);
      sim.say({ as: "ada", in: "dm:Squid", text: "psst" });
      await second.frame(({ d }) => d?.["content"] === "psst");
      sim.say({ as: "ada", in: "dm", text: "and you" });
      await first.frame(({ d }) => d?.["content"] === "and you");
      assert.equal(first.frames.some(({ d }) => d?.["content"] === "psst"), false);
      first.close();
      second.close();
    }));

  it("[SEC-R34] brings its role, which mentions it, with the link's permissions", () =>
    withSimulator((sim, { krill }) => {
      const squid = sim.addBot({ username: "Squid", guilds: [krill.id] });
      const roles = (krill.members.get(squid.userId)?.roles ?? []).map((id) => krill.roles.get(id));
      assert.deepEqual(roles.map((role) => role?.botId), [squid.userId]);
      assert.deepEqual(roles.map((role) => String(role?.permissions)), [invitePermissions()]);
      return Promise.resolve();
    }));

  it(
    "shows a team in the place of an owner, as Discord's document says",
    { skip: openapi.skip },
    () =>
      withSimulator(async (sim, { people }) => {
        const squid = sim.addBot({
          username: "Squid",
          ownerId: people.ada.id,
          team: [
            { userId: people.grace.id, hasAccepted: true, role: "developer" },
            { userId: people.edsger.id, hasAccepted: false, role: "admin" },
          ],
        });
        const { status, body } = await ask(
          { ...sim, token: squid.token },
          "GET",
          "/applications/@me",
        );
        const record = sim.requests.records().at(-1);
        assert.ok(record);
        assert.deepEqual(openapi.problemsOfAnswer(record, status, body), []);
        const { owner, team } = Object(body);
        assert.equal(owner.id, team.id); // a person must be found among the members
        assert.equal(team.owner_user_id, people.ada.id);
        type Told = { user: { id: string }; membership_state: number; role: string };
        assert.deepEqual(
          team.members.map((one: Told) => [one.user.id, one.membership_state, one.role]),
          [
            [people.ada.id, 2, "admin"],
            [people.grace.id, 2, "developer"],
            [people.edsger.id, 1, "admin"],
          ],
        );
      }),
  );
});

describe("[P6a] invite() and kick()", () => {
  it("send a bot the guild that it has joined, and the one that it has left", () =>
    withSimulator(async (sim, { elsewhere, otherBot }) => {
      const bot = await connectReady(sim, { token: otherBot.token });
      await bot.frame(isEvent("GUILD_CREATE"));
      sim.invite({ who: "Limpet", guild: "Elsewhere" });
      await bot.frame(({ t, d }) => t === "GUILD_CREATE" && d?.["id"] === elsewhere.id);
      sim.kick({ who: "Limpet", guild: "Elsewhere" });
      await bot.frame(({ t, d }) => t === "GUILD_DELETE" && d?.["id"] === elsewhere.id);
      assert.equal(elsewhere.members.has(otherBot.userId), false);
      bot.close();
    }));

  it("cannot invite an unknown account", () =>
    withSimulator((sim) => {
      assert.throws(() => sim.invite({ who: "nobody" }), /nobody/);
      assert.throws(() => sim.addBot({ username: "x", guilds: ["Nowhere"] }), /Nowhere/);
      return Promise.resolve();
    }));
});
