/**
 * Questions to people: approvals of tool calls, and questions that the model asks (A1, T10).
 *
 * A question belongs to one call. Its turn is parked until each of its questions is decided: the
 * store has the turn, and memory has nothing of it. A decision counts for its call alone. Barnacle
 * reads an answer by the question alone, because a client can send anything.
 *
 * Discord checks a form in the person's client. A client can send anything, so the store checks the
 * text again.
 */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { LinkButton } from "../outbound/outbound.ts";

export interface Form {
  readonly title: string;
  /** Label of its field. */
  readonly label: string;
}

/** The `custom_id` of the field. */
export const FIELD = "text";

/** Maximum characters of a text field at Discord. */
export const MAX_FIELD_CHARS = 4_000;

/** A form that people may open now, for the thread that answers their presses (K5). */
export interface OfferedForm {
  /** `custom_id` of the button that opens it. */
  readonly customId: string;
  readonly channelId: string;
  /** The people who may open it. */
  readonly asked: readonly string[] | "anyone";
  /** Unix time in milliseconds after which it opens no more. */
  readonly expiresAt: number;
  readonly form: Form;
}

/** Maximum number of forms that the gateway's thread keeps. The main thread opens others. */
export const MAX_OFFERED = 100;

/** A way to answer: a button, or an option of a menu. */
export interface AnswerChoice {
  /** Names the choice for code and for the model. */
  readonly key: string;
  /** The text for people; absent for choices of Barnacle's own, which have notices. */
  readonly label?: string;
  /** Colour of the button; grey if absent. */
  readonly style?: "primary" | "secondary" | "success" | "danger";
}

export const ALLOW_ONCE = "once";
/** Choice that allows this call and later ones like it. */
export const ALLOW_ALWAYS = "always";
export const DENY = "deny";
/** Choice that opens the form of a question. It decides nothing by itself. */
export const FILL_IN = "form";
/** Stands for a select menu among a card's components: the answer is in the person's selection. */
export const MENU = "menu";

/** A fact on a card: `Where: #general`. */
export interface CardFact {
  readonly name: string;
  /** The fact, in one line. */
  readonly value: string;
}

/** The content of a question, without its state. */
export interface Question {
  /**
   * - `approval`: an approver decides about a command (A1).
   * - `skill`: an owner decides about a version of a skill's tool (T7a).
   * - `ask`: the model asks a person (T10).
   * - `limit`: a person decides about many destructive actions of one turn (T3).
   */
  readonly kind: "approval" | "skill" | "ask" | "limit";
  /** Name of the tool whose call waits. */
  readonly tool: string;
  /** The question, in one or more lines of Markdown. */
  readonly text: string;
  /** Set if it is asked in a turn with a person's own account: its cards have the mark (T13a). */
  readonly isPersonal?: true;
  readonly facts: readonly CardFact[];
  /** Text that is shown as it is: the exact command, or a diff. */
  readonly exact?: string;
  /** An address that the card opens, beside the choices. */
  readonly link?: LinkButton;
  /**
   * The ways to answer. Of a question with a form: {@link FILL_IN}, and {@link DENY} if the person
   * may decline.
   */
  readonly choices: readonly AnswerChoice[];
  /** Set if a person may choose several of {@link Question.choices}, at most this many. */
  readonly upTo?: number;
  /** The form to fill in; absent if the choices are the answer. */
  readonly form?: Form;
  /** Only these people may answer; `anyone`: each person who may talk to the bot there. */
  readonly asked: readonly UserId[] | "anyone";
  /** People of {@link Question.asked} whom a card in the channel mentions; absent: all of them. */
  readonly mentioned?: readonly UserId[];
  /** Keys of other calls of the same answer that wait for this decision, too. */
  readonly covers?: readonly string[];
  /**
   * - `direct`: a message to each asked person.
   * - `channel`: a message in the turn's channel.
   */
  readonly where: "direct" | "channel";
  /** Hash of the approved command; compared again before the call runs (A3). */
  readonly binding?: string;
  /** Milliseconds until it expires. */
  readonly timeoutMs: number;
}

export interface QuestionAnswer {
  /** Key of the choice; of several, the first. */
  readonly choice: string;
  /** Keys of all choices, if the question allows several. */
  readonly several?: readonly string[];
  /** The text in the form. */
  readonly text?: string;
}

export type Decision =
  | {
    readonly kind: "answered";
    readonly answer: QuestionAnswer;
    readonly about?: Question["kind"];
    /** The person; absent: a person with access to the host (A4). */
    readonly by?: UserId;
    /** {@link Question.binding} as it was shown. */
    readonly binding?: string;
  }
  /** No person has answered in time; an approval counts as denied. */
  | { readonly kind: "expired" }
  /** The question has lost its turn or its card, or could reach no one. */
  | { readonly kind: "withdrawn" };

export interface StoredQuestion {
  readonly id: number;
  /** The account whose bot asks. */
  readonly accountId: AccountId;
  /** Eight letters and digits by which a person can name it. */
  readonly code: string;
  /** The message whose turn is parked. */
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  readonly question: Question;
  readonly state: "open" | Decision["kind"];
  /** Set if it is answered. */
  readonly answer?: QuestionAnswer;
  /** The person who answered; absent: none, or a person with access to the host. */
  readonly decidedBy?: UserId;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A call that waits for a person, with its question. */
export interface AskedCall {
  readonly callKey: string;
  readonly question: Question;
}

/** The most questions that a person's turns may have open at the same time. */
export const MAX_OPEN_QUESTIONS = 10;

/** A decision about a question: by a component, or by its code. */
export interface Deciding {
  /** The account that got the decision; absent: any. */
  readonly accountId?: AccountId;
  readonly by:
    | {
      /** A component of a card. Untrusted: a client can send any text. */
      readonly customId: string;
      readonly messageId: MessageId;
      readonly channelId: ChannelId;
      /** The application that Discord sent the interaction to. */
      readonly applicationId: string;
    }
    | { readonly code: string };
  /** The person; absent: a person with access to the host. */
  readonly userId?: UserId;
  /** The answer; absent: the choice of the component. */
  readonly answer?: QuestionAnswer;
  /** Values that a person has chosen in a select menu. Untrusted. */
  readonly selected?: readonly string[];
  /** The text of the form that a person has submitted. Untrusted. */
  readonly submitted?: string;
  readonly now: number;
}

export type DecidingOutcome =
  /** There is no such question, or the component belongs to another message. */
  | { readonly kind: "unknown" }
  | {
    readonly kind: "not_asked";
    readonly question: StoredQuestion;
    /** The choice of the component; absent: none was used. */
    readonly choice?: string;
  }
  /** It was decided before, or has expired. */
  | { readonly kind: "closed"; readonly question: StoredQuestion }
  /** The answer has no such choice, or does not fit the form. */
  | { readonly kind: "no_choice"; readonly question: StoredQuestion }
  /** The person must fill in the form first. */
  | { readonly kind: "form"; readonly form: Form; readonly question: StoredQuestion }
  | { readonly kind: "decided"; readonly question: StoredQuestion };

/**
 * Reads an answer.
 *
 * @param control The choice that the store has for the used component; absent: none was used.
 * @returns `undefined` if it does not fit the question or the component.
 */
export function readAnswer(
  { choices, upTo = 1, form }: Question,
  control: string | undefined,
  { answer, selected, submitted }: Pick<Deciding, "answer" | "selected" | "submitted">,
): QuestionAnswer | undefined {
  if (form && (submitted !== undefined || control === FILL_IN)) {
    const text = control === FILL_IN ? submitted?.trim() ?? "" : "";
    const fits = text !== "" && text.length <= MAX_FIELD_CHARS;
    return fits ? { choice: FILL_IN, text } : undefined;
  }
  if (submitted !== undefined) return undefined;
  const isChoice = (wanted: string) =>
    wanted !== FILL_IN && choices.some(({ key }) => key === wanted);
  if (selected) {
    const [choice] = selected;
    const fits = control === MENU && selected.length <= upTo && selected.every(isChoice) &&
      new Set(selected).size === selected.length;
    if (!fits || choice === undefined) return undefined;
    return { choice, several: upTo > 1 ? selected : undefined };
  }
  const given = answer ?? (control === undefined ? undefined : { choice: control });
  return given && isChoice(given.choice) ? given : undefined;
}
