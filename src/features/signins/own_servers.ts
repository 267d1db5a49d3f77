/**
 * Runs turns of one person with their own account (T13a). Such a turn is a copy of the person's own
 * message, in a session of its own, without other tools. So no other words begin it, nothing that the
 * server says can be carried elsewhere, and its answer goes to direct messages. Only the person's own
 * answer on a card counts. A sign-in lives in this process.
 */

import { createHash } from "node:crypto";
import type { BotAccount } from "../../account/account.ts";
import { type Loop, loop, perAccount } from "../../account/per_account.ts";
import { serversOf } from "../../bot/mcp/ports.ts";
import { createdAtMs, parseSnowflake, snowflakeAt, type UserId } from "../../core/discord/ids.ts";
import {
  cameBy,
  type CommandCall,
  type InboundMessage,
  type OwnTurn,
  termsOf,
} from "../../core/inbound/inbound.ts";
import {
  defineTool,
  RefusedCall,
  type Tool,
  type ToolContext,
  UnknownOutcomeError,
  WaitsForPerson,
} from "../../core/turn/tool.ts";
import { readMember } from "../../discord/rest/requests/guild_reads.ts";
import { ask } from "../../flows/interactions/ask.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { loggedOutText, MCP_SERVERS, noLoginText } from "../../render/sentences.ts";
import { z } from "zod";
import { DENY, FILL_IN, type Question } from "../../core/people/question.ts";
import { MAX_LINK } from "../../core/outbound/outbound.ts";
import { pastedUrl } from "../../host/sign_in_callback.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { createSignIn, mcpStates, type SignIn, stateText } from "../../mcp/sign_in.ts";
import {
  createLogins,
  createSealing,
  type Logins,
  type McpHttpServer,
  scopesOf,
} from "../../mcp/oauth/provider.ts";
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { OWN_LOGINS } from "../../host/files/data_dir.ts";
import type { McpServer } from "../../mcp/server.ts";
import { createMcpServers, type McpServers } from "../../mcp/servers.ts";

/** Servers of the bot in which a person is looked for; in more of them, no one counts as gone. */
const MAX_GUILDS = 20;
const MAX_PLACES = 1_000;
const UNPAIRED =
  "it is for their direct messages, to which they have no access yet. Tell them: write me a direct " +
  "message; my answer there says how to get access. Then ask again";
const CLOSED = "it is for their direct messages, which channels.discord.dm closes to them. Tell " +
  "them to ask whoever runs me for access";

export type EachServer = McpServer & {
  readonly transport: { readonly kind: "http" } & McpHttpServer;
};

const stateOf = perAccount("tools", ({ log }) => ({
  /** Each person has connections of their own, with their own token; the newest one is the last. */
  connected: new Map<string, McpServers>(),
  /** Where people have asked last: "show it" in direct messages is about this place. */
  places: new Map<string, NonNullable<OwnTurn["from"]>>(),
  /** Sign-ins that wait for their person, by call. */
  waiting: new Map<string, SignIn>(),
  /** Messages whose senders have said no: their turns ask no second time. */
  denied: createNewestSet<string>(MAX_WAITING),
  log,
}));

function serversIn({ config }: BotAccount): readonly EachServer[] {
  return serversOf(config(), "each") as readonly EachServer[];
}

/** Ends logins that no one uses, and at last all connections. */
export const peoplesLogins: Loop = loop("tools", (account) => {
  let cancel: () => void;
  function sweepDaily(): void {
    cancel = account.schedule(sweepDaily, DAY_MS);
    sweep(account).catch((error: unknown) =>
      account.log.warn("Cannot end people's sign-ins", { error })
    );
  }
  sweepDaily();
  return {
    async stop() {
      cancel();
      await Promise.all(stateOf(account).connected.values().map((one) => one.close()));
    },
  };
});

/** Whether a person is in none of the bot's servers. If Discord does not answer, no one has left. */
async function hasLeft(account: BotAccount, userId: UserId): Promise<boolean> {
  const guilds = [...account.reader.index.keys()];
  let hasLeft = guilds.length > 0 && guilds.length <= MAX_GUILDS;
  for (const id of guilds) {
    hasLeft &&= !await readMember(account.rest, id, userId).catch(() => "unknown");
  }
  return hasLeft;
}

/** @throws {Error} With the reason for the model. */
async function handOver(
  account: BotAccount,
  of: InboundMessage,
  key: string,
  own: OwnTurn,
  first?: () => Promise<unknown>,
): Promise<void> {
  const { accountId, config } = account;
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

/** Takes the message of a turn to a turn of its sender alone. */
export async function askPrivately(
  account: BotAccount,
  server: string,
  call: ToolContext,
): Promise<string> {
  const { message, also = [] } = call;
  const { id, revision, sender, channelId, guildId, place } = message;
  if (!termsOf(message).isTyped || sender.automaton || sender.pluralkit) {
    throw new Error("only a person's own message can be about their own account");
  }
  const { places } = stateOf(account);
  const last = guildId ? { channelId, guildId, place } : places.get(sender.id);
  const from = last?.place.kind === "guild" && account.policy().mayAct(last.place)
    ? last
    : undefined;
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
  await handOver(account, { ...message, text }, key, { server, from }, tell);
  return "The person's message is answered in their direct messages, from their own account. " +
    "Say so in one short sentence, and nothing about its content.";
}

/** The server of such a turn. */
function serverOf(account: BotAccount, message: InboundMessage): EachServer | undefined {
  const own = cameBy(message, "own");
  return serversIn(account).find(({ id }) => id === own?.server);
}

/** Connects the person for such a turn, which counts as a use. Never rejects. */
export async function readyFor(account: BotAccount, message: InboundMessage): Promise<void> {
  const server = serverOf(account, message);
  if (!server) return;
  const { id } = message.sender;
  try {
    const current = connect(account, id, server);
    if (current) use(account, id);
    // Some seconds at most: the turn has no other tools.
    for (let listed; (listed = current?.list(() => true)) !== undefined;) await listed;
  } catch (error) {
    stateOf(account).log.warn("Cannot connect to an account", { error });
  }
}

/** A server's own tools take no name of ours. */
export function toolsFor(account: BotAccount, message: InboundMessage): readonly Tool[] {
  const server = serverOf(account, message);
  if (!server) return [];
  const own = stateOf(account).connected.get(keyOf(message.sender.id, server))?.tools() ?? [];
  const all = [...own, signInTool(account, server), showTool(server)];
  return [...new Map(all.map((tool) => [tool.name, tool])).values()];
}

/** Runs `/signins`. */
export function runSignIns(account: BotAccount, { sender, options }: CommandCall): string {
  const named = bounded(String(options["end"] ?? "").trim().replaceAll("`", "'"), 100);
  const logins = loginsOf(account, sender.id);
  if (named !== "") {
    const server = serversIn(account).find(({ id }) => id === named);
    const isEnded = server !== undefined && logins.remove(server.id);
    if (isEnded) connect(account, sender.id, server);
    return isEnded ? loggedOutText(named) : noLoginText(named);
  }
  const lines = mcpStates(serversIn(account), logins)
    .map((state) => `– \`${state.id}\`: ${stateText(state, account.now())}`);
  return [MCP_SERVERS, ...lines].join("\n");
}

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

/** Lets the person of a turn sign in to a server. */
export function signInTool(account: BotAccount, server: EachServer): Tool {
  const { id, transport } = server;
  const { waiting, denied, log } = stateOf(account);
  const backTo = () => pastedUrl(transport.oauth?.callbackPort, account.config().http.publicUrl);

  async function begin({ callKey, message }: ToolContext): Promise<SignIn> {
    const scope = loginAt(account, message.sender.id, server)?.wantedScope;
    const begun = await createSignIn(transport, backTo(), account.now, scope);
    const [oldest] = waiting.keys();
    if (oldest !== undefined && waiting.size >= MAX_WAITING) waiting.delete(oldest);
    waiting.set(callKey, begun);
    return begun;
  }

  function card({ address }: SignIn, context: ToolContext, why = "") {
    const asked = `Sign in to \`${id}\` at ${
      new URL(address).host
    } with your own account. Pass on no address.`;
    const shown = address.length <= MAX_LINK
      ? { link: { url: address, label: "Sign in" } }
      : { exact: address };
    const end = `your browser ends at \`${backTo()}?…\`, where no page may load. Copy that whole ` +
      "address, press **Fill in**, and paste it";
    return new WaitsForPerson(cardOf(context, { key: FILL_IN, style: "primary" }, {
      kind: "ask",
      tool: `mcp__${id}__sign_in`,
      text: `${why}${asked}`,
      ...shown,
      facts: [{ name: "Then", value: end }],
      form: { title: id, label: "Your browser's last address" },
    }));
  }

  async function signIn(context: ToolContext): Promise<string> {
    const { callKey, decision, message } = context;
    const isYes = decision?.kind === "answered" && decision.answer.choice !== DENY;
    if (decision && !isYes) denied.add(message.id);
    const words = "the person said no, or did not answer; do not ask again";
    if (denied.has(message.id)) throw new RefusedCall("declined", words);
    const begun = waiting.get(callKey);
    if (!(isYes && begun) && isSignedIn(account, message.sender.id, server)) {
      context.noteEffect?.({ isNone: true });
      return "Nothing to do: they are signed in already."; // perhaps before a crash
    }
    if (!context.mayWait) throw new Error("no person can be asked now");
    if (!isYes || !begun) throw card(await begin(context), context);
    const { text: written = "" } = decision.answer;
    const answer = URL.parse(written)?.searchParams ?? new URLSearchParams();
    const wrong = "That was not the address of this sign-in.\n";
    if (!begun.isOurs(answer)) throw card(begun, context, wrong);
    waiting.delete(callKey); // an answer counts once
    const login = await begun.finish(answer);
    loginsOf(account, message.sender.id).write(id, login);
    use(account, message.sender.id);
    log.info("A person has signed in with their own account", { server: id });
    const own = { ...cameBy(message, "own"), server: id };
    await handOver(account, message, `signed in ${callKey}`, own);
    return "The person has signed in, and their message is answered again by itself, with the " +
      "tools of this server. Say only that the sign-in has worked.";
  }

  return defineTool({
    name: `mcp__${id}__sign_in`,
    description: `Lets the person sign in to ${id} by a private button. Call it if their ` +
      "message needs a tool of that server and there is none, or the server refuses them.",
    input: () => z.strictObject({}),
    needs: [],
    seenAt: "nowhere",
    isIdempotent: true,
    run: (_, context) => signIn(context),
  });
}

/** Its card has the exact text and the place, so the person sees what others will see. */
export function showTool({ id }: EachServer): Tool {
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

const keyOf = (userId: UserId, { id }: EachServer) => `${userId} ${id}`;

function folderOf({ bot: { dataDir }, accountId }: BotAccount, userId: UserId): string {
  return join(dataDir, OWN_LOGINS, userId, accountId);
}

/** A person's logins, which only the bot's token opens. */
function loginsOf(account: BotAccount, userId: UserId): Logins {
  const secret = account.config().discord.token?.reveal() ?? "";
  return createLogins(folderOf(account, userId), createSealing(secret, userId));
}

function loginAt(account: BotAccount, userId: UserId, { id, transport }: EachServer) {
  return loginsOf(account, userId).read(id, transport.url);
}

/** The folder's time is that of the last use. */
function use(account: BotAccount, userId: UserId): void {
  const sec = account.now() / 1_000;
  utimesSync(folderOf(account, userId), sec, sec);
}

/** Connects the person to a server that has a token of theirs; otherwise, ends the connection. */
function connect(account: BotAccount, userId: UserId, server: EachServer): McpServers | undefined {
  const { connected, log } = stateOf(account);
  const key = keyOf(userId, server);
  const before = connected.get(key);
  connected.delete(key);
  if (!loginAt(account, userId, server)?.tokens) return void before?.close();
  before?.apply([server]);
  const current = before ?? createMcpServers([server], {
    version: account.bot.build.version,
    now: account.now,
    schedule: account.schedule,
    log,
    isOwn: true,
    logins: loginsOf(account, userId),
    confine: () => Promise.reject(new TypeError("a program has no sign-in")),
    seen: { look: () => undefined },
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

/** Ends logins that are unused, or of people who have left. */
async function sweep(account: BotAccount): Promise<void> {
  const all = join(account.bot.dataDir, OWN_LOGINS);
  for (const name of existsSync(all) ? readdirSync(all) : []) {
    const userId = parseSnowflake<"user">(name);
    const used = userId && statSync(folderOf(account, userId), { throwIfNoEntry: false });
    if (!used) continue;
    if (account.now() - used.mtimeMs < UNUSED_MS && !await hasLeft(account, userId)) continue;
    rmSync(folderOf(account, userId), { recursive: true, force: true });
    for (const server of serversIn(account)) connect(account, userId, server);
  }
}

/** Whether a server takes the person's login, as far as their connection tells. */
function isSignedIn(account: BotAccount, userId: UserId, server: EachServer): boolean {
  const { tokens, wantedScope } = loginAt(account, userId, server) ?? {};
  const [current] = stateOf(account).connected.get(keyOf(userId, server))?.states() ?? [];
  return tokens !== undefined && current?.state === "ready" &&
    scopesOf(tokens.scope, wantedScope) === scopesOf(tokens.scope, undefined);
}
