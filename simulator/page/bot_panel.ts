/**
 * The port through which the page shows the bot.
 *
 * The simulator does not import the bot. The program that runs the bot beside it implements this
 * port: words for each verdict, figures and buttons by name. So the page needs no knowledge of
 * them.
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
  /** Name of the agent that answered; absent before it, and if there is only one. */
  readonly by?: string;
  /** Milliseconds from the message to the first of them; absent before it. */
  readonly afterMs?: number;
}

/** The bot's card: state, figures and actions. */
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

export interface Control {
  readonly id: string;
  /** Buttons of a group stand together; of `model` one is chosen. */
  readonly group: "model" | "fault" | "demo";
  readonly label: string;
  /** The button's effect, in a sentence. */
  readonly hint: string;
  /** Whether it is on, or chosen. */
  readonly isOn: boolean;
  /** Whether it opens a page in another tab. */
  readonly opens?: true;
}

/** The result of a pressed button. */
export interface Pressed {
  /** The address of the page to open, on this server. */
  readonly open?: string;
}

/** An event of the bot: a log line, or an action on it. */
export interface Notice {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly level: "info" | "warning" | "error" | "action";
  readonly text: string;
}

export type BotPanelNews =
  | { readonly kind: "judged"; readonly judged: Judged }
  | { readonly kind: "bot"; readonly bot: BotCard }
  | { readonly kind: "notice"; readonly notice: Notice };

export interface BotPanel {
  bot(): BotCard;
  /** Number of all messages so far. */
  judged(): readonly Judged[];
  /** The last events, oldest first. */
  notices(): readonly Notice[];
  /**
   * Calls `listener` with every new event.
   *
   * @returns Removes the listener.
   */
  subscribe(listener: (news: BotPanelNews) => void): () => void;
  /**
   * Presses a button.
   *
   * @returns `undefined` if there is none with that id.
   * @throws {RangeError} With the reason in words, if it cannot be pressed now.
   */
  press(controlId: string): Promise<Pressed | undefined>;
}
