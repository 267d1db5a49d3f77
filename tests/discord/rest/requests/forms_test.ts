/** Reads REST answers in the forms of servers that are not Discord (G16). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createApplications,
  createReadGatewayInfo,
} from "../../../../src/discord/rest/requests/application.ts";
import { createThreadRequests } from "../../../../src/discord/rest/requests/channel.ts";
import {
  createGuildReads,
  readChannel,
} from "../../../../src/discord/rest/requests/guild_reads.ts";
import {
  createReadHistory,
  createReadPosted,
} from "../../../../src/discord/rest/requests/history.ts";
import { createReadMember } from "../../../../src/discord/rest/requests/members.ts";
import { createSingleReads } from "../../../../src/discord/rest/requests/single_message.ts";
import type { RestApi } from "../../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import type { RoleFacts } from "../../../../src/core/rights/rights.ts";
import { channelId, guildId, messageId, userId } from "../../../support/discord/builders.ts";
import { idsAsNumbers, nameOf, ODD, pathsOf, withField } from "../../../support/discord/forms.ts";
import { messageData } from "../../../support/discord/payloads.ts";
import { parseJsonWithIds } from "../../../../src/lib/text/json.ts";
import { fakeApi } from "../fake_api.ts";

const GUILD = guildId("1600000000000000001");
const CHANNEL = channelId("1700000000000000001");
const MESSAGE = messageId("1400000000000000001");
const ADA = userId("1900000000000000001");
const ROLE = {
  id: "1800000000000000001",
  name: "Mods",
  permissions: "8",
  position: 3,
  managed: false,
  color: 0,
  tags: {},
};
const PLACE = {
  id: CHANNEL,
  type: 0,
  guild_id: GUILD,
  name: "help",
  topic: "t",
  position: 2,
  nsfw: false,
  parent_id: "1700000000000000009",
  rate_limit_per_user: 0,
  permission_overwrites: [{ id: ROLE.id, type: 0, allow: "0", deny: "1024" }],
  last_message_id: MESSAGE,
  available_tags: [],
  flags: 0,
};

interface Case {
  readonly what: string;
  readonly answer: unknown;
  readonly read: (api: RestApi) => Promise<unknown>;
  readonly needed: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: "a guild's roles and owner",
    answer: { id: GUILD, name: "g", owner_id: ADA, roles: [ROLE], features: [], emojis: [] },
    async read(api) {
      const { ownerId, roles } = await createGuildReads(api, GUILD).facts();
      return [ownerId, roles.map(({ id, permissions, position }) => [id, permissions, position])];
    },
    needed: [
      "owner_id",
      "roles",
      "roles.*",
      "roles.*.id",
      "roles.*.permissions",
      "roles.*.position",
    ],
  },
  {
    what: "a channel",
    answer: PLACE,
    async read(api) {
      const { id, type, guildId, overwrites, isNsfw } = await readChannel(api, CHANNEL);
      return [id, type, guildId, overwrites, isNsfw];
    },
    needed: [
      "id",
      "type",
      "guild_id",
      "nsfw",
      "permission_overwrites",
      "permission_overwrites.*",
      "permission_overwrites.*.id",
      "permission_overwrites.*.allow",
      "permission_overwrites.*.deny",
    ],
  },
  {
    what: "a guild's channels",
    answer: [PLACE, { ...PLACE, id: "1700000000000000002" }],
    async read(api) {
      const all = await createGuildReads(api, GUILD).channels();
      return Array.from(all.values(), ({ id, overwrites }) => [id, overwrites]);
    },
    needed: ["*", "*.id", "*.type", "*.permission_overwrites", "*.guild_id"].concat(
      ["", ".id", ".allow", ".deny"].map((field) => `*.permission_overwrites.*${field}`),
    ),
  },
  {
    what: "a member",
    answer: {
      user: { id: ADA, username: "ada" },
      roles: [ROLE.id],
      nick: null,
      joined_at: "x",
      flags: 0,
    },
    read: async (api) => (await createReadMember(api)(GUILD, ADA))?.roles,
    needed: ["roles", "roles.*", "communication_disabled_until"],
  },
  {
    what: "a message",
    answer: messageData({ reactions: [{ count: 1, me: true, emoji: { id: null, name: "👀" } }] }),
    read: async (api) => (await createSingleReads(api).message(CHANNEL, MESSAGE)).authorId,
    needed: ["id", "author", "author.id"],
  },
  {
    what: "a history",
    answer: [messageData(), messageData({ id: "1400000000000000002" })],
    read: async (api) => (await createReadHistory(api)(CHANNEL, { limit: 50 })).map(({ id }) => id),
    needed: ["*", "*.id"],
  },
  {
    what: "posted messages",
    answer: [messageData()],
    async read(api) {
      const page = await createReadPosted(createReadHistory(api))(CHANNEL);
      return page.kind === "page" && page.messages.map(({ id, authorId }) => [id, authorId]);
    },
    needed: ["*", "*.id", "*.author", "*.author.id"],
  },
  {
    what: "an opened thread",
    answer: {
      id: "1700000000000000777",
      type: 11,
      name: "t",
      thread_metadata: { archived: false },
    },
    read: (api) => createThreadRequests(api).start(CHANNEL, MESSAGE, "t", 60),
    needed: ["id"],
  },
  {
    what: "the application",
    answer: {
      id: "1500000000000000002",
      name: "b",
      flags: 0,
      owner: { id: ADA, username: "ada" },
      team: null,
      approximate_guild_count: 2,
    },
    async read(api) {
      const { id, ownerIds } = await createApplications(api).me();
      return [id, ownerIds];
    },
    needed: ["id", "owner", "owner.id", "team"],
  },
  {
    what: "the gateway",
    answer: {
      url: "wss://gateway.discord.gg",
      relay: "x",
      shards: 1,
      session_start_limit: { total: 1_000, remaining: 999, reset_after: 0, max_concurrency: 1 },
    },
    async read(api) {
      const { url, shards } = await createReadGatewayInfo(api, () => 0)();
      return [url, shards];
    },
    needed: ["url", "shards", "session_start_limit"].concat(
      ["total", "remaining", "reset_after", "max_concurrency"].map((one) =>
        `session_start_limit.${one}`
      ),
    ),
  },
];

describe("[G16] the readers of REST answers", () => {
  for (const { what, answer, read, needed } of CASES) {
    it(`find the same in ${what}, whatever stands in a field that no decision needs`, async () => {
      const right = await read(fakeApi(answer).api);
      const paths = pathsOf(answer).filter((path) => !needed.includes(nameOf(path)));
      assert.ok(paths.length > 0);
      for (const path of paths) {
        for (const odd of ODD) {
          const other = withField(answer, path, odd);
          const what = `${nameOf(path)}: ${JSON.stringify(odd)}`;
          assert.deepEqual(await read(fakeApi(other).api), right, what);
        }
      }
    });

    it(`find the same in ${what} with numbers for ids`, async () => {
      const other = parseJsonWithIds(idsAsNumbers(answer));
      assert.deepEqual(await read(fakeApi(other).api), await read(fakeApi(answer).api));
    });
  }

  it("ask for the roles in their own list if the guild has none", async () => {
    const ofBot = { ...ROLE, tags: { bot_id: ADA } };
    const { api, asked } = fakeApi({ id: GUILD, owner_id: ADA }, [ROLE, ofBot]);
    const { roles } = await createGuildReads(api, GUILD).facts();
    assert.deepEqual(roles.map(({ id, isOfBot }) => [id, isOfBot]), [
      [ROLE.id, undefined],
      [ROLE.id, true],
    ]);
    assert.deepEqual(asked.map(([, path]) => path), [`/guilds/${GUILD}`, `/guilds/${GUILD}/roles`]);
  });

  for (const status of [404, 405]) {
    it(`take the roles of the gateway if the server has no list of them: ${status}`, async () => {
      const roles = [{
        id: ROLE.id,
        name: "crew",
        permissions: 8n,
        position: 3,
        isManaged: false,
      }] as unknown as readonly RoleFacts[];
      const request = (_: string, path: string) =>
        path.endsWith("/roles")
          ? Promise.reject(
            new RestError("no such route", { kind: "not_found", route: "GET /x", status }),
          )
          : Promise.resolve({ id: GUILD, owner_id: ADA });
      const read = (known: readonly RoleFacts[] | undefined) =>
        createGuildReads({ request, rolesOf: () => known } as unknown as RestApi, GUILD).facts();
      assert.deepEqual((await read(roles)).roles, roles);
      await assert.rejects(read(undefined), /no such route/);
    });
  }

  it("give no rights by roles, owners or overwrites that cannot be read", async () => {
    const guild = { id: GUILD, owner_id: ADA, roles: [{ ...ROLE, permissions: {} }] };
    await assert.rejects(createGuildReads(fakeApi(guild).api, GUILD).facts());
    await assert.rejects(createGuildReads(fakeApi({ ...guild, owner_id: "x" }).api, GUILD).facts());
    const odd = { ...PLACE, permission_overwrites: [{ id: ROLE.id, deny: "x" }] };
    await assert.rejects(readChannel(fakeApi(odd).api, CHANNEL));
    await assert.rejects(createReadMember(fakeApi({ roles: ["x"] }).api)(GUILD, ADA));
  });

  it("take whole roles and old kinds of overwrites", async () => {
    const member = { roles: [{ ...ROLE }] };
    assert.deepEqual((await createReadMember(fakeApi(member).api)(GUILD, ADA))?.roles, [ROLE.id]);
    const old = {
      ...PLACE,
      permission_overwrites: [{ id: ROLE.id, type: "role", allow: 0, deny: 1024 }],
    };
    assert.deepEqual(
      (await readChannel(fakeApi(old).api, CHANNEL)).overwrites,
      (await readChannel(fakeApi(PLACE).api, CHANNEL)).overwrites,
    );
  });
});
