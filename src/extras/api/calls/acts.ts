/**
 * Acts of programs on Discord: as if the program's person had asked the bot in that channel (O14).
 *
 * The policy judges the act like a message of the person there, with the roles that Discord names at
 * that moment. Then it is the same call of the tool `discord` that a turn would make, so its gates,
 * rights and texts are the same, too.
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { Account } from "../../../core/account/account.ts";
import { callIdOf, callSessionOf } from "../../../core/programs/called.ts";
import { type ActName, type CallingProgram, CallRefused } from "../../../core/programs/service.ts";
import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../../core/discord/ids.ts";
import {
  ASKED_OTHERWISE,
  type GuildPlace,
  type InboundMessage,
  type Role,
} from "../../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../../core/inbound/facts.ts";
import type { Judgement } from "../../../core/inbound/inbox.ts";
import { parseTarget } from "../../../core/outbound/target.ts";
import type { StoredQuestion } from "../../../core/people/question.ts";
import { RefusedCall } from "../../../core/refused_call.ts";
import type { Tool, ToolPorts } from "../../../core/turn/tool.ts";
import type { OpenCalls } from "./open_calls.ts";
import type { Pairing } from "../../../store/pairing/pairing.ts";
import type { QuestionDecisions } from "../../../store/questions/questions.ts";

const IDS = 2 ** 22;

const channel = z.string().min(1).max(200);
const id = z.string().regex(/^\d{1,20}$/, "Expected an id of Discord's");

const INPUTS = {
  send: z.strictObject({
    channel,
    text: z.string().min(1).max(40_000),
    reply_to: id.optional(),
    key: z.string().min(1).max(200).optional(),
  }),
  read: z.strictObject({
    channel,
    limit: z.int().min(1).max(100).optional(),
    before: id.optional(),
  }),
  search: z.strictObject({
    channel,
    query: z.string().min(1).max(512),
    everywhere: z.boolean().optional(),
    limit: z.int().min(1).max(25).optional(),
  }),
  approvals: z.strictObject({}),
} as const satisfies Record<ActName, z.ZodType>;

/** Creates the acts of one account. The function is long because its inner functions share its ports. */
export function createActs(
  { accountId, store, now, random, log }: Pick<
    Account<{
      readonly pairing: Pick<Pairing, "isPaired">;
      readonly questions: Pick<QuestionDecisions, "open">;
    }>,
    "accountId" | "store" | "now" | "random" | "log"
  >,
  calls: Pick<OpenCalls, "agents" | "count" | "personOf">,
  ports: {
    readonly judge: (message: InboundMessage, known: KnownFacts, source: "not_live") => Judgement;
    /** Whether an owner of the bot is in a guild, if the policy needs one there. */
    readonly ownerIn: (guildId: GuildId) => Promise<KnownFacts["ownerInGuild"]>;
    /** The guild of a channel, and the channel of a thread; `undefined` if the bot sees none. */
    readonly find: (
      channelId: ChannelId,
    ) => Promise<{ readonly guildId?: GuildId; readonly parentId?: ChannelId } | undefined>;
    /** The person's roles; `undefined` if they are no member, or may not see the channel. */
    readonly rolesIn: (
      where: { readonly guildId: GuildId; readonly channelId: ChannelId; readonly userId: UserId },
    ) => Promise<readonly Role[] | undefined>;
    /** The gateway names no archived threads, so a thread's channel comes from Discord. */
    readonly placeOf: (
      guildId: GuildId,
      target: { readonly channelId: ChannelId; readonly parentId?: ChannelId },
    ) => GuildPlace;
    readonly tools: (message: InboundMessage, agentId: string) => readonly Tool[];
    readonly portsOf: (agentId: string) => Promise<ToolPorts>;
    readonly isOwner: (message: Pick<InboundMessage, "sender">) => boolean;
    readonly isOfDiscord: (error: unknown) => boolean;
    readonly cleanSecrets: (text: string) => string;
  },
): (caller: CallingProgram, name: ActName, given: unknown, signal: AbortSignal) => Promise<string> {
  /** The person's message in a channel, if the policy lets it in. */
  async function messageIn(caller: CallingProgram, written: string, text: string) {
    const { program, userId } = caller;
    const { sender, channelId: direct } = await calls.personOf(userId);
    const messageId = callIdOf(now(), Math.floor(random() * IDS));
    const common = {
      ...ASKED_OTHERWISE,
      accountId,
      id: messageId,
      text,
      sentAt: createdAtMs(messageId),
      called: { program, kind: "ask" as const },
    };
    const isPaired = await store.pairing.isPaired(accountId, userId) || undefined;
    if (written === "direct") {
      const message = { ...common, channelId: direct, place: { kind: "dm" as const }, sender };
      return admitted(message, { isUnproxied: true, isPaired });
    }
    const channelId = channelOf(written);
    const { guildId, parentId } = await ports.find(channelId) ?? {};
    const roles = guildId && await ports.rolesIn({ guildId, channelId, userId });
    if (!guildId || !roles) {
      throw new CallRefused("not_found", `this person can see no channel ${channelId}`);
    }
    const message = {
      ...common,
      channelId,
      guildId,
      place: ports.placeOf(guildId, { channelId, parentId }),
      sender: { ...sender, roles },
    };
    const ownerInGuild = await ports.ownerIn(guildId);
    return admitted(message, { isUnproxied: true, ownerInGuild });
  }

  function admitted(message: InboundMessage, known: KnownFacts): InboundMessage {
    const { verdict } = ports.judge(message, known, "not_live");
    if (verdict.kind === "accept") return message;
    throw new CallRefused(
      "forbidden",
      `the bot does not answer this person there: ${verdict.why} (${verdict.rule})`,
    );
  }

  /** Runs an action of the tool `discord`. */
  async function run(
    caller: CallingProgram,
    message: InboundMessage,
    written: Readonly<Record<string, unknown>>,
    { key, signal }: { readonly key?: string; readonly signal: AbortSignal },
  ): Promise<string> {
    const { program, userId } = caller;
    const [agentId] = calls.agents(caller);
    const tool = agentId === undefined
      ? undefined
      : ports.tools(message, agentId).find(({ name }) => name === "discord");
    if (agentId === undefined || !tool) {
      throw new CallRefused("forbidden", "this person may not use the tool `discord` there");
    }
    const sessionKey = callSessionOf({ agentId, program, userId, conversation: "acts" });
    const callKey = key === undefined
      ? `${message.id}:act`
      : `act:${createHash("sha256").update(`${userId} ${program} ${key}`).digest("hex")}`;
    return await tool.run(tool.input.parse(written), {
      ports: await ports.portsOf(agentId),
      message,
      sessionKey,
      callKey,
      signal,
    });
  }

  async function approvals(caller: CallingProgram): Promise<string> {
    const { userId } = caller;
    const { sender, channelId: direct } = await calls.personOf(userId);
    const isOwner = ports.isOwner({ sender });
    /** Whether the person sees the card: its words are for those who may read its channel. */
    const sees = async ({ channelId, question: { asked, where } }: StoredQuestion) => {
      const isAsked = asked !== "anyone" && asked.includes(userId);
      if (!isAsked && !isOwner && asked !== "anyone") return false;
      if (channelId === direct || (isAsked && where !== "channel")) return true;
      return await messageIn(caller, channelId, "(lists the approvals)").then(
        () => true,
        isNotRefused,
      );
    };
    const open = await store.questions.open(now(), accountId);
    const isSeen = await Promise.all(open.map(sees));
    const theirs = open.filter((_, index) => isSeen[index]);
    return theirs.length === 0
      ? "Nothing waits for a person."
      : theirs.map((one) => ports.cleanSecrets(approvalLine(one))).join("\n");
  }

  async function act(
    caller: CallingProgram,
    name: ActName,
    given: unknown,
    signal: AbortSignal,
  ): Promise<string> {
    switch (name) {
      case "send": {
        const { channel, text, reply_to: replyTo, key } = read(INPUTS.send, given);
        const message = await messageIn(caller, channel, text);
        const written = { action: "sendMessage", text, replyTo };
        return await run(caller, message, withoutAbsent(written), { key, signal });
      }
      case "read": {
        const { channel, ...range } = read(INPUTS.read, given);
        const message = await messageIn(caller, channel, "(reads the channel)");
        return await run(caller, message, withoutAbsent({ action: "readMessages", ...range }), {
          signal,
        });
      }
      case "search": {
        const { channel, query, everywhere, limit } = read(INPUTS.search, given);
        const message = await messageIn(caller, channel, "(searches the server)");
        const channelIds = everywhere ? undefined : [message.channelId];
        const written = { action: "searchMessages", query, channelIds, limit };
        return await run(caller, message, withoutAbsent(written), { signal });
      }
      case "approvals":
        read(INPUTS.approvals, given);
        return await approvals(caller);
    }
  }

  return async (caller, name, given, signal) => {
    calls.count(caller);
    try {
      const result = await act(caller, name, given, signal);
      log.info("A program has acted", { program: caller.program, act: name });
      return ports.cleanSecrets(result);
    } catch (error) {
      if (error instanceof CallRefused) throw error;
      if (error instanceof RefusedCall) throw new CallRefused("forbidden", error.message);
      if (!ports.isOfDiscord(error)) {
        log.warn("An act of a program has failed", { act: name, error });
      }
      const why = error instanceof Error ? error.message : String(error);
      throw new CallRefused("unavailable", ports.cleanSecrets(why));
    }
  };
}

/** Rethrows all errors but a refusal. */
function isNotRefused(error: unknown): false {
  if (error instanceof CallRefused) return false;
  throw error;
}

function read<S extends z.ZodType>(schema: S, given: unknown): z.infer<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new CallRefused("invalid", z.prettifyError(parsed.error));
}

/** The channel of a text: its id alone, or as people write targets (S4). */
function channelOf(written: string): ChannelId {
  const bare = parseSnowflake<"channel">(written.trim());
  if (bare) return bare;
  const target = parseTarget(written);
  if (target.kind === "channel") return target.channelId;
  throw new CallRefused(
    "invalid",
    'channel: expected "direct", the id of a channel, or its link',
  );
}

function withoutAbsent(written: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

/** An open question as one line of JSON, without the exact command: a card shows that. */
function approvalLine({ code, question, createdAt, expiresAt }: StoredQuestion): string {
  const { kind, tool, text } = question;
  const time = (at: number) => new Date(at).toISOString();
  return JSON.stringify({
    code,
    kind,
    tool,
    text,
    asked: time(createdAt),
    expires: time(expiresAt),
  });
}
