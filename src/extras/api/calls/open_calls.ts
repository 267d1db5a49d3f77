/**
 * Takes the calls of programs: judges each like a direct message of the program's person, stores it
 * before a model reads it, and tells its end (O14).
 *
 * The answer is in the store. So a call outlives its connection and the process: a program that names
 * the same key again gets the same answer.
 */

import { createHash } from "node:crypto";
import { type Called, callIdOf, callSessionOf } from "../../../core/programs/called.ts";
import {
  type BegunCall,
  type CallingProgram,
  CallRefused,
  type CallService,
  type CallState,
  type NewCall,
} from "../../../core/programs/service.ts";
import type { StoredCall } from "../../../store/programs/programs.ts";
import type { Account } from "../../../core/account/account.ts";
import type { Emits } from "../../../core/account/events.ts";
import {
  type ChannelId,
  createdAtMs,
  type MessageId,
  type UserId,
} from "../../../core/discord/ids.ts";
import {
  ASKED_OTHERWISE,
  type InboundMessage,
  type Sender,
} from "../../../core/inbound/inbound.ts";
import type { Judgement, Route } from "../../../core/inbound/inbox.ts";
import type { WaitingRules } from "../../../core/inbound/waiting_limits.ts";
import type { KnownFacts } from "../../../core/inbound/facts.ts";
import { finalVerdict } from "../../../core/inbound/verdict.ts";
import type { OpenDirect } from "../../../core/outbound/requests.ts";
import { createKeyedQueue } from "../../../lib/keyed_queue.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import type { AnswerStream } from "../../../flows/turn/answer_ports.ts";
import { createCallStream } from "./answer_stream.ts";
import { createCallLimits } from "./call_limits.ts";
import type { createPrograms } from "../../../store/programs/programs.ts";
import type { Inbox } from "../../../store/inbox/inbox.ts";
import type { Pairing } from "../../../store/pairing/pairing.ts";
import type { Pauses } from "../../../store/settings/settings.ts";
import type { Steps } from "../../../store/turns/turn_ends.ts";
import { TOOLS } from "../../../tools/registry.ts";
import { storedLine } from "../../../flows/receipts/receipts.ts";
import type { ToolChanges } from "../../../store/changes/changes.ts";

const IDS = 2 ** 22;

export interface OpenCalls extends Omit<CallService, "act"> {
  /** The turn of a call has ended, or waits for a person; or the call has lost its turn. */
  ended(id: MessageId): void;
  /** Streams the answer of a call; `undefined` if this process has not begun it. */
  streamOf(id: MessageId): AnswerStream | undefined;
  readonly count: (caller: CallingProgram) => void;
  /** The person of a program, and the channel of their direct messages. */
  readonly personOf: (
    userId: UserId,
  ) => Promise<{ readonly sender: Sender; readonly channelId: ChannelId }>;
}

/** A call of this process that has not ended. */
interface WaitingProgram {
  readonly channelId?: ChannelId;
  /** Whether the program can ask for its answer again. */
  readonly hasKey: boolean;
  readonly release: () => void;
  readonly stream: ReturnType<typeof createCallStream>;
  readonly readers: Set<(part: string) => void>;
  /** Called when its state may have changed. */
  readonly waiters: Set<() => void>;
}

/**
 * Creates the calls of one account. The function is long because its inner functions share one state:
 * the open calls.
 */
export function createOpenCalls(
  account:
    & Pick<
      Account<{
        readonly programs: ReturnType<typeof createPrograms>;
        readonly inbox: Pick<Inbox, "acceptBatch">;
        readonly pairing: Pick<Pairing, "isPaired">;
        readonly settings: Pick<Pauses, "isPaused">;
        readonly turns: Pick<Steps, "stepsOf">;
        readonly changes: Pick<ToolChanges, "ofTurn">;
      }>,
      "accountId" | "store" | "now" | "random" | "schedule" | "stopping" | "log"
    >
    & Emits<"asked" | "touched">,
  ports: {
    /** The agents of the config, the default one first. */
    readonly agentIds: () => readonly string[];
    /** Whether an agent may work for a person (N2). */
    readonly mayReach: (agentId: string, userId: UserId) => boolean;
    readonly judge: (message: InboundMessage, known: KnownFacts, source: "not_live") => Judgement;
    /** The agent of the person's direct messages. */
    readonly route: (message: InboundMessage) => Route;
    readonly waiting: () => WaitingRules;
    readonly openDirect: OpenDirect;
    /** Names of a person; `undefined` if Discord has no such person. */
    readonly readUser: (
      userId: UserId,
    ) => Promise<Pick<Sender, "username" | "tag"> | undefined>;
    /** Whether an error says that Discord did not answer. */
    readonly isOfDiscord: (error: unknown) => boolean;
    readonly harmlessPart: (text: string) => string;
  },
): OpenCalls {
  const { accountId, store, now, random, schedule, stopping, events, log } = account;
  const limits = createCallLimits(now);
  const open = new Map<MessageId, WaitingProgram>();
  const people = new Map<UserId, { readonly sender: Sender; readonly channelId: ChannelId }>();
  /** A client that repeats a request must find the call of the first one. */
  const { run: inOrder } = createKeyedQueue<string>();

  async function personOf(userId: UserId) {
    const known = people.get(userId);
    if (known) return known;
    try {
      const names = await ports.readUser(userId);
      if (!names) throw new CallRefused("not_found", `Discord has no user ${userId}`);
      const person = {
        sender: { id: userId, ...names, roles: [] },
        channelId: await ports.openDirect(userId),
      };
      people.set(userId, person);
      return person;
    } catch (error) {
      if (!ports.isOfDiscord(error)) throw error;
      log.warn("Discord does not tell the person of a program", { userId, error });
      throw new CallRefused("unavailable", "Discord does not answer; try again later");
    }
  }

  function agents({ userId, agentId }: CallingProgram): readonly string[] {
    const all = agentId === undefined ? ports.agentIds() : [agentId];
    return all.filter((one) => ports.mayReach(one, userId));
  }

  async function continued(caller: CallingProgram, id: MessageId): Promise<StoredCall> {
    const found = await theirs(caller, id);
    const newest = found && await store.programs.newestIn(found.sessionKey);
    if (!found) throw new CallRefused("not_found", `There is no response ${id}`);
    if (newest !== id) {
      throw new CallRefused("invalid", "Only the newest answer of a conversation can be continued");
    }
    return found;
  }

  async function theirs({ program, userId }: CallingProgram, id: MessageId) {
    const found = await store.programs.find(id);
    const isTheirs = found?.called.program === program && found.userId === userId;
    return isTheirs ? found : undefined;
  }

  async function begin(caller: CallingProgram, call: NewCall): Promise<BegunCall> {
    const { program, userId } = caller;
    return call.key === undefined
      ? await beginNow(caller, call)
      : await inOrder(`${program} ${userId} ${call.key}`, () => beginNow(caller, call));
  }

  async function beginNow(caller: CallingProgram, call: NewCall): Promise<BegunCall> {
    limits.count(caller);
    if (stopping.aborted) throw new CallRefused("unavailable", "the bot is stopping");
    if (store.settings.isPaused(accountId)) {
      throw new CallRefused("unavailable", "an owner has paused the bot");
    }
    const { program, userId } = caller;
    let id = callIdOf(now(), Math.floor(random() * IDS));
    if (call.key !== undefined) {
      const { key, ...rest } = call;
      const kept = await store.programs.keep({
        accountId,
        program,
        key: digest(`${userId} ${key}`),
        body: digest(JSON.stringify(rest)),
        messageId: id,
      }, now());
      if (kept.body !== digest(JSON.stringify(rest))) {
        throw new CallRefused("invalid", "this Idempotency-Key belongs to another request");
      }
      const known = kept.messageId === id ? undefined : await theirs(caller, kept.messageId);
      if (known) return { id: kept.messageId, agentId: known.agentId, isNew: false };
      ({ messageId: id } = kept); // a crash came between the key and the call
    }
    const release = limits.take(caller);
    try {
      return await accept(caller, call, id, release);
    } catch (error) {
      open.delete(id);
      release();
      throw error;
    }
  }

  async function accept(
    caller: CallingProgram,
    { kind, text, agentId: wanted, earlier, conversation, after, key }: NewCall,
    id: MessageId,
    release: () => void,
  ): Promise<BegunCall> {
    const { program, userId } = caller;
    const before = after === undefined ? undefined : await continued(caller, after);
    const { sender, channelId } = await personOf(userId);
    const called: Called = { program, kind, earlier };
    const message: InboundMessage = {
      ...ASKED_OTHERWISE,
      accountId,
      id,
      channelId,
      place: { kind: "dm" },
      sender,
      text,
      sentAt: createdAtMs(id),
      called,
    };
    const allowed = agents(caller);
    const usual = caller.agentId ?? ports.route(message).agentId;
    const agentId = before?.agentId ?? wanted ?? (allowed.includes(usual) ? usual : allowed[0]);
    if (agentId === undefined || !allowed.includes(agentId)) {
      throw new CallRefused(
        "not_found",
        `${program} may ask no agent ${quoted(agentId ?? "")}; it may ask: ${allowed.join(", ")}`,
      );
    }
    const isPaired = await store.pairing.isPaired(accountId, userId);
    const known = { isUnproxied: true, isPaired: isPaired || undefined };
    const judged = ports.judge(message, known, "not_live");
    const verdict = finalVerdict(judged.verdict);
    const sessionKey = before?.sessionKey ??
      callSessionOf({ agentId, program, userId, conversation: conversation ?? id });
    const route = verdict.kind === "accept" ? { route: { agentId, sessionKey } } : {};
    open.set(id, openCall(channelId, key !== undefined, release)); // its turn may begin at once
    const { accepted } = await store.inbox.acceptBatch({
      accountId,
      judged: [{ ...judged, verdict, message, ...route }],
      echoes: [],
      guilds: [],
      waiting: ports.waiting(),
    }, now());
    if (verdict.kind !== "accept") {
      throw new CallRefused(
        "forbidden",
        `the bot does not answer this person: ${verdict.why} (\`barnacle why ${id}\`)`,
      );
    }
    if (accepted.length === 0) {
      throw new CallRefused("too_many", "too many messages of this person wait for their turns");
    }
    log.info("A program asks", { program, messageId: id, agentId, kind });
    events.emit.asked();
    return { id, agentId, isNew: true };
  }

  function openCall(
    channelId: ChannelId | undefined,
    hasKey: boolean,
    release: () => void,
  ): WaitingProgram {
    const readers = new Set<(part: string) => void>();
    const { harmlessPart } = ports;
    const isRead = () => readers.size > 0;
    const stream = createCallStream({ harmlessPart, schedule, isRead }, (part) => {
      for (const read of readers) read(part);
    });
    return { channelId, hasKey, release, stream, readers, waiters: new Set() };
  }

  function ended(id: MessageId): void {
    const call = open.get(id);
    if (!call) return;
    store.programs.find(id).then((found) => {
      if (found?.state === "open") return; // it waits for a person, or runs again
      open.delete(id);
      call.release();
      for (const wake of call.waiters) wake();
    }).catch((error: unknown) => log.warn("Cannot read a call", { messageId: id, error }));
  }

  async function stateOf(caller: CallingProgram, id: MessageId) {
    const found = await theirs(caller, id);
    if (!found) throw new CallRefused("not_found", `${caller.program} has no call ${id}`);
    const state = toState(id, found);
    if (state.kind !== "answered") return { ...state, agentId: found.agentId };
    return {
      ...state,
      receipts: await storedLine(account, TOOLS, id, found),
      agentId: found.agentId,
    };
  }

  async function wait(
    caller: CallingProgram,
    id: MessageId,
    signal: AbortSignal,
    onText?: (part: string) => void,
  ): Promise<CallState> {
    await stateOf(caller, id); // it throws for calls of other programs
    const call = open.get(id) ?? openCall(undefined, true, () => {}); // of an earlier process
    open.set(id, call);
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    call.waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    stopping.addEventListener("abort", wake, { once: true });
    try {
      if (onText) {
        const sent = call.stream.sent();
        if (sent !== "") onText(sent);
        call.readers.add(onText);
      }
      const first = await stateOf(caller, id); // it may have ended meanwhile
      if (first.kind !== "open") {
        open.delete(id);
        call.release();
      } else if (!signal.aborted && !stopping.aborted) {
        await promise;
      }
      const state = first.kind === "open" ? await stateOf(caller, id) : first;
      if (onText && state.kind === "answered") {
        const rest = call.stream.restOf(state.text);
        if (rest !== "") onText(rest);
      }
      return state;
    } finally {
      call.waiters.delete(wake);
      if (onText) call.readers.delete(onText);
      signal.removeEventListener("abort", wake);
      stopping.removeEventListener("abort", wake);
    }
  }

  return {
    agents,
    begin,
    stateOf,
    wait,
    ended,
    personOf,
    count: limits.count,
    countRead: limits.countRead,
    async leave(id) {
      const call = open.get(id);
      if (!call?.channelId || call.hasKey || call.waiters.size > 0) return;
      const changed = await store.inbox.acceptBatch({
        accountId,
        judged: [],
        echoes: [],
        guilds: [],
        changes: [{ kind: "deleted", channelId: call.channelId, messageIds: [id] }],
      }, now());
      log.info("A program has gone before its answer", { messageId: id });
      events.emit.touched(changed);
    },
    streamOf: (id) => open.get(id)?.stream.begin,
  };
}

function toState(
  id: MessageId,
  { state, answer, failureId, cost, finishedAt }: StoredCall,
): CallState {
  const failed = (why: string): CallState => ({ kind: "failed", why, isBudget: false });
  switch (state) {
    case "open":
      return { kind: "open" };
    case "answered":
      if (answer === undefined) return failed("the answer is not kept any more");
      return { kind: "answered", text: answer, usage: usageOf(cost), finishedAt };
    case "declined":
      return { kind: "answered", text: "", usage: usageOf(cost), finishedAt };
    case "refused":
      return { kind: "failed", why: "a budget of the bot is spent", isBudget: true };
    case "stopped":
      return failed("a person has stopped the turn");
    case "left":
      return failed("the program went away before the answer");
    case "failed":
      return failed(
        `the agent could not answer (error ${failureId ?? id}); ` +
          `\`barnacle why ${id}\` tells the operator more`,
      );
  }
}

function usageOf(cost: StoredCall["cost"]) {
  return { inputTokens: cost?.inputTokens ?? 0, outputTokens: cost?.outputTokens ?? 0 };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
