/**
 * Runs turns of one person with the tools of their own accounts (T13a).
 *
 * Such a turn is a copy of the person's own message, in a session of the person alone, and has no other
 * tools. So no word of another person begins it, nothing that a server says can be carried elsewhere,
 * and its answer goes to direct messages.
 */

import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountServices } from "../../bot/bot_extra.ts";
import { serversOf } from "../../bot/mcp/ports.ts";
import { textRulesOf } from "../../bot/rules/turn_rules.ts";
import { createdAtMs, snowflakeAt, type UserId } from "../../core/discord/ids.ts";
import { type InboundMessage, isAtDiscord, type OwnTurn } from "../../core/inbound/inbound.ts";
import type { Reply } from "../../core/outbound/outbound.ts";
import type { OwnServers } from "../../core/turn/own_servers.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import { createOpenDirect } from "../../discord/rest/requests/channel.ts";
import { createReadMember } from "../../discord/rest/requests/members.ts";
import { createSentWatch } from "../../flows/deliver/tool_messages.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { isEach } from "../../mcp/connection.ts";
import { notice } from "../../render/notices/notices.ts";
import { composeOnce } from "../../render/reply.ts";
import { createShowTool, createSignInTool } from "./own_tools.ts";
import { createPeople, type EachServer } from "./people.ts";
import { readKey } from "./sealing.ts";

/** Servers of the bot in which a person is looked for; in more of them, no one counts as gone. */
const MAX_GUILDS = 20;

/** The function is long: its inner functions share people's connections. */
export function createOwnServers(account: AccountContext, services: AccountServices) {
  const { accountId, config, texts, store, events, now, schedule } = account;
  const { client, reader, ask, cleanSecrets, dataDir, version } = services;
  const { log } = account.forPart("tools");
  let made: Buffer | undefined;
  const servers = () => serversOf(config()).filter((one): one is EachServer => isEach(one));
  const people = createPeople({
    ...{ accountId, dataDir, servers, hasLeft },
    key: () => made ??= readKey(dataDir, config().file),
    ports: { version, now, schedule, log },
  });
  const openDirect = createOpenDirect(client);
  const readMember = createReadMember(client);
  const missingPermission = createMissingPermission(client, now);
  const watch = createSentWatch(schedule);
  /** Where each person asked last. */
  const asked = new Map<UserId, OwnTurn["from"]>();
  let cancel = () => {};

  const signIn = createSignInTool({
    ...{ texts, now, people },
    publicUrl: () => config().http.publicUrl,
    async keep({ message, callKey }, server, login) {
      people.keep(message.sender.id, server, login);
      log.info("A person has signed in with their own account", { server: server.id });
      await handOver(message, `signed in ${callKey}`, message.own ?? {});
      return "The person has signed in, and their message is answered again by itself, with the " +
        "tools of this server. Say only that the sign-in has worked.";
    },
  });
  const show = createShowTool({
    texts,
    placeOf: ({ own, sender }) => own?.from ?? asked.get(sender.id),
    async post({ message: { sender: { id: userId } }, callKey }, place, text) {
      const needed = ["View Channel", "Send Messages"];
      const missing = await missingPermission({ ...place, userId }, needed);
      if (missing === undefined) await post(place, `${text}\n-# <@${userId}>`, callKey);
      return missing;
    },
  });

  /** Whether a person is in none of the bot's servers. If Discord does not answer, no one has left. */
  async function hasLeft(userId: UserId): Promise<boolean> {
    const guilds = [...reader.index.keys()];
    for (const guildId of guilds.slice(0, MAX_GUILDS)) {
      if (await readMember(guildId, userId).catch(() => "unknown")) return false;
    }
    return guilds.length > 0 && guilds.length <= MAX_GUILDS;
  }

  /** @throws {Error} With the reason for the model. */
  async function handOver(of: InboundMessage, key: string, own: OwnTurn): Promise<void> {
    const { text, quoted, channelId, names, sender } = of;
    const low = parseInt(createHash("sha256").update(key).digest("hex").slice(0, 5), 16);
    const id = snowflakeAt(createdAtMs(of.id), low);
    const place = { kind: "dm" } as const;
    const from = { ...sender, roles: [] };
    const call = { accountId, id, channelId, place, names, sender: from, name: "", options: {} };
    const about = quoted && { ...quoted, channelId };
    if (await ask({ ...call, isElsewhere: true }, { text, about, own }) === "direct") return;
    throw new Error(
      "the answer belongs into this person's direct messages, and the config lets them write none " +
        "to me (channels.discord.dm); an owner can let them in",
    );
  }

  /** Posts a text once for each key. @returns Whether Discord has taken it by now. */
  async function post(to: Pick<Reply, "channelId" | "guildId">, text: string, key: string) {
    const rules = textRulesOf(config(), { cleanSecrets, uploadLimit: 0 });
    const frozen = composeOnce({ accountId, ...to, text }, key, rules);
    const nonces = frozen.map(({ message: { nonce } }) => nonce);
    const ended = watch.ended(nonces, account.stopping);
    const rows = await store.outbox.addAll(frozen, now());
    events.emit.outbox([to.channelId]);
    if (!rows.every(({ state }) => state === "sent")) await ended;
    const results = await store.outbox.sendResultsOf(rows.map(({ id }) => id));
    return results.every(({ kind }) => kind === "sent");
  }

  /** Says in direct messages where the answer comes from. So the model knows if they are closed. */
  async function greet({ sender, channelId }: InboundMessage, key: string): Promise<void> {
    const text = notice("ownAnswer", { place: `<#${channelId}>` }, texts());
    if (await post({ channelId: await openDirect(sender.id) }, text, key)) return;
    throw new Error(
      "the answer belongs into this person's direct messages, and Discord takes none: they must " +
        "allow direct messages from members of this server, and ask again",
    );
  }

  async function sweep(): Promise<void> {
    cancel();
    cancel = schedule(() => void sweep().catch(() => {}), DAY_MS);
    await people.sweep();
  }

  return {
    ...{ states: people.states, end: people.end, sweep, attempted: watch.attempted },
    async ask(message) {
      const { sender, own, asked: isAsked, scheduled, channelId, guildId, place } = message;
      const isTheirs = isAtDiscord(message) || isAsked || scheduled;
      if (own || !isTheirs || sender.automaton || sender.pluralkit) {
        throw new Error("only a person's own message can be about their own account");
      }
      const from = guildId && { channelId, guildId };
      const key = `own ${message.id} ${message.revision}`; // once, whatever calls its turn makes
      await handOver(message, key, from ? { from } : {});
      if (from) asked.set(sender.id, from);
      if (place.kind !== "dm") await greet(message, key);
      return "The person's message is answered in their direct messages, from their own account. " +
        "Say so in one short sentence, and nothing about its content.";
    },
    async ready({ sender: { id } }) {
      await people.ready(id).catch((error: unknown) =>
        log.warn("Cannot prepare the tools of a person's own accounts", { error })
      );
    },
    tools: ({ sender }) => [
      ...people.tools(sender.id),
      ...servers().flatMap((one) => [signIn(one), show(one)]),
    ],
    async stop(): Promise<void> {
      cancel();
      await people.close();
    },
  } satisfies OwnServers & { readonly [more: string]: unknown };
}

export type OwnServersPart = ReturnType<typeof createOwnServers>;
