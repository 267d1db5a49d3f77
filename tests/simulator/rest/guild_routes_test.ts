import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import {
  addChannel,
  addGuild,
  addMember,
  addUser,
  addWebhook,
} from "../../../simulator/world/create_world.ts";
import { INTENT } from "../../../simulator/world/intents.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";
import { type Answer, ask, withSimulator } from "../raw_client.ts";

const openapi = createRequestValidator();
const NO_LIMITS = { rateLimits: false } as const;
const namesOf = ({ body }: Answer): readonly string[] =>
  Array.isArray(body) ? body.map((one) => String(one.user?.username ?? one.name)) : [];

describe("[P12] GET /guilds/:id/members/search", () => {
  it("finds the beginning of a username, display name or nickname, in any case", () =>
    withSimulator(async (sim, { world, krill }) => {
      const at = Date.now();
      for (
        const [username, more, nick] of [
          ["gracious", {}, undefined],
          ["hopper", { globalName: "GRACE H." }, undefined],
          ["liskov", {}, "graceful"],
          ["disgrace", {}, undefined],
        ] as const
      ) {
        const { id: userId } = addUser(world, { username, ...more }, at);
        addMember(krill, { userId, joinedAt: at, ...(nick && { nick }) });
      }
      const search = (query: string) =>
        ask(sim, "GET", `/guilds/${krill.id}/members/search?${query}`);
      const found = await search("query=gRaC&limit=1000");
      assert.deepEqual(namesOf(found), ["grace", "gracious", "hopper", "liskov"]);
      const record = sim.requests.records().at(-1);
      assert.ok(record);
      assert.deepEqual(openapi.problemsOf(record), []);
      assert.deepEqual(openapi.problemsOfAnswer(record, found.status, found.body), []);
      assert.equal(namesOf(await search("query=grac")).length, 1);
      assert.deepEqual(namesOf(await search("query=nobody&limit=10")), []);
    }, NO_LIMITS));

  it("distinguishes accounts of the same name by their tags", () =>
    withSimulator(async (sim, { world, krill }) => {
      const at = Date.now();
      for (const discriminator of ["0001", "0002"]) {
        const { id: userId } = addUser(world, { username: "twin", discriminator }, at);
        addMember(krill, { userId, joinedAt: at });
      }
      const { body } = await ask(
        sim,
        "GET",
        `/guilds/${krill.id}/members/search?query=twin&limit=9`,
      );
      assert.deepEqual(
        Object(body).map(({ user }: { user: { discriminator: string } }) => user.discriminator),
        ["0001", "0002"],
      );
      assert.notEqual(sim.user("twin#0001"), sim.user("twin#0002"));
    }));

  it("is refused without the intent for members, and for other guilds", () =>
    withSimulator(async (sim, { world, barnacle, krill, people }) => {
      const path = (id: string) => `/guilds/${id}/members/search?query=a`;
      const foreign = addGuild(world, { name: "Foreign", ownerId: people.edsger.id }, Date.now());
      assert.equal((await ask(sim, "GET", path(foreign.id))).status, 403);
      assert.equal((await ask(sim, "GET", path(krill.id))).status, 200);
      const { privilegedIntents } = barnacle;
      const without = { ...barnacle, privilegedIntents: privilegedIntents & ~INTENT.guildMembers };
      world.applications.set(barnacle.id, without);
      const refused = await ask(sim, "GET", path(krill.id));
      assert.deepEqual([refused.status, Object(refused.body).code], [403, 50001]);
    }));

  for (const query of ["", "query=", "query=a&limit=0", "query=a&limit=1001", "query=a&name=b"]) {
    it(`is refused as ${query || "nothing"}`, () =>
      withSimulator(async (sim, { krill }) => {
        const { status, body } = await ask(
          sim,
          "GET",
          `/guilds/${krill.id}/members/search?${query}`,
        );
        assert.deepEqual([status, Object(body).code], [400, 50035]);
      }));
  }
});

describe("[P12] GET /users/@me/guilds", () => {
  it("comes in pages, in the order of their ids", () =>
    withSimulator(async (sim, { krill, elsewhere }) => {
      const { id } = sim.application;
      assert.ok(id);
      const pages: readonly [query: string, names: readonly string[]][] = [
        ["", ["Krill & Co", "Elsewhere"]],
        ["?limit=1", ["Krill & Co"]],
        [`?limit=1&after=${krill.id}`, ["Elsewhere"]],
        [`?after=${elsewhere.id}`, []],
        [`?limit=1&before=${elsewhere.id}`, ["Krill & Co"]],
      ];
      for (const [query, names] of pages) {
        assert.deepEqual(namesOf(await ask(sim, "GET", `/users/@me/guilds${query}`)), names, query);
      }
      const { body } = await ask(sim, "GET", "/users/@me/guilds?with_counts=true");
      assert.equal(Object(body)[0].approximate_member_count, krill.members.size);
      assert.equal((await ask(sim, "GET", "/users/@me/guilds?limit=201")).status, 400);
    }, NO_LIMITS));
});

describe("[P7] GET /webhooks/:id", () => {
  const read = async (sim: Simulator, id: string) => {
    const { status, body } = await ask(sim, "GET", `/webhooks/${id}`);
    const record = sim.requests.records().at(-1);
    assert.ok(record);
    assert.deepEqual(openapi.problemsOf(record), []);
    assert.deepEqual(openapi.problemsOfAnswer(record, status, body), []);
    return { status, body: Object(body) };
  };
  const refusal = async (sim: Simulator, id: string) => {
    const { status, body } = await read(sim, id);
    return [status, body.code];
  };

  it("needs Manage Webhooks in its channel", () =>
    withSimulator(async (sim, { webhook, channels, krill }) => {
      assert.deepEqual(await refusal(sim, webhook.id), [403, 50013]);
      const grant = { to: "Barnacle", what: "manageWebhooks", as: "allowed" } as const;
      sim.permit({ ...grant, in: "help" });
      assert.deepEqual(await refusal(sim, webhook.id), [403, 50013]);
      sim.permit({ ...grant, in: "general" });
      const { status, body } = await read(sim, webhook.id);
      assert.equal(status, 200);
      const { id, type, name, channel_id: channel, guild_id: guild, application_id: owner } = body;
      assert.deepEqual([id, type, name, channel, guild, owner], [
        webhook.id,
        1,
        "deploys",
        channels.general.id,
        krill.id,
        null,
      ]);
    }, NO_LIMITS));

  it("needs no permission for the application's own, and refuses one of an unknown place", () =>
    withSimulator(async (sim, { world, barnacle, otherBot }) => {
      const add = (owner: ApplicationId) => addWebhook(world, "hook", Date.now(), owner).id;
      assert.equal((await read(sim, add(barnacle.id))).body.application_id, barnacle.id);
      assert.deepEqual(await refusal(sim, add(otherBot.id)), [403, 50013]);
    }, NO_LIMITS));

  it("refuses one of a guild that the bot is not in, as one without the permission", () =>
    withSimulator(async (sim, { world, people }) => {
      const foreign = addGuild(world, { name: "Foreign", ownerId: people.edsger.id }, Date.now());
      const { id } = addChannel(world, foreign, { name: "deck" }, Date.now());
      const hook = addWebhook(world, "hook", Date.now(), undefined, id);
      assert.deepEqual(await refusal(sim, hook.id), [403, 50013]);
    }, NO_LIMITS));

  it("knows no other ids", () =>
    withSimulator(async (sim, { people }) => {
      for (const id of [people.ada.id, "5"]) {
        assert.deepEqual(await refusal(sim, id), [404, 10015]);
      }
    }, NO_LIMITS));
});
