/**
 * Opens posts in forums.
 *
 * A post is a thread with its first message in one request, so it has no nonce. A repeated call finds
 * the post by its title: the bot opened it after the question was asked.
 */

import { z } from "zod";
import { isForum } from "../../core/rights/channel.ts";
import { listOrEmpty } from "../../core/discord/lenient.ts";
import { compareIds } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { NewPost, OpenedThread } from "../../core/turn/ports/discord.ts";
import { channelOf } from "../../discord/rest/requests/guild_reads.ts";
import { expect } from "../../discord/rest/exchange/rest_error.ts";
import type { FoundTarget, Origin } from "./options.ts";
import type { DiscordCall, ToolTarget } from "../../core/turn/ports/discord_call.ts";
import { composed, deliver, titleFor } from "../deliver/tool_messages.ts";
import { assertMay } from "./targets.ts";
import { badArguments } from "../../core/refused_call.ts";

const activeSchema = z.lazy(() => z.object({ threads: listOrEmpty(z.unknown()) }));
const idSchema = z.object({ id: snowflakeSchema<"channel">() });

export async function openPostIn(
  call: DiscordCall,
  { title: written, text, tags, archiveAfterMin }: NewPost,
  target: ToolTarget,
  found: FoundTarget,
  origin: Origin,
): Promise<OpenedThread> {
  const { account: { reader, rest: discord }, signal } = call;
  const forum = await found.channel();
  const { guild } = found;
  if (!isForum(forum) || !guild) throw badArguments("that channel is no forum");
  const title = titleFor(call.account, written);
  if (title === "") throw badArguments("the title has no letters");
  const chosen = tags.map((name) => {
    const tag = forum.tags.find((one) =>
      one.id === name || one.name.toLowerCase() === name.toLowerCase()
    );
    if (tag) return tag;
    throw badArguments(`the forum has no tag ${JSON.stringify(name)}: see its channelInfo`);
  });
  if (chosen.some(({ isModerated }) => isModerated)) {
    await assertMay(origin, found, ["Manage Threads"]);
  }
  const active = expect(
    "GET /guilds/:id/threads/active",
    activeSchema,
    await discord.request("GET", `/guilds/${guild.id}/threads/active`, { signal }),
  ).threads.flatMap((raw) => channelOf(raw) ?? []);
  const known = active.find(({ id, parentId, name, thread }) =>
    parentId === forum.id && name === title && thread?.ownerId === reader.self?.userId &&
    compareIds(id, call.message.id) > 0
  );
  if (known) return { threadId: known.id, title, existed: true };

  const [first, ...rest] = composed(call, target, { text });
  if (!first) throw badArguments("`text` has nothing to show");
  const { content, pings } = first.message;
  const { id: threadId } = expect(
    "POST /channels/:id/threads",
    idSchema,
    await discord.request("POST", `/channels/${forum.id}/threads`, {
      signal,
      body: {
        name: title,
        autoArchiveDuration: archiveAfterMin,
        appliedTags: chosen.length > 0 ? chosen.map(({ id }) => id) : undefined,
        message: { content, allowedMentions: { parse: [], users: pings.users } },
      },
    }),
  );
  if (rest.length > 0) {
    const there = rest.map((one) => ({
      ...one,
      message: { ...one.message, channelId: threadId },
    }));
    const results = await deliver(call, there);
    const failed = results.find(({ kind }) => kind === "failed");
    if (failed?.kind === "failed") {
      throw new Error(
        `the post ${threadId} is open with the start of the text, but Discord does not take the ` +
          `rest: ${failed.reason ?? "no reason given"}`,
      );
    }
  }
  return { threadId, title, existed: false };
}
