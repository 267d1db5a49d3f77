/**
 * Runs turns of one person with their own account (T13a). Such a turn is a copy of the person's own
 * message, in a session of its own, without other tools. So no other words begin it, nothing that the
 * server says can be carried elsewhere, and its answer goes to direct messages.
 */

import { createHash } from "node:crypto";
import type { BotAccount } from "../../account/account.ts";
import { serversOf } from "../../bot/mcp/ports.ts";
import { createdAtMs, snowflakeAt, type UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { cameBy, isTyped, type OwnTurn } from "../../core/inbound/origin.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Tool, ToolContext } from "../../core/turn/tool.ts";
import { createReadMember } from "../../discord/rest/requests/members.ts";
import { ask } from "../../flows/interactions/ask.ts";
import { stateText } from "../../interactions/commands/mcp.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { bounded } from "../../lib/text/cut.ts";
import { loggedOutText, MCP_SERVERS, noLoginText } from "../../render/sentences.ts";
import { createShowTool, createSignInTool } from "./own_tools.ts";
import { createPeople, type EachServer } from "./people.ts";

/** Servers of the bot in which a person is looked for; in more of them, no one counts as gone. */
const MAX_GUILDS = 20;
const MAX_PLACES = 1_000;
const UNPAIRED =
  "it is for their direct messages, to which they have no access yet. Tell them: write me a direct " +
  "message; my answer there says how to get access. Then ask again";
const CLOSED = "it is for their direct messages, which channels.discord.dm closes to them. Tell " +
  "them to ask whoever runs me for access";

export function createOwnServers(account: BotAccount) {
  const { accountId, config, policy, now, schedule, reader } = account;
  const { dataDir, build: { version } } = account.bot;
  const { log } = account.forPart("tools");
  const servers = () => serversOf(config(), "each") as readonly EachServer[];
  const people = createPeople({
    ...{ accountId, dataDir, servers, hasLeft },
    secret: () => config().discord.token?.reveal() ?? "",
    ports: { version, now, schedule, log },
  });
  const readMember = createReadMember(account.rest);
  /** Where people have asked last: "show it" in direct messages is about this place. */
  const places = new Map<string, NonNullable<OwnTurn["from"]>>();
  let cancel: () => void;

  const signIn = createSignInTool({
    ...{ now, people },
    publicUrl: () => config().http.publicUrl,
    async keep({ message, callKey }, server, login) {
      people.keep(message.sender.id, server, login);
      log.info("A person has signed in with their own account", { server: server.id });
      await handOver(message, `signed in ${callKey}`, {
        ...cameBy(message, "own"),
        server: server.id,
      });
      return "The person has signed in, and their message is answered again by itself, with the " +
        "tools of this server. Say only that the sign-in has worked.";
    },
  });

  /** Whether a person is in none of the bot's servers. If Discord does not answer, no one has left. */
  async function hasLeft(userId: UserId): Promise<boolean> {
    const guilds = [...reader.index.keys()];
    let hasLeft = guilds.length > 0 && guilds.length <= MAX_GUILDS;
    for (const id of guilds) hasLeft &&= !await readMember(id, userId).catch(() => "unknown");
    return hasLeft;
  }

  /** @throws {Error} With the reason for the model. */
  async function handOver(
    of: InboundMessage,
    key: string,
    own: OwnTurn,
    first?: () => Promise<unknown>,
  ): Promise<void> {
    const { text, quoted, channelId, names, sender } = of;
    const low = parseInt(createHash("sha256").update(key).digest("hex").slice(0, 5), 16);
    const id = snowflakeAt(createdAtMs(of.id), low);
    const place = { kind: "dm" } as const;
    const from = { ...sender, roles: [] };
    const call = { accountId, id, channelId, place, names, sender: from, name: "", options: {} };
    const about = quoted && { ...quoted, channelId };
    const question = { text, about, origin: { ...own, kind: "own" }, first } as const;
    if (await ask(account, { ...call, isElsewhere: true }, question) === "direct") return;
    throw new Error(config().discord.dm.policy === "pairing" ? UNPAIRED : CLOSED);
  }

  function sweep(): void {
    cancel = schedule(sweep, DAY_MS);
    people.sweep().catch((error: unknown) => log.warn("Cannot end people's sign-ins", { error }));
  }
  sweep();

  return {
    /** Takes the message of a turn to a turn of its sender alone. */
    async ask(server: string, call: ToolContext): Promise<string> {
      const { message, also = [] } = call;
      const { id, revision, sender, channelId, guildId, place } = message;
      if (!isTyped(message) || sender.automaton || sender.pluralkit) {
        throw new Error("only a person's own message can be about their own account");
      }
      const last = guildId ? { channelId, guildId, place } : places.get(sender.id);
      const from = last?.place.kind === "guild" && policy().mayAct(last.place) ? last : undefined;
      if (places.size >= MAX_PLACES) places.clear();
      if (from) places.set(sender.id, from);
      const text = [message, ...also].map((one) => one.text).join("\n");
      const key = `${server} ${id} ${revision}`; // once
      // A person who takes no direct messages gets no turn whose answer no one sees.
      const tell = place.kind === "dm" ? undefined : async () => {
        const told =
          `About your question in <#${channelId}>: the answer is from your own account, so it ` +
          "comes here.";
        const { send } = await import("../../flows/actions/actions.ts");
        await send(call, { userId: sender.id, text: told });
      };
      await handOver({ ...message, text }, key, { server, from }, tell);
      return "The person's message is answered in their direct messages, from their own account. " +
        "Say so in one short sentence, and nothing about its content.";
    },
    async ready(message: InboundMessage): Promise<void> {
      const own = cameBy(message, "own");
      const [server] = servers().filter(({ id }) => id === own?.server);
      const failed = (error: unknown) => log.warn("Cannot connect to an account", { error });
      if (server) await people.ready(message.sender.id, server).catch(failed);
    },
    /** A server's own tools take no name of ours. */
    tools(message: InboundMessage): readonly Tool[] {
      const own = cameBy(message, "own");
      const all = servers().filter(({ id }) => id === own?.server).flatMap((server) => [
        ...people.tools(message.sender.id, server),
        ...[signIn(server), createShowTool(server)],
      ]);
      return [...new Map(all.map((tool) => [tool.name, tool])).values()];
    },
    command({ sender, options }: CommandCall): string {
      const server = bounded(String(options["end"] ?? "").trim().replaceAll("`", "'"), 100);
      if (server !== "") {
        const isEnded = people.end(sender.id, server);
        return isEnded ? loggedOutText(server) : noLoginText(server);
      }
      const lines = people.states(sender.id)
        .map((state) => `– \`${state.id}\`: ${stateText(state, now())}`);
      return [MCP_SERVERS, ...lines].join("\n");
    },
    async stop(): Promise<void> {
      cancel();
      await people.close();
    },
  };
}

export type OwnServers = ReturnType<typeof createOwnServers>;
