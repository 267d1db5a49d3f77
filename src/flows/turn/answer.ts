/**
 * Turns a claimed message into a finished turn.
 *
 * It fetches history and context, composes the request, and runs the turn. Then it stores
 * transcript, frozen messages and the answered inbox row at once (T3). It sends nothing. It
 * finishes a failed turn as well, with one line for the user and the reason in the log, both with
 * the same id (R11).
 *
 * @module
 */

import { createToolbox } from "../../agent/toolbox.ts";
import { runTurn, type TurnOutcome } from "../../agent/turn.ts";
import type { Claim, FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import { metered } from "../../core/spending/metered_model.ts";
import type { Charge } from "../../core/spending/usage.ts";
import type { Entry, Overheard } from "../../core/inbound/transcript.ts";
import type { ReactionNote } from "../../core/inbound/reactions.ts";
import type { Step } from "../../core/step.ts";
import type { Tool, ToolPorts } from "../../core/turn/tool.ts";
import { type Envelope, envelopeOf } from "../../render/prompt/envelope.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type ComposedReply,
  composeReply,
  type ReplyRules,
  type ShownToModel,
} from "../../render/reply.ts";
import { fenced } from "../../render/prompt/untrusted.ts";
import { footerOf, type FooterRules, withFooter } from "../../render/footer.ts";
import { composeRequest } from "../../render/prompt/request.ts";
import { type Instructions, systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { historyChars, selectEntries } from "../../session/history.ts";
import type { AnswerThreads } from "./answer_threads.ts";
import { earlierImages } from "../media/earlier_images.ts";
import type { TurnFiles } from "../media/read_files.ts";
import type { SpeakAnswer } from "../media/speak.ts";
import type { Drafts } from "./draft.ts";
import { createTurnSpending } from "./turn_spending.ts";
import { answeredTurn, type EndPorts, failedTurn, ofTurn } from "./finished_turn.ts";
import { paidTurn, refusedTurn, type TurnSpendPort } from "./refused_turn.ts";
import { type Cost, logAnswer } from "./log_answer.ts";
import { saveSteps, saveTurn, type SaveTurnPorts } from "./save_turn.ts";

/** The store's methods for this flow; each is one transaction. */
export interface AnswerStore {
  /**
   * The newest `limit` entries of a session that fit into `maxChars` UTF-16 units, oldest first.
   */
  entriesOf(sessionKey: string, limit: number, maxChars: number): Promise<readonly Entry[]>;
  /**
   * The newest `limit` overheard messages in a channel, oldest first (H1). Only those after the
   * session's last entry from this channel, and before a message.
   */
  overheard(
    channel: { readonly accountId: AccountId; readonly channelId: ChannelId },
    sessionKey: string,
    before: MessageId,
    limit: number,
  ): Promise<readonly Overheard[]>;
  /** The reactions in a channel that no earlier turn has seen, oldest first (H5). */
  reactionsFor(
    channel: { readonly accountId: AccountId; readonly channelId: ChannelId },
    messageId: MessageId,
  ): Promise<readonly ReactionNote[]>;
  /** The stored steps of a message's turn, in order. */
  stepsOf(messageId: MessageId): Promise<readonly Step[]>;
  /** TS. Adds steps to a turn, which survive a power cut if the call waits for the disk. */
  addSteps(
    claim: Claim,
    steps: readonly Step[],
    waitsForDisk: boolean,
    charges: readonly Charge[],
  ): Promise<void>;
}

/** The part of the config that applies to one turn. */
export interface TurnRules extends ReplyRules {
  /** Name of the place for people, for the log (S2). */
  readonly where: string;
  /** Parts of the system prompt. */
  readonly instructions: Instructions;
  /** Maximum number of overheard messages for the model; 0 in direct messages. */
  readonly historyLimit: number;
  /** Maximum number of user turns from the transcript; absent: as many as fit. */
  readonly userTurns?: number;
  /** The context window and the longest answer of a model that reports none, in tokens. */
  readonly window: { readonly contextWindow: number; readonly maxOutput: number };
  /** IANA time zone for the times that the model reads: `"Europe/Vienna"`. */
  readonly timezone: string;
  /** Milliseconds that the whole turn may take, from `agents.turnTimeoutSec`. */
  readonly timeoutMs: number;
  /** The tools of this turn: the same array for all turns that have the same tools. */
  readonly tools: readonly Tool[];
  /** Milliseconds that a tool call may take, from `tools.timeoutSec`. */
  readonly toolTimeoutMs: number;
  /** Maximum number of requests to the model, from `agents.maxSteps`. */
  readonly maxSteps: number;
  /** The parts of the answer's footer; absent: it has none (R15). */
  readonly footer?: FooterRules;
}

/** Everything that answering needs from outside. */
export interface AnswerPorts extends SaveTurnPorts, EndPorts {
  /** The store's methods for this flow. */
  readonly store: AnswerStore & SaveTurnPorts["store"];
  /** The agent's model. */
  readonly model: Model;
  /** Budgets, and the people who know that one is spent. */
  readonly spend: TurnSpendPort;
  /** Aborted when the account ends by itself: no request to the model begins after that. */
  readonly ended: AbortSignal;
  /** Finds the config that applies to a message's turn. */
  readonly rules: (message: InboundMessage) => TurnRules;
  /** What tools can do outside the process. */
  readonly toolPorts: ToolPorts;
  /** Loads the channel's context, once since the start. Never fails. */
  readonly backfill: (message: InboundMessage, limit: number) => Promise<void>;
  /**
   * Returns 12 random hex digits: for boundaries that no person can guess, and for ids that a
   * person can copy.
   */
  readonly randomId: () => string;
  /** The threads that answers open. */
  readonly threads: Pick<AnswerThreads, "homeOf">;
  /** Reads the files of messages (H7); absent: no turn gets any. */
  readonly files?: Pick<TurnFiles, "read" | "imagesOf"> & { readonly speak: SpeakAnswer };
  /** Shows the answer while it grows. Absent: only the whole answer is shown (R8). */
  readonly drafts?: Pick<Drafts, "begin">;
  /** Tells that the outbox has new rows for this channel. */
  readonly onOutbox: (stored: StoredTurn, channelId: ChannelId) => void;
  /** Gets each turn with its duration in milliseconds, for the metrics. */
  readonly onTurn: (outcome: TurnOutcome, ms: number) => void;
}

/** Maximum number of transcript entries to read; selection by length comes later. */
const MAX_ENTRIES = 400;

/**
 * Maximum number of turns for one message if each ends with the process. A bot that was killed at
 * random, twice a second, cut the turn of one message in 12,000 ten times in a row.
 */
const MAX_ATTEMPTS = 20;

/** Share of the context window that is kept free for the results of tools. */
const RESULTS_SHARE = 0.4;

/**
 * Share of the history's room that the results of one turn may take in it. A later turn whose history
 * they filled would see no other turn.
 */
const KEPT_SHARE = 0.25;

/** Share of the history's room that the texts of the message's files may take. */
const FILES_SHARE = 0.5;

/** Maximum UTF-16 units of overheard messages for the model. */
const OVERHEARD_CHARS = 6_000;

/**
 * Runs a claimed message's turn to its end and stores it. The next start repeats an interrupted
 * turn.
 *
 * @throws {unknown} The store's error, if the store is down before the turn's end, or refuses even
 * the failed turn.
 */
export async function answer(claim: Claim, ports: AnswerPorts): Promise<void> {
  let cost: Cost | undefined;
  const ended = await runToEnd(claim, {
    ...ports,
    onTurn(outcome, ms) {
      const { micros: _, ...usage } = outcome.kind === "reply" && outcome.usage || {};
      cost = { ms, ...usage };
      ports.onTurn(outcome, ms);
    },
  });
  if (!ended) return;
  const withDrafts = (turn: FinishedTurn): FinishedTurn => ({
    ...turn,
    mayHaveDrafts: ports.drafts !== undefined,
  });
  const failed = (error: unknown) =>
    withDrafts(failedTurn(claim, "cannot be stored", ports.rules(claim.message), ports, error));
  const stored = await saveTurn(withDrafts(ended), failed, ports);
  if (!stored.stored) return;
  const { where } = ports.rules(claim.message);
  const { model: modelId = ports.model.id } = ended.cost ?? {};
  logAnswer(ended, { ...cost, where }, { log: ports.log, modelId });
  const { folded, dropped } = stored;
  if (folded + dropped > 0) {
    const { message } = claim;
    ports.log.warn("A channel's queue is full: answers were folded or dropped", {
      messageId: message.id,
      channelId: message.channelId,
      where: ports.rules(message).where,
      folded,
      dropped,
    });
    if (dropped > 0 && ports.rules(message).takesNoFiles) ports.onNoFiles(message);
  }
  ports.onOutbox(stored, claim.message.channelId);
  // A draft may be in the channel, and the answer in its thread.
  const { channelId } = ended.claim.message;
  if (channelId !== claim.message.channelId) ports.onOutbox(NOTHING_MORE, channelId);
}

/** A second channel has rows of the same turn, whose figures count once. */
const NOTHING_MORE: StoredTurn = { stored: true, folded: 0, dropped: 0 };

/** @returns `undefined` if the process stops, or the account ends, meanwhile. */
async function runToEnd(claim: Claim, ports: AnswerPorts): Promise<FinishedTurn | undefined> {
  const rules = rulesFor(ports.model, ports.rules(claim.message));
  if (claim.attempt > MAX_ATTEMPTS) {
    // Perhaps this message ends the process: retrying for ever would help no one.
    return failedTurn(claim, `interrupted ${claim.attempt - 1} times`, rules, ports);
  }
  try {
    return await run(claim, rules, ports);
  } catch (error) {
    if (ports.isStoreDown(error)) throw error;
    if (ports.stopping.aborted) return undefined;
    return failedTurn(claim, "unexpected", rules, ports, error);
  }
}

/** A turn offers no tools to a model whose server refuses them, and promises none. */
function rulesFor({ takesNoTools = false }: Model, rules: TurnRules): TurnRules {
  if (!takesNoTools || rules.tools.length === 0) return rules;
  return { ...rules, tools: [], instructions: { ...rules.instructions, hasTools: false } };
}

async function run(
  claim: Claim,
  rules: TurnRules,
  ports: AnswerPorts,
): Promise<FinishedTurn | undefined> {
  const { now, schedule, stopping, ended, store } = ports;
  const startedAt = now();
  const spending = createTurnSpending(claim.message, claim.route.agentId, ports.spend);
  const withCost = (turn: FinishedTurn) => paidTurn(turn, spending);
  const spent = await ports.spend.check(spending.by, "answer");
  if (spent) return await refusedTurn(claim, spent, rules, ports);
  const { window = rules.window } = ports.model;
  const model = metered(ports.model, {
    kind: "answer",
    by: spending.by,
    spend: spending.port,
    now,
  });
  const boundary = ports.randomId();
  const system = systemPromptOf(rules.instructions);
  const filesChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(claim, { boundary, filesChars }, rules, ports);
  const { envelope, overheard, history, steps, images } = gathered;
  if (ended.aborted) return undefined; // Discord takes no answer; the next start runs the turn
  const freeChars = historyChars(window, system.length + envelope.length);
  const maxResultChars = rules.tools.length === 0 ? 0 : Math.floor(freeChars * RESULTS_SHARE);
  const maxChars = freeChars - maxResultChars;
  const limits = {
    maxChars,
    ...(rules.userTurns !== undefined && { userTurns: rules.userTurns }),
  };
  const entriesShown = selectEntries(history, limits);
  const { sessionKey } = claim.route;
  const earlier = model.takesImages === false || !ports.files
    ? undefined
    : await earlierImages(entriesShown, images, ports.files);
  const request = {
    ...composeRequest({
      system,
      history: entriesShown,
      envelope,
      images,
      ...(earlier && { earlierImages: earlier }),
    }),
    sessionKey,
  };
  const shown: ShownToModel = {
    overheard,
    // Not the model's own texts: their links would count as known because of themselves.
    texts: [envelope, ...entriesShown.flatMap(({ role, text }) => role === "user" ? [text] : [])],
    system,
  };
  const compose = (text: string, home = claim) =>
    composeReply({
      ...ofTurn(home),
      text,
      shown,
      // In a thread, Discord takes no reply to a message of the channel.
      rules: home === claim ? rules : { ...rules, replyToMode: "off" },
    });

  // The thread opens with the whole answer, so nothing of it is shown in the channel before.
  const draft = opensThread(claim) ? undefined : ports.drafts?.begin(claim.message, (text) => {
    const composed = compose(text);
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
  const outcome = await runTurn(request, {
    model,
    toolbox: createToolbox(rules.tools, {
      timeoutMs: rules.toolTimeoutMs,
      schedule,
      cleanSecrets: rules.cleanSecrets,
      fence: (result) => fenced("result", boundary, result),
    }),
    contextOf: (key) => ({
      ports: ports.toolPorts,
      message: claim.message,
      callKey: `${claim.message.id}:${key}`,
    }),
    steps,
    save: async (more, waitsForDisk) => {
      const charges = spending.unsaved("answer");
      const add = () => store.addSteps(claim, more, waitsForDisk, charges);
      await saveSteps(add, claim.message.id, ports);
      spending.saved();
    },
    cleanSecrets: rules.cleanSecrets,
    maxResultChars,
    maxSteps: rules.maxSteps,
    now,
    stopping,
    schedule,
    timeoutMs: rules.timeoutMs,
    ...(draft && { onText: (soFar: string) => draft.grow(soFar) }),
  });
  await draft?.end();
  ports.onTurn(outcome, Math.max(0, now() - startedAt));
  switch (outcome.kind) {
    case "interrupted":
      return undefined;
    case "failed":
      return withCost(failedTurn(claim, outcome.reason, rules, ports));
    case "refused":
      return withCost(await refusedTurn(claim, outcome.stop, rules, ports));
    case "reply": {
      const home = await ports.threads.homeOf(claim, compose(outcome.text).kind === "reply");
      const composed = await spoken(compose(outcome.text, home), claim, rules, ports);
      const turn = answeredTurn(
        home,
        composed.kind === "reply"
          ? withFooter(composed, footerOf(rules.footer, spending.cost()))
          : composed,
        {
          envelope,
          rules,
          maxKeptChars: Math.floor(maxChars * KEPT_SHARE),
          ...outcome.taken,
        },
        ports,
      );
      return withCost(turn);
    }
  }
}

/** Whether the claim's session is that of a thread which its answer opens (S7). */
function opensThread({ message: { id, channelId }, route: { sessionKey } }: Claim): boolean {
  return String(id) !== channelId && sessionKey.endsWith(`:channel:${id}`);
}

/** Adds the spoken text, if the message was spoken too (R16). */
async function spoken(
  composed: ComposedReply,
  { message }: Claim,
  { takesNoFiles }: TurnRules,
  { files, stopping }: AnswerPorts,
): Promise<ComposedReply> {
  if (composed.kind !== "reply" || takesNoFiles) return composed;
  const voice = await files?.speak(message, composed.text, stopping);
  return voice ? { ...composed, reply: { ...composed.reply, voice } } : composed;
}

/** Fetches the turn's context. Only channels have overheard messages, not direct messages. */
async function gather(
  claim: Claim,
  { boundary, filesChars }: Pick<Envelope, "boundary"> & { readonly filesChars: number },
  { historyLimit: channelLimit, timezone, window }: TurnRules,
  { store, backfill, files: turnFiles, model, stopping }: AnswerPorts,
) {
  const { message, route: { sessionKey }, attempt } = claim;
  const historyLimit = opensThread(claim) ? 0 : channelLimit; // a thread inherits no history
  await backfill(message, historyLimit);
  const takesImages = model.takesImages !== false;
  const [files, overheard, reactions, history, steps] = await Promise.all([
    turnFiles?.read(message, { takesImages }, stopping) ?? [],
    historyLimit === 0 ? [] : store.overheard(message, sessionKey, message.id, historyLimit),
    store.reactionsFor(message, message.id),
    store.entriesOf(sessionKey, MAX_ENTRIES, historyChars(model.window ?? window, 0)),
    attempt === 1 ? [] : store.stepsOf(message.id),
  ]);
  const envelope = envelopeOf({
    message,
    overheard,
    overheardChars: OVERHEARD_CHARS,
    reactions,
    timezone,
    boundary,
    files,
    filesChars,
  });
  const images = files.flatMap(({ result }) => result.kind === "image" ? [result.image] : []);
  return { envelope, overheard, history, steps, images };
}
