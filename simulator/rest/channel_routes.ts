/** The routes of the simulated REST API that create, change and delete channels. */

import type { Hono } from "hono";
import { z } from "zod";
import { parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { changeChannel, changeThread, deleteChannel } from "../actions/changes.ts";
import { toChannel } from "../payloads/payloads.ts";
import { addChannel } from "../world/create_world.ts";
import { PERMISSION } from "../world/permissions.ts";
import { REFUSALS } from "../world/refusals.ts";
import type { TextChannel, World, WorldEvent } from "../world/world.ts";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { inChannel, inGuild } from "./guild_permission.ts";

interface Deps {
  readonly world: World;
  self(c: Asked): UserId;
  publish(events: readonly WorldEvent[]): void;
}

const KINDS: Readonly<Record<number, TextChannel["kind"]>> = {
  0: "text",
  2: "voice",
  4: "category",
  5: "text",
  13: "stage",
  15: "forum",
};

const fields = {
  name: z.string().min(1).max(100),
  topic: z.string().max(4096).nullish(),
  parent_id: z.string().nullish(),
  position: z.int().min(0).nullish(),
  nsfw: z.boolean().nullish(),
  rate_limit_per_user: z.int().min(0).max(21_600).nullish(),
  user_limit: z.int().min(0).max(99).nullish(),
  rtc_region: z.string().nullish(),
};
const CREATE = z.strictObject({ ...fields, type: z.literal([0, 2, 4, 5, 13, 14, 15]).nullish() });
const CHANGE = z.strictObject({
  ...fields,
  name: fields.name.optional(),
  archived: z.boolean().optional(),
  locked: z.boolean().optional(),
});
const bits = z.union([z.string().regex(/^\d+$/), z.int()]).transform(BigInt);
const OVERWRITE = z.strictObject({ type: z.literal([0, 1]), allow: bits, deny: bits });

export function addChannelRoutes(app: Hono<Env>, { world, self, publish }: Deps): void {
  app.post(
    "/guilds/:guild/channels",
    (c) =>
      inGuild(world, c.req.param("guild"), self(c), PERMISSION.manageChannels, (guild) => {
        const parsed = CREATE.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const { type, name, ...rest } = parsed.data;
        const made = addChannel(
          world,
          guild,
          { name, kind: KINDS[type ?? 0] ?? "text", ...changesOf(rest) },
          c.env.call.now,
        );
        publish([{ kind: "channel_created", channel: made }]);
        return Response.json(toChannel(world, made, self(c)), { status: 201 });
      }),
  );

  app.patch(
    "/channels/:channel",
    (c) =>
      inChannel(world, c.req.param("channel"), self(c), 0n, (channel) => {
        const parsed = CHANGE.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const bit = channel.kind !== "thread"
          ? PERMISSION.manageChannels
          // Who has opened a thread may name and archive it.
          : channel.ownerId === self(c) && !channel.isLocked && parsed.data.locked === undefined
          ? 0n
          : PERMISSION.manageThreads;
        return inChannel(world, channel.id, self(c), bit, () => {
          const { name, archived, locked, ...rest } = parsed.data;
          const event = channel.kind === "thread"
            ? changeThread(world, channel, {
              ...(name !== undefined && { name }),
              ...(archived !== undefined && { isArchived: archived }),
              ...(locked !== undefined && { isLocked: locked }),
            })
            : changeChannel(world, channel, {
              ...(name !== undefined && { name }),
              ...changesOf(rest),
            });
          publish([event]);
          return Response.json(
            toChannel(world, world.channels.get(channel.id) ?? channel, self(c)),
          );
        });
      }),
  );

  app.delete(
    "/channels/:channel",
    (c) =>
      inChannel(world, c.req.param("channel"), self(c), 0n, (channel) => {
        const bit = channel.kind === "thread"
          ? PERMISSION.manageThreads
          : PERMISSION.manageChannels;
        return inChannel(world, channel.id, self(c), bit, () => {
          deleteChannel(world, channel, (event) => publish([event]));
          return Response.json(toChannel(world, channel, self(c)));
        });
      }),
  );

  app.put(
    "/channels/:channel/permissions/:target",
    (c) =>
      inChannel(world, c.req.param("channel"), self(c), PERMISSION.manageRoles, (channel) => {
        if (channel.kind === "thread") return answerRefused(REFUSALS.wrongChannelType);
        const parsed = OVERWRITE.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const id = parseSnowflake(c.req.param("target"));
        if (!id) return answerRefused(REFUSALS.unknownRole);
        const { type, allow, deny } = parsed.data;
        const others = channel.overwrites.filter((one) => one.id !== id);
        const kind = type === 0 ? "role" as const : "member" as const;
        publish([
          changeChannel(world, channel, { overwrites: [...others, { id, kind, allow, deny }] }),
        ]);
        return new Response(null, { status: 204 });
      }),
  );

  app.delete(
    "/channels/:channel/permissions/:target",
    (c) =>
      inChannel(world, c.req.param("channel"), self(c), PERMISSION.manageRoles, (channel) => {
        if (channel.kind === "thread") return answerRefused(REFUSALS.wrongChannelType);
        const target = c.req.param("target");
        const others = channel.overwrites.filter(({ id }) => id !== target);
        if (others.length === channel.overwrites.length) {
          return answerRefused(REFUSALS.unknownOverwrite);
        }
        publish([changeChannel(world, channel, { overwrites: others })]);
        return new Response(null, { status: 204 });
      }),
  );
}

function changesOf(
  { topic, parent_id, position, nsfw, rate_limit_per_user, user_limit, rtc_region }: Omit<
    z.infer<typeof CHANGE>,
    "name" | "archived" | "locked"
  >,
): Partial<
  Pick<
    TextChannel,
    "topic" | "parentId" | "position" | "isAgeRestricted" | "slowmodeSec" | "userLimit" | "region"
  >
> {
  const parentId = parent_id ? parseSnowflake<"channel">(parent_id) : undefined;
  return {
    ...(topic !== undefined && { topic: topic ?? "" }),
    ...(parentId && { parentId }),
    ...(typeof position === "number" && { position }),
    ...(typeof nsfw === "boolean" && { isAgeRestricted: nsfw }),
    ...(typeof rate_limit_per_user === "number" && { slowmodeSec: rate_limit_per_user }),
    ...(typeof user_limit === "number" && { userLimit: user_limit }),
    ...(typeof rtc_region === "string" && { region: rtc_region }),
  };
}
