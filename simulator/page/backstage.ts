/**
 * What the page shows of the bot, as a port.
 *
 * The simulator knows no bot. Whoever runs one beside it fills this in: words for
 * each verdict, figures and buttons by name, so that the page needs not know what
 * they mean.
 *
 * @module
 */

import type { MessageId } from "../../src/core/discord/ids.ts";

/** What the bot made of one message. */
export interface Judged {
  readonly messageId: MessageId;
  /** Whatever is not accepted is not answered. */
  readonly verdict: "accept" | "challenge" | "undecided" | "ignore";
  /** As it is on record: `"no-mention"`. */
  readonly why: string;
  /** The same in a sentence. */
  readonly words: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  /** What became of an accepted one. */
  readonly outcome?: Outcome;
}

export interface Outcome {
  /** `failed`: the bot said that it has no answer. */
  readonly kind: "thinking" | "answered" | "failed";
  /** The bot's messages that answer it, in order. */
  readonly replies: readonly MessageId[];
  /** Milliseconds from the message to the first of them; absent before it. */
  readonly afterMs?: number;
}

/** The bot as a card: how it is, figures about it, and what may be done to it. */
export interface BotCard {
  readonly state: "online" | "away" | "offline";
  /** `"Connected to Discord"` */
  readonly headline: string;
  readonly figures: readonly Figure[];
  readonly controls: readonly Control[];
}

export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** A button. */
export interface Control {
  readonly id: string;
  /** Those of a group stand together; of `model` one is chosen. */
  readonly group: "model" | "fault";
  readonly label: string;
  /** What will happen, in a sentence. */
  readonly hint: string;
  /** Whether it is switched on, or chosen. */
  readonly isOn: boolean;
}

/** Something that happened to the bot: of what it logs, or what was done to it. */
export interface Notice {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly level: "info" | "warning" | "error" | "stage";
  readonly text: string;
}

export type BackstageNews =
  | { readonly kind: "judged"; readonly judged: Judged }
  | { readonly kind: "bot"; readonly bot: BotCard }
  | { readonly kind: "notice"; readonly notice: Notice };

export interface Backstage {
  bot(): BotCard;
  /** Of all messages so far. */
  judged(): readonly Judged[];
  /** The last ones, the oldest first. */
  notices(): readonly Notice[];
  /** Calls `listener` with everything new; returns what stops it. */
  subscribe(listener: (news: BackstageNews) => void): () => void;
  /**
   * Presses a button.
   *
   * @returns `false` if there is none with that id.
   */
  press(controlId: string): Promise<boolean>;
}
