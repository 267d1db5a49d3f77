/**
 * Applies verdicts within the transaction that records them. A message then goes to the inbox, to a
 * channel's context, or to the undecided messages.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import { prepareKeepOverheard } from "../turns/context.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { prepareKeepDirectChannel } from "../received/direct_channels.ts";
import { prepareAddToInbox } from "./rows.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareMessageBlocks } from "../received/message_blocks.ts";
import type { ContextGrowth, Pruner } from "../received/retention.ts";
import type { VerdictBlocks } from "../received/verdict_blocks.ts";
import { prepareKeepUndecided } from "./undecided_rows.ts";
import type { OverheardKey } from "../../core/store/turns.ts";

/** Everything that the inbox needs from other parts of the store. */
export interface InboxDeps {
  /** Waiting messages and channels that this process remembers. */
  readonly memory: Memory;
  /** The record of verdicts. */
  readonly verdicts: VerdictBlocks;
  /** Deletes old context and verdicts as new ones arrive. */
  readonly pruner: Pruner;
  /** Transcripts of sessions, which a deletion changes. */
  readonly transcripts: TranscriptRows;
  /** Gets the new verdicts, once they are stored. */
  readonly onRecorded: (recorded: readonly Judged[]) => void;
}

/** The messages and channels that new verdicts have changed. */
export interface Kept {
  /** Messages that are new to the inbox. */
  readonly accepted: readonly Judged[];
  /** Messages that wait for a fact. */
  readonly undecided: readonly Judged[];
  /** Channels whose context has grown. */
  readonly grown: readonly ContextGrowth[];
}

/**
 * Applies verdicts within a transaction of the caller's.
 *
 * @param now Unix time in milliseconds.
 */
export type KeepJudged = (recorded: readonly Judged[], now: number) => Kept;

/** Prepares the statements for the effects of verdicts. */
export function prepareKeepJudged(
  database: DatabaseSync,
  { claims, quiet }: Memory,
  { contextPerChannel }: Pick<Pruner, "contextPerChannel">,
): KeepJudged {
  const blocks = prepareMessageBlocks(database);
  const keepOverheard = prepareKeepOverheard(blocks, quiet, contextPerChannel);
  const addToInbox = prepareAddToInbox(database, claims);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const keepUndecided = prepareKeepUndecided(database);
  return (recorded, now) => {
    const grown: ContextGrowth[] = [];
    for (const { key, messages } of overheardIn(recorded)) {
      keepOverheard(key, messages, now);
      grown.push({ key, count: messages.length });
    }
    const accepted = recorded.filter(({ message, verdict, route }) => {
      if (verdict.kind !== "accept") return false;
      if (!route) throw new TypeError(`Cannot accept message ${message.id}: it has no route`);
      return addToInbox(message, route, now);
    });
    for (const message of directOf(recorded)) keepDirectChannel(message);
    const undecided = recorded.filter(({ verdict }) => verdict.kind === "undecided");
    for (const judged of undecided) keepUndecided(judged, now);
    return { accepted, undecided, grown };
  };
}

/** The messages to keep as context, by channel. */
function overheardIn(
  recorded: readonly Judged[],
): Iterable<{ readonly key: OverheardKey; readonly messages: readonly Overheard[] }> {
  const channels = new Map<
    string,
    { readonly key: OverheardKey; readonly messages: Overheard[] }
  >();
  for (const { message, verdict } of recorded) {
    if (verdict.kind !== "ignore" || !verdict.keepAsContext) continue;
    const { accountId, channelId } = message;
    const name = `${accountId} ${channelId}`;
    let channel = channels.get(name);
    if (!channel) channels.set(name, channel = { key: { accountId, channelId }, messages: [] });
    channel.messages.push(toOverheard(message));
  }
  return channels.values();
}

/** The accepted messages outside of guilds. */
export function directOf(judged: readonly Judged[]): readonly InboundMessage[] {
  return judged
    .filter(({ verdict, message }) => verdict.kind === "accept" && message.place.kind !== "guild")
    .map(({ message }) => message);
}
