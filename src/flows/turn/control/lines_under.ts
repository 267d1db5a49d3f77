/**
 * Adds what stands under an answer: lines of extras in the footer, which the model never sees (R15a),
 * and the button Undo (T3).
 */

import type { Config } from "../../../config/config.ts";
import { linesOfExtras } from "../../../account/extra_parts.ts";
import type { Claim, FinishedTurn } from "../../../core/inbound/inbox.ts";
import { type Frozen, nonceOf, SMALL, UNDO_BUTTON } from "../../../core/outbound/outbound.ts";
import type { Step } from "../../../core/step.ts";
import type { Tool } from "../../../core/turn/tool.ts";
import type { MadeChange } from "../../../store/changes/changes.ts";
import { undoEnds } from "../../receipts/receipts.ts";
import type { OneTurn } from "../turn_step.ts";

/** A turn that ends with a message, before it is stored. */
export interface EndedTurn {
  readonly claim: Claim;
  /** As it was at the beginning of the turn. */
  readonly config: Config;
  /** All steps of the message, of all attempts and agents. */
  readonly steps: readonly Step[];
  readonly tools: readonly Tool[];
  /** Its changes on Discord. */
  readonly changes: readonly MadeChange[];
}

/**
 * Adds both to the last message with text, or as a message of their own if they do not fit.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function withLinesUnder(
  turn: FinishedTurn,
  { account, config, rules: { tools, chunks }, outcome }: OneTurn,
): Promise<FinishedTurn> {
  const { accountId, store, now } = account;
  const { claim, outbox } = turn;
  const { id } = claim.message;
  const at = outbox.findLastIndex(({ message: { voice } }) => voice === undefined);
  const last = outbox[at];
  if (!last) return turn;
  const hasStored = claim.attempt > 1 || outcome?.kind !== "reply" || outcome.taken !== undefined;
  const before = hasStored ? await store.turns.stepsOf(id) : [];
  const steps = [...before, ...turn.steps ?? []];
  const changes = steps.length > 0 ? await store.changes.ofTurn(accountId, id) : [];
  const under = linesOfExtras(account, { claim, config, steps, tools, changes })
    .map((line) => `${SMALL}${line}`).join("\n");
  const undo = { customId: `${UNDO_BUTTON}:${id}`, label: "Undo", style: "secondary" as const };
  const mayUndo = !last.message.buttons && changes.some((change) => undoEnds(change) > now());
  if (under === "" && !mayUndo) return turn;
  // The marks of an undo may double the line.
  const room = chunks.limit - (mayUndo ? under.length : 0);
  const more = mayUndo ? { buttons: [undo] } : {};
  return { ...turn, outbox: placed(outbox, at, last, under, more, room) };
}

function placed(
  outbox: readonly Frozen[],
  at: number,
  last: Frozen,
  under: string,
  more: Partial<Frozen["message"]>,
  room: number,
): readonly Frozen[] {
  const { content, footer, of, accountId, channelId, guildId } = last.message;
  const joined = [content, under].filter(Boolean).join("\n");
  if (under === "" || joined.length <= room || !of) {
    const all = [footer, under].filter(Boolean).join("\n") || undefined;
    const message = { ...last.message, content: joined, footer: all, ...more };
    return outbox.with(at, { ...last, message });
  }
  const part = outbox.length;
  const own = {
    ...{ accountId, channelId, guildId, content: under, footer: under, ...more },
    nonce: nonceOf(of, part),
    pings: { users: [], roles: [], quotedAuthor: false },
    isSilent: true as const,
    of: { ...of, part },
  };
  return [...outbox, { message: own, files: [] }].map((frozen) => ({
    ...frozen,
    message: {
      ...frozen.message,
      of: frozen.message.of && { ...frozen.message.of, parts: part + 1 },
    },
  }));
}
