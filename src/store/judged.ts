/**
 * What follows from a verdict, within the transaction that records it: a place
 * in the inbox, in the context of a channel, or among what is undecided.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Judged } from "../core/inbox.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { toOverheard } from "../core/transcript.ts";
import { prepareKeepOverheard } from "./context.ts";
import { prepareKeepDirectChannel } from "./direct_channels.ts";
import { prepareAddToInbox } from "./inbox.ts";
import type { Memory } from "./memory.ts";
import { prepareKeepUndecided } from "./undecided_rows.ts";

/** What has come of messages whose verdicts are new. */
export interface Kept {
  /** New to the inbox. */
  readonly accepted: readonly Judged[];
  readonly undecided: readonly Judged[];
  /** Kept as context. */
  readonly overheard: readonly InboundMessage[];
}

/** @param now Unix time in milliseconds. */
export type KeepJudged = (recorded: readonly Judged[], now: number) => Kept;

export function prepareKeepJudged(
  database: DatabaseSync,
  { claims, quiet }: Memory,
): KeepJudged {
  const keepOverheard = prepareKeepOverheard(database, quiet);
  const addToInbox = prepareAddToInbox(database, claims);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const keepUndecided = prepareKeepUndecided(database);
  return (recorded, now) => {
    const overheard = recorded
      .filter(({ verdict }) => verdict.kind === "ignore" && verdict.keepAsContext)
      .map(({ message }) => message);
    for (const message of overheard) keepOverheard(message, toOverheard(message), now);
    const accepted = recorded.filter(({ message, verdict, route }) => {
      if (verdict.kind !== "accept") return false;
      if (!route) throw new TypeError(`Cannot accept message ${message.id}: it has no route`);
      return addToInbox(message, route, now);
    });
    for (const message of directOf(recorded)) keepDirectChannel(message);
    const undecided = recorded.filter(({ verdict }) => verdict.kind === "undecided");
    for (const judged of undecided) keepUndecided(judged, now);
    return { accepted, undecided, overheard };
  };
}

/** The accepted messages outside of guilds. */
export function directOf(judged: readonly Judged[]): readonly InboundMessage[] {
  return judged
    .filter(({ verdict, message }) => verdict.kind === "accept" && message.place.kind !== "guild")
    .map(({ message }) => message);
}
