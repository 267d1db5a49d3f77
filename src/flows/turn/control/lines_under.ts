/** Adds lines of extras under an answer: they stand in the footer, which the model never sees (R15a). */

import type { FinishedTurn } from "../../../core/inbound/inbox.ts";
import { SMALL } from "../../../core/outbound/footer_line.ts";
import { nonceOf } from "../../../core/outbound/nonce.ts";
import type { Frozen } from "../../../core/outbound/outbound.ts";
import type { Step } from "../../../core/step.ts";
import type { Tool } from "../../../core/turn/tool.ts";
import type { TurnOutcome } from "../../../core/turn/turn_outcome.ts";
import type { SortedSteps } from "../../../core/turn/asking.ts";
import type { Steps } from "../../../store/turns/turn_ends.ts";

/** A turn that ends with a message, before it is stored. */
export interface EndedTurn extends Pick<FinishedTurn, "claim"> {
  /** All steps of the message, of all attempts and agents. */
  readonly steps: readonly Step[];
  readonly tools: readonly Tool[];
}

/** Finds the lines. Never rejects. */
export type LinesUnder = (turn: EndedTurn) => Promise<readonly string[]>;

/**
 * Adds the lines to the last message with text, or as a message of their own if they do not fit.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function withLinesUnder(
  turn: FinishedTurn,
  { rules, stored, outcome }: {
    readonly rules: {
      readonly tools: readonly Tool[];
      readonly chunks: { readonly limit: number };
    };
    readonly stored: Pick<SortedSteps, "passed">;
    readonly outcome?: TurnOutcome;
  },
  { linesUnder, store }: {
    readonly linesUnder?: LinesUnder;
    readonly store: Pick<Steps, "stepsOf">;
  },
): Promise<FinishedTurn> {
  const { claim, outbox } = turn;
  const at = outbox.findLastIndex(({ message: { voice } }) => voice === undefined);
  const last = outbox[at];
  if (!linesUnder || !last) return turn;
  const hasSteps = claim.attempt > 1 || turn.steps !== undefined || stored.passed.length > 0 ||
    (outcome && "taken" in outcome && outcome.taken !== undefined);
  const before = hasSteps ? await store.stepsOf(claim.message.id) : [];
  const steps = [...before, ...turn.steps ?? []];
  const lines = await linesUnder({ claim, steps, tools: rules.tools });
  if (lines.length === 0) return turn;
  const footer = lines.map((line) => `${SMALL}${line}`).join("\n");
  return { ...turn, outbox: placed(outbox, at, last, footer, rules.chunks.limit) };
}

function placed(
  outbox: readonly Frozen[],
  at: number,
  last: Frozen,
  footer: string,
  limit: number,
): readonly Frozen[] {
  const { message } = last;
  const content = message.content === "" ? footer : `${message.content}\n${footer}`;
  const all = message.footer === undefined ? footer : `${message.footer}\n${footer}`;
  if (content.length <= limit) {
    return outbox.with(at, { ...last, message: { ...message, content, footer: all } });
  }
  const { of, accountId, channelId, guildId } = message;
  if (!of) return outbox;
  const parts = outbox.length + 1;
  const own = {
    ...{ accountId, channelId, guildId, content: footer, footer },
    nonce: nonceOf(of, outbox.length),
    pings: { users: [], roles: [], quotedAuthor: false },
    isSilent: true as const,
    of: { ...of, part: outbox.length },
  };
  return [...outbox, { message: own, files: [] }].map((frozen) => ({
    ...frozen,
    message: { ...frozen.message, of: frozen.message.of && { ...frozen.message.of, parts } },
  }));
}
