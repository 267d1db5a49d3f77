/**
 * The port through which the page shows the bot.
 *
 * The simulator does not import the bot. The program that runs the bot beside it implements this
 * port, with words for each verdict. So the page needs no knowledge of them.
 */

import type { MessageId } from "../../src/core/discord/ids.ts";

/** The bot's decision about one message. */
export interface Judged {
  readonly messageId: MessageId;
  /** Only accepted messages are answered. */
  readonly verdict: "accept" | "challenge" | "undecided" | "ignore";
  /** The reason on record: `"no-mention"`. */
  readonly why: string;
  /** The reason as a sentence. */
  readonly words: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  /** State of an accepted message. */
  readonly outcome?: Outcome;
}

export interface Outcome {
  /** `failed`: the bot told the sender that it has no answer. */
  readonly kind: "thinking" | "answered" | "failed";
  /** The bot's messages that answer it, in order. */
  readonly replies: readonly MessageId[];
  /** Milliseconds from the message to the first of them; absent before it. */
  readonly afterMs?: number;
}

export type BotState = "online" | "away" | "offline";

export type BotPanelNews =
  | { readonly kind: "judged"; readonly judged: Judged }
  | { readonly kind: "bot"; readonly bot: BotState };

export interface BotPanel {
  bot(): BotState;
  /** Number of all messages so far. */
  judged(): readonly Judged[];
  /**
   * Calls `listener` with every new event.
   *
   * @returns Removes the listener.
   */
  subscribe(listener: (news: BotPanelNews) => void): () => void;
  /** Kills the bot, which starts again by itself. */
  kill(): void;
}
