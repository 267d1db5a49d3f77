/**
 * Runs turns of one person with their own account (T13a). Such a turn is a copy of the person's own
 * message, in a session of its own, without other tools. So no other words begin it, nothing that the
 * server says can be carried elsewhere, and its answer goes to direct messages. Only the person's own
 * answer on a card counts. A sign-in lives in this process.
 */

import { createHash } from "node:crypto";
import type { BotAccount } from "../../account/account.ts";
import { serversOf } from "../../bot/mcp/ports.ts";
import { createdAtMs, parseSnowflake, snowflakeAt, type UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { cameBy, isTyped, type OwnTurn } from "../../core/inbound/origin.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import {
  defineTool,
  RefusedCall,
  type Tool,
  type ToolContext,
  UnknownOutcomeError,
  WaitsForPerson,
} from "../../core/turn/tool.ts";
import { readMember } from "../../discord/rest/requests/members.ts";
import { ask } from "../../flows/interactions/ask.ts";
import { stateText } from "../../interactions/commands/mcp.ts";
import { DAY_MS, type StartTimer } from "../../lib/clock.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { GO_ON, loggedOutText, MCP_SERVERS, noLoginText } from "../../render/sentences.ts";
import { z } from "zod";
import { DENY, DONE, FILL_IN, type Question } from "../../core/people/question.ts";
import { MAX_LINK } from "../../core/outbound/outbound.ts";
import { pastedUrl } from "../../host/sign_in_callback.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { beginSignIn, mcpStates, NotYetError, type SignIn } from "../../mcp/sign_in.ts";
import {
  createLogins,
  createSealing,
  type Login,
  type McpHttpServer,
} from "../../mcp/oauth/logins.ts";
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { McpLoginState } from "../../core/mcp_state.ts";
import { OWN_LOGINS } from "../../host/files/data_dir.ts";
import type { Log } from "../../lib/log.ts";
import type { McpServer } from "../../mcp/server.ts";
import { scopesOf } from "../../mcp/oauth/provider.ts";
import { createMcpServers, type McpServers } from "../../mcp/servers.ts";

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
    for (const id of guilds) {
      hasLeft &&= !await readMember(account.rest, id, userId).catch(() => "unknown");
    }
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

const WAIT_MS = 10 * 60_000;
const MAX_WAITING = 200;

function cardOf(
  { message }: ToolContext,
  yes: Question["choices"][number],
  card: Omit<Question, "facts" | "choices" | "asked" | "where" | "timeoutMs"> & Partial<Question>,
): Question {
  const choices = [yes, { key: DENY, style: "secondary" as const }];
  const asked = [message.sender.id];
  return { facts: [], ...card, choices, asked, where: "direct", timeoutMs: WAIT_MS };
}

export function createSignInTool({ now, publicUrl, people, keep }: {
  readonly now: () => number;
  readonly publicUrl: () => string | undefined;
  readonly people: {
    readonly loginAt: Everyone["loginAt"];
    readonly isSignedIn: Everyone["isSignedIn"];
  };
  /** Stores the login of the message's sender, and answers the message again. */
  readonly keep: (context: ToolContext, server: EachServer, login: Login) => Promise<string>;
}): (server: EachServer) => Tool {
  const waiting = new Map<string, SignIn>();
  /** Messages whose senders have said no: their turns ask no second time. */
  const denied = createNewestSet<string>(MAX_WAITING);

  const backTo = ({ transport }: EachServer) =>
    pastedUrl(transport.oauth?.callbackPort, publicUrl());

  async function begin(server: EachServer, { callKey, message }: ToolContext): Promise<SignIn> {
    const { transport } = server;
    const url = publicUrl();
    const back = backTo(server);
    const scope = people.loginAt(message.sender.id, server)?.wantedScope;
    // The page of a public address is safer: no one can be talked into entering another's code.
    const begun = await beginSignIn(transport, back, now, scope, !url?.startsWith("https:"));
    const [oldest] = waiting.keys();
    if (oldest !== undefined && waiting.size >= MAX_WAITING) waiting.delete(oldest);
    waiting.set(callKey, begun);
    return begun;
  }

  function card(server: EachServer, { address, device }: SignIn, context: ToolContext, why = "") {
    const { id } = server;
    const asked =
      `Sign in to \`${id}\` at ${new URL(address).host} with your own account. Pass on no ` +
      "address and no code.";
    const label = device ? GO_ON : "Your browser's last address";
    const yes = device ? { key: DONE, label } : { key: FILL_IN };
    const [shown, link] = address.length <= MAX_LINK
      ? [[], { url: address, label: "Sign in" }]
      : [[address]];
    const exact = [...shown, ...device ? [device.code] : []].join("\n");
    const end = device
      ? `enter the code there, and press **${GO_ON}**`
      : `your browser ends at \`${backTo(server)}?…\`, where no page may load. Copy that whole ` +
        "address, press **Fill in**, and paste it";
    return new WaitsForPerson(cardOf(context, { ...yes, style: "primary" }, {
      ...{ kind: "ask", tool: `mcp__${id}__sign_in`, text: `${why}${asked}`, link },
      ...exact !== "" && { exact },
      facts: [{ name: "Then", value: end }],
      form: device ? undefined : { title: id, label },
    }));
  }

  async function signIn(server: EachServer, context: ToolContext): Promise<string> {
    const { callKey, decision, message } = context;
    const isYes = decision?.kind === "answered" && decision.answer.choice !== DENY;
    if (decision && !isYes) denied.add(message.id);
    const words = "the person said no, or did not answer; do not ask again";
    if (denied.has(message.id)) throw new RefusedCall("declined", words);
    const begun = waiting.get(callKey);
    if (!(isYes && begun) && people.isSignedIn(message.sender.id, server)) {
      context.noteEffect?.({ isNone: true });
      return "Nothing to do: they are signed in already."; // perhaps before a crash
    }
    if (!context.mayWait) throw new Error("no person can be asked now");
    if (!isYes || !begun) throw card(server, await begin(server, context), context);
    const { text: written = "" } = decision.answer;
    const answer = begun.device?.answer ??
      URL.parse(written)?.searchParams ?? new URLSearchParams();
    const wrong = "That was not the address of this sign-in.\n";
    if (!begun.isOurs(answer)) throw card(server, begun, context, wrong);
    waiting.delete(callKey); // an answer counts once
    const login = await begun.finish(answer).catch((error: unknown) => {
      if (!(error instanceof Error && error.cause instanceof NotYetError)) throw error;
      waiting.set(callKey, begun);
      throw card(server, begun, context, "The server knows no sign-in yet.\n");
    });
    return await keep(context, server, login);
  }

  return (server) =>
    defineTool({
      name: `mcp__${server.id}__sign_in`,
      description:
        `Lets the person sign in to ${server.id} by a private button. Call it if their ` +
        "message needs a tool of that server and there is none, or the server refuses them.",
      input: () => z.strictObject({}),
      needs: [],
      seenAt: "nowhere",
      isIdempotent: true,
      run: (_, context) => signIn(server, context),
    });
}

/** Its card has the exact text and the place, so the person sees what others will see. */
export function createShowTool({ id }: EachServer): Tool {
  return defineTool({
    name: `mcp__${id}__show_in_channel`,
    description:
      "Shows a text in the channel in which the person asked last, if they want others to " +
      "see it. A card asks them first. Without it, only they see your answers.",
    input: () => z.strictObject({ text: z.string().trim().min(1).max(1_400) }),
    needs: [],
    seenAt({ text }, message) {
      const { from } = cameBy(message, "own") ?? {};
      return from && { at: { kind: "channel", id: from.channelId }, text };
    },
    isIdempotent: true,
    async run({ text }, context) {
      const { message } = context;
      const { from } = cameBy(message, "own") ?? {};
      if (!from) throw new RefusedCall("place", "the person asked in no channel");
      // With the rights that they have there.
      const asker = { ...message, ...from, origin: { kind: "command" } } as const;
      const shown = { text: `${text}\n— <@${message.sender.id}>` };
      const { send } = await import("../../flows/actions/actions.ts");
      const { waits } = await send({ ...context, message: asker }, shown);
      if (!waits) return "It stands there now.";
      throw new UnknownOutcomeError("Discord gets it later, and may refuse it; do not repeat it");
    },
  });
}

const UNUSED_MS = 90 * DAY_MS;
const MAX_CONNECTIONS = 100;

export type EachServer = McpServer & {
  readonly transport: { readonly kind: "http" } & McpHttpServer;
};

/** Keeps people's logins and connections: each person has their own, with their own token. */
export function createPeople({ accountId, dataDir, secret, servers, hasLeft, ports }: {
  readonly accountId: string;
  readonly dataDir: string;
  /** The bot's token. */
  readonly secret: () => string;
  readonly servers: () => readonly EachServer[];
  readonly hasLeft: (userId: UserId) => Promise<boolean>;
  readonly ports: {
    readonly version: string;
    readonly now: () => number;
    readonly schedule: StartTimer;
    readonly log: Log;
  };
}) {
  const { now } = ports;
  const connected = new Map<string, McpServers>();
  const keyOf = (userId: UserId, { id }: EachServer) => `${userId} ${id}`;
  const folderOf = (userId: UserId) => join(dataDir, OWN_LOGINS, userId, accountId);
  const loginsOf = (userId: UserId) =>
    createLogins(folderOf(userId), createSealing(secret(), userId));
  const loginAt = (userId: UserId, { id, transport }: EachServer) =>
    loginsOf(userId).read(id, transport.url);
  /** The folder's time is that of the last use. */
  const use = (userId: UserId) => utimesSync(folderOf(userId), now() / 1_000, now() / 1_000);

  /** Connects the person to a server that has a token of theirs; otherwise, ends the connection. */
  function connect(userId: UserId, server: EachServer): McpServers | undefined {
    const key = keyOf(userId, server);
    const before = connected.get(key);
    connected.delete(key);
    if (!loginAt(userId, server)?.tokens) return void before?.close();
    before?.apply([server]);
    const current = before ?? createMcpServers([server], {
      ...ports,
      isOwn: true,
      logins: loginsOf(userId),
      confine: () => Promise.reject(new TypeError("a program has no sign-in")),
      seen: { look: () => undefined, of: () => undefined },
      onSignIn: () => true, // the person's turn asks them
    });
    connected.set(key, current); // the newest one
    const [oldest] = connected;
    if (oldest && connected.size > MAX_CONNECTIONS) {
      connected.delete(oldest[0]);
      void oldest[1].close();
    }
    return current;
  }

  return {
    loginAt,
    keep(userId: UserId, { id }: EachServer, login: Login): void {
      loginsOf(userId).write(id, login);
      use(userId);
    },
    /** @param named As a person writes it. */
    end(userId: UserId, named: string): boolean {
      const server = servers().find(({ id }) => id === named);
      const isEnded = server !== undefined && loginsOf(userId).remove(server.id);
      if (isEnded) connect(userId, server);
      return isEnded;
    },
    /** Ends logins that are unused, or of people who have left. */
    async sweep(): Promise<void> {
      const all = join(dataDir, OWN_LOGINS);
      for (const name of existsSync(all) ? readdirSync(all) : []) {
        const userId = parseSnowflake<"user">(name);
        const used = userId && statSync(folderOf(userId), { throwIfNoEntry: false });
        if (!used || now() - used.mtimeMs < UNUSED_MS && !await hasLeft(userId)) continue;
        rmSync(folderOf(userId), { recursive: true, force: true });
        for (const server of servers()) connect(userId, server);
      }
    },
    /** Connects the person for a turn, which counts as a use. */
    async ready(userId: UserId, server: EachServer): Promise<void> {
      const current = connect(userId, server);
      if (current) use(userId);
      // Some seconds at most: the turn has no other tools.
      for (let listed; (listed = current?.list(() => true)) !== undefined;) await listed;
    },
    tools: (userId: UserId, server: EachServer): readonly Tool[] =>
      connected.get(keyOf(userId, server))?.tools() ?? [],
    states: (userId: UserId): readonly McpLoginState[] => mcpStates(servers(), loginsOf(userId)),
    /** Whether a server takes the person's login, as far as their connection tells. */
    isSignedIn(userId: UserId, server: EachServer): boolean {
      const { tokens, wantedScope } = loginAt(userId, server) ?? {};
      const [current] = connected.get(keyOf(userId, server))?.states() ?? [];
      return tokens !== undefined && current?.state === "ready" &&
        scopesOf(tokens.scope, wantedScope) === scopesOf(tokens.scope, undefined);
    },
    close: () => Promise.all([...connected.values()].map((one) => one.close())),
  };
}

export type Everyone = ReturnType<typeof createPeople>;
