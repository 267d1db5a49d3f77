/** The routes of the simulated REST API for guilds, their members and webhooks. */

import type { Hono } from "hono";
import { z } from "zod";
import {
  compareIds,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../src/core/discord/ids.ts";
import { may } from "../world/access.ts";
import { channelsOf, isSeen, toGuild, toWebhook } from "../payloads/guild.ts";
import { INTENT } from "../world/intents.ts";
import { searchMembers } from "../world/member_search.ts";
import { toChannel, toMember, toRole } from "../payloads/payloads.ts";
import { channelPermissions, guildPermissions, PERMISSION } from "../world/permissions.ts";
import { REFUSALS } from "../world/refusals.ts";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import type { Guild, Webhook, World } from "../world/world.ts";

export function addGuildRoutes(
  app: Hono<Env>,
  { world, self }: { readonly world: World; self(c: Asked): UserId },
): void {
  const inGuild = (c: Asked, answer: (guild: Guild) => Response) => {
    const id: GuildId | undefined = parseSnowflake<"guild">(c.req.param("guild") ?? "");
    const guild = id && world.guilds.get(id);
    if (!guild) return answerRefused(REFUSALS.unknownGuild);
    return guild.members.has(self(c)) ? answer(guild) : answerRefused(REFUSALS.missingAccess);
  };

  app.get("/users/@me/guilds", (c) => {
    const page = GUILDS_QUERY.safeParse(c.req.query());
    if (!page.success) return answerMalformed(page.error);
    const own = [...world.guilds.values()].filter(({ members }) => members.has(self(c)));
    return c.json(
      pageOf(own, page.data).map((guild) => ({
        id: guild.id,
        name: guild.name,
        icon: null,
        banner: null,
        owner: guild.ownerId === self(c),
        permissions: String(guildPermissions(guild, self(c))),
        features: [],
        ...(page.data.with_counts === "true" && countsOf(guild)),
      })),
    );
  });
  app.get("/guilds/:guild", (c) =>
    inGuild(c, (guild) =>
      c.json({
        ...toGuild(guild),
        ...(c.req.query("with_counts") === "true" && countsOf(guild)),
      })));
  app.get("/guilds/:guild/channels", (c) =>
    inGuild(c, (guild) =>
      c.json(
        channelsOf(world, guild)
          .filter((one) => one.kind !== "thread" && isSeen(world, one, self(c)))
          .map((channel) => toChannel(world, channel, self(c))),
      )));
  app.get("/guilds/:guild/threads/active", (c) =>
    inGuild(c, (guild) => {
      const threads = channelsOf(world, guild).filter((channel) =>
        channel.kind === "thread" && !channel.isArchived && may(world, channel, self(c), "view")
      );
      return c.json({
        threads: threads.map((thread) => toChannel(world, thread, self(c))),
        members: [],
        has_more: false,
      });
    }));
  app.get(
    "/guilds/:guild/roles",
    (c) =>
      inGuild(
        c,
        (guild) => c.json(Array.from(guild.roles.values(), (role, place) => toRole(role, place))),
      ),
  );
  app.get("/guilds/:guild/members", (c) =>
    inGuild(c, (guild) => {
      const { privilegedIntents } = c.env.call.account.application;
      if (!(privilegedIntents & INTENT.guildMembers)) return answerRefused(REFUSALS.missingAccess);
      const { after = "0", limit = "1" } = c.req.query();
      const members = [...guild.members.values()]
        .filter(({ userId }) => BigInt(userId) > BigInt(after))
        .toSorted((one, other) => compareIds(one.userId, other.userId));
      return c.json(members.slice(0, Number(limit)).map((member) => toMember(world, member)));
    }));
  app.get("/guilds/:guild/members/search", (c) =>
    inGuild(c, (guild) => {
      const asked = SEARCH_QUERY.safeParse(c.req.query());
      if (!asked.success) return answerMalformed(asked.error);
      const { privilegedIntents } = c.env.call.account.application;
      if (!(privilegedIntents & INTENT.guildMembers)) return answerRefused(REFUSALS.missingAccess);
      const { query, limit = "1" } = asked.data;
      const found = searchMembers(world, guild, query, Number(limit));
      return c.json(found.map((member) => toMember(world, member)));
    }));
  app.get("/guilds/:guild/members/:user", (c) =>
    inGuild(c, (guild) => {
      const id = parseSnowflake<"user">(c.req.param("user"));
      const member = id && guild.members.get(id);
      return member ? c.json(toMember(world, member)) : answerRefused(REFUSALS.unknownMember);
    }));

  app.get("/webhooks/:webhook", (c) => {
    const id = parseSnowflake<"webhook">(c.req.param("webhook"));
    const webhook = id && world.webhooks.get(id);
    if (!webhook) return answerRefused(REFUSALS.unknownWebhook);
    const isOwn = webhook.applicationId === c.env.call.account.application.id;
    if (!isOwn && !mayManage(world, webhook, self(c))) {
      return answerRefused(REFUSALS.missingPermissions); // also outside of the bot's guilds
    }
    return c.json(toWebhook(world, webhook));
  });
}

function mayManage(world: World, { channelId }: Webhook, userId: UserId): boolean {
  const channel = channelId && world.channels.get(channelId);
  return channel !== undefined && "guildId" in channel &&
    (channelPermissions(world, channel, userId) & PERMISSION.manageWebhooks) !== 0n;
}

const snowflakeQuery = z.string().regex(/^\d{1,20}$/).optional();

const GUILDS_QUERY = z.strictObject({
  limit: z.string().regex(/^(?:[1-9]\d?|1\d\d|200)$/, "int value should be between 1 and 200.")
    .optional(),
  before: snowflakeQuery,
  after: snowflakeQuery,
  with_counts: z.enum(["true", "false"]).optional(),
});

const SEARCH_QUERY = z.strictObject({
  query: z.string().min(1).max(100),
  limit: z.string().regex(/^(?:[1-9]\d{0,2}|1000)$/, "int value should be between 1 and 1000.")
    .optional(),
});

/** Guilds in the order of their ids; `before` and `after` return those next to the id. */
function pageOf(
  guilds: readonly Guild[],
  { limit = "200", before, after }: z.infer<typeof GUILDS_QUERY>,
): readonly Guild[] {
  const from = after === undefined ? undefined : parseSnowflake(after);
  const to = before === undefined ? undefined : parseSnowflake(before);
  const found = guilds.filter(({ id }) =>
    (!from || compareIds(id, from) > 0) && (!to || compareIds(id, to) < 0)
  ).sort((a, b) => compareIds(a.id, b.id));
  return to && !from ? found.slice(-Number(limit)) : found.slice(0, Number(limit));
}

function countsOf({ members }: Guild) {
  return { approximate_member_count: members.size, approximate_presence_count: members.size };
}
